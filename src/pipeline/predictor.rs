//! One image through every model of a finished run.

use std::sync::Arc;

use super::{Opinion, RunFailure, predictions::Mean};
use crate::{
    data::{CLASSES, PIXELS},
    evaluation,
    imaging::Processor,
    learners::Predictor,
    seed::Seed,
    stacking::{Stack, StackingError},
};

/// From so many images on, asking about all at once is faster than one after another: 4 images of a stack of twelve
/// models take 6.7 ms one by one, and 9 at once 7.3.
pub const WORTH_A_BATCH: usize = 5;

/// The models of a run for one image at a time: [`SavedRun::opinions`](super::SavedRun::opinions) without batches,
/// devices and threads.
///
/// Weights are packed and buffers made when it is, so that asking it allocates nothing; the one exception is the first
/// image of the process that passes a `normalise-size` step, whose tables are computed then. Clones share the models
/// and have buffers of their own: one for each thread that answers requests.
#[derive(Clone)]
pub struct StackPredictor {
    processor: Processor,
    /// The models of each member: one, or one for each fold.
    members: Vec<Vec<Box<dyn Predictor>>>,
    stacks: Arc<[Stack]>,
    /// The members' rows side by side, `[10 · members]`.
    features: Vec<f32>,
    /// Of the members, then of the stacks.
    opinions: Vec<Opinion<[f32; CLASSES]>>,
}

impl StackPredictor {
    /// `opinions`: the members' in order, then the stacks', with any probabilities. The stacks were fitted on these
    /// members.
    pub(super) fn new(
        processor: Processor,
        members: Vec<Vec<Box<dyn Predictor>>>,
        stacks: Arc<[Stack]>,
        opinions: Vec<Opinion<[f32; CLASSES]>>,
    ) -> Self {
        debug_assert_eq!(opinions.len(), members.len() + stacks.len());
        let features = vec![0.0; CLASSES * members.len()];
        Self { processor, members, stacks, features, opinions }
    }

    /// The image after the run's recipe: what the models see.
    pub fn prepared(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        // No step of the recipe is random: the seed is never drawn from.
        self.processor.apply(image, Seed(0))
    }

    /// What every model thinks of a 28×28 image as it came, before [`SavedRun::prepare`](super::SavedRun::prepare):
    /// members in order, then the stack, then the ensembles.
    ///
    /// # Errors
    /// If a member's answer is no distribution, which a net gives whose numbers overflow.
    pub fn predict(&mut self, image: &[u8; PIXELS]) -> Result<&[Opinion<[f32; CLASSES]>], RunFailure> {
        let image = self.prepared(image);
        let (members, metas) = self.opinions.split_at_mut(self.members.len());
        let features = self.features.as_chunks_mut::<CLASSES>().0;
        for (member, ((models, opinion), features)) in self.members.iter_mut().zip(members).zip(features).enumerate() {
            let mut mean = Mean::default();
            for model in models {
                mean.add(&model.predict_one(&image));
            }
            *features = mean.row();
            evaluation::check_rows(std::slice::from_ref(features))
                .map_err(|problem| StackingError::MemberRows { member, problem })?;
            opinion.probabilities = *features;
        }
        for (stack, opinion) in self.stacks.iter().zip(metas) {
            opinion.probabilities = stack.predict_one(&self.features);
        }
        Ok(&self.opinions)
    }
}
