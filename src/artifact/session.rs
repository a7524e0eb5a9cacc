//! One image at a time through the models of an artifact, on one thread.

use std::sync::Arc;

use super::{failure::RunFailure, model_prediction::ModelPrediction, predictions::Mean};
use crate::{
    data::{CLASSES, PIXELS},
    evaluation,
    imaging::Processor,
    learners::Predictor,
    seed::Seed,
    stacking::{self, Stack, StackingError},
    verdict::{Judge, Verdict},
};

/// The models of an artifact for one image at a time, on the CPU whatever the device, with the verdict.
///
/// Weights are packed and buffers are made when it is created, so that a prediction allocates nothing; the one
/// exception is the first image of the process that passes a `normalise-size` step, whose tables are computed then.
/// Clones share the models and have buffers of their own: one for each thread.
#[derive(Clone)]
pub struct Session {
    processor: Processor,
    /// Models of each member: one, or one for each fold.
    members: Vec<Vec<Box<dyn Predictor>>>,
    /// Of each member, whether the stacks do without it.
    left_out: Arc<[bool]>,
    stacks: Arc<[Stack]>,
    /// Rows of the members side by side, `[10 · members]`.
    features: Vec<f32>,
    /// Of the members, then of the stacks.
    predictions: Vec<ModelPrediction<[f32; CLASSES]>>,
    /// Index of the answering model among them.
    recommended: usize,
    judge: Option<Judge>,
}

/// An image that was read.
pub struct Reading<'a> {
    /// The verdict on it; none if the artifact gives none.
    pub verdict: Option<Verdict>,
    /// Prediction of each model: members in order, then the stack, then the ensembles.
    pub predictions: &'a [ModelPrediction<[f32; CLASSES]>],
    /// Index of the answering model among them.
    pub recommended: usize,
}

/// Loaded parts of a [`Session`].
pub(super) struct Parts {
    pub(super) processor: Processor,
    pub(super) members: Vec<Vec<Box<dyn Predictor>>>,
    /// Of each member, whether the stacks do without it: rows of it that are no probabilities are then no error.
    pub(super) left_out: Arc<[bool]>,
    pub(super) stacks: Arc<[Stack]>,
    /// Names and kinds of the members, then of the stacks, with any probabilities.
    pub(super) predictions: Vec<ModelPrediction<[f32; CLASSES]>>,
    pub(super) recommended: usize,
    pub(super) judge: Option<Judge>,
}

impl Session {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { processor, members, left_out, stacks, predictions, recommended, judge } = parts;
        debug_assert_eq!(predictions.len(), members.len() + stacks.len());
        debug_assert_eq!(left_out.len(), members.len());
        let features = vec![0.0; CLASSES * members.len()];
        Self { processor, members, left_out, stacks, features, predictions, recommended, judge }
    }

    /// The image after the artifact's preprocessing, as the models see it.
    pub fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        // No step of the recipe is random: the seed is never drawn from.
        self.processor.apply(image, Seed(0))
    }

    /// Prediction of every model for a 28×28 image before preprocessing: members in order, then the stack, then the
    /// ensembles.
    ///
    /// # Errors
    /// If a member's row is no distribution, as that of a net whose numbers overflow.
    pub fn predict_all(&mut self, image: &[u8; PIXELS]) -> Result<&[ModelPrediction<[f32; CLASSES]>], RunFailure> {
        let image = self.preprocessed(image);
        for member in 0..self.members.len() {
            self.predict_member(member, &image)?;
        }
        for index in 0..self.stacks.len() {
            self.predict_stack(index);
        }
        Ok(&self.predictions)
    }

    /// Class probabilities of one model, by its index, for a 28×28 image before preprocessing. Only the members that it
    /// needs are computed.
    ///
    /// # Errors
    /// If a member's row is no distribution, as that of a net whose numbers overflow.
    ///
    /// # Panics
    /// If there is no model of that index.
    pub fn predict(&mut self, model: usize, image: &[u8; PIXELS]) -> Result<[f32; CLASSES], RunFailure> {
        let image = self.preprocessed(image);
        match model.checked_sub(self.members.len()) {
            None => self.predict_member(model, &image)?,
            Some(stack) => {
                for member in 0..self.members.len() {
                    self.predict_member(member, &image)?;
                }
                self.predict_stack(stack);
            }
        }
        Ok(self.predictions[model].probabilities)
    }

    /// The verdict on a 28×28 image before preprocessing, and the prediction of every model.
    ///
    /// # Errors
    /// As [`Session::predict_all`].
    pub fn read(&mut self, image: &[u8; PIXELS]) -> Result<Reading<'_>, RunFailure> {
        self.predict_all(image)?;
        let row = self.predictions[self.recommended].probabilities;
        Ok(Reading {
            verdict: self.verdict(image, &row),
            predictions: &self.predictions,
            recommended: self.recommended,
        })
    }

    /// The verdict on a 28×28 image before preprocessing, given the answering model's class probabilities; none if
    /// the artifact gives none.
    pub fn verdict(&mut self, image: &[u8; PIXELS], row: &[f32; CLASSES]) -> Option<Verdict> {
        self.judge.as_mut().map(|judge| judge.judge(image, row))
    }

    /// The judge of the artifact, if it has one.
    pub(super) fn judge_mut(&mut self) -> Option<&mut Judge> {
        self.judge.as_mut()
    }

    fn predict_member(&mut self, member: usize, image: &[u8; PIXELS]) -> Result<(), RunFailure> {
        let mut mean = Mean::default();
        for model in &mut self.members[member] {
            mean.add(&model.predict_one(image));
        }
        let mut row = mean.row();
        if self.left_out[member] {
            stacking::replace_invalid_rows(std::slice::from_mut(&mut row));
        }
        evaluation::check_rows(std::slice::from_ref(&row))
            .map_err(|problem| StackingError::MemberRows { member, problem })?;
        self.features[CLASSES * member..][..CLASSES].copy_from_slice(&row);
        self.predictions[member].probabilities = row;
        Ok(())
    }

    /// Predicts by a stack from the members' present rows.
    fn predict_stack(&mut self, index: usize) {
        self.predictions[self.members.len() + index].probabilities = self.stacks[index].predict_one(&self.features);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{evaluation::ModelKind, imaging::Recipe};

    /// Predictor that counts its calls, and whose rows are no distributions if it is broken.
    #[derive(Clone)]
    struct Counting {
        calls: Arc<AtomicUsize>,
        broken: bool,
    }

    impl Predictor for Counting {
        fn predict_one(&mut self, _: &[u8; PIXELS]) -> [f32; CLASSES] {
            self.calls.fetch_add(1, Ordering::Relaxed);
            [if self.broken { f32::NAN } else { 0.1 }; CLASSES]
        }

        fn another(&self) -> Box<dyn Predictor> {
            Box::new(self.clone())
        }
    }

    #[test]
    fn only_the_requested_member_is_computed() {
        let calls: [Arc<AtomicUsize>; 3] = Default::default();
        let counting = |(index, calls): (usize, &Arc<AtomicUsize>)| {
            let counting = Counting { calls: Arc::clone(calls), broken: index == 1 };
            vec![Box::new(counting) as Box<dyn Predictor>]
        };
        let named = |name: &str| ModelPrediction {
            name: name.to_owned(),
            kind: ModelKind::Member,
            probabilities: [0.0; CLASSES],
        };
        let mut session = Session::new(Parts {
            processor: Recipe::default().compile().unwrap(),
            members: calls.iter().enumerate().map(counting).collect(),
            left_out: vec![false; 3].into(),
            stacks: Vec::new().into(),
            predictions: ["a", "b", "c"].map(named).to_vec(),
            recommended: 0,
            judge: None,
        });
        let counts = || calls.each_ref().map(|calls| calls.load(Ordering::Relaxed));
        let image = [7; PIXELS];
        assert_eq!(session.predict(2, &image).unwrap(), [0.1; CLASSES]);
        assert_eq!(counts(), [0, 0, 1]);
        assert_eq!(session.predict(0, &image).unwrap(), [0.1; CLASSES]);
        assert_eq!(counts(), [1, 0, 1]);
        assert!(session.predict(1, &image).is_err(), "its own row is no distribution");
        assert!(session.predict_all(&image).is_err(), "one of the rows is no distribution");
        session.left_out = vec![false, true, false].into();
        assert_eq!(session.predict(1, &image).unwrap(), [0.1; CLASSES], "no stack needs it");
        assert!(session.predict_all(&image).is_ok());
    }
}
