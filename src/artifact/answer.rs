//! The answer to one image: a digit with its confidence, and the reason to refuse it if there is one.

use super::{failure::RunFailure, trained_models::TrainedModels};
use crate::{
    data::{CLASSES, PIXELS},
    evaluation,
    verdict::{Advice, Judge, Refusal},
};

/// Answer of a model to one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Most probable digit, also where it is refused.
    pub digit: u8,
    /// Probability of `digit`, 0 to 1: calibrated if the recommended model of a run answers, otherwise its own.
    pub confidence: f32,
    /// Second most probable digit.
    pub runner_up: u8,
    /// Probability of `runner_up`, 0 to 1, of the same kind.
    pub runner_up_confidence: f32,
    /// Reason not to rely on `digit`.
    pub refusal: Option<Refusal>,
    /// Advice to the person who made a refused picture; empty if it is answered.
    pub advice: Advice,
    /// Uncalibrated probabilities of the digits 0 to 9.
    pub probabilities: [f32; CLASSES],
}

/// Turns a model's rows into answers, on one thread. Clones share the weights of the detector.
#[derive(Clone)]
pub struct Answerer {
    /// Of the recommended model of a run.
    judge: Option<Judge>,
    min_confidence: f32,
}

impl Answerer {
    /// Makes an answerer for the model of this index. `min_confidence`: confidence below which an answer is refused as
    /// unsure, 0 to 1, beside the minimum that the run itself found; 0 refuses none.
    ///
    /// # Errors
    /// If the run's detector cannot be used for single images.
    pub fn new(trained: &TrainedModels, model: usize, min_confidence: f32) -> Result<Self, RunFailure> {
        let judge = if model == trained.recommended() { trained.judge()? } else { None };
        Ok(Self { judge, min_confidence })
    }

    /// The answer to a 28×28 image before preprocessing, for which the model predicts `row`.
    pub fn answer(&mut self, image: &[u8; PIXELS], row: &[f32; CLASSES]) -> Answer {
        let verdict = self.judge.as_mut().map(|judge| judge.judge(image, row));
        let ranking = evaluation::rank(&verdict.map_or(*row, |verdict| verdict.probabilities));
        let is_unsure = ranking.probability < self.min_confidence;
        let advice = Advice { guess: is_unsure.then_some(ranking.digit), hint: None };
        Answer {
            digit: ranking.digit,
            confidence: ranking.probability,
            runner_up: ranking.runner_up,
            runner_up_confidence: ranking.runner_up_probability,
            refusal: verdict.and_then(|verdict| verdict.answer.err()).or(is_unsure.then_some(Refusal::Unsure)),
            advice: verdict.and_then(|verdict| verdict.advice).unwrap_or(advice),
            probabilities: *row,
        }
    }

    /// The answer to a row of a table: refused only for its confidence, below the given minimum.
    pub fn answer_row(&self, row: &[f32; CLASSES]) -> Answer {
        let calibrated = self.judge.as_ref().map_or(*row, |judge| judge.calibrated(row));
        let ranking = evaluation::rank(&calibrated);
        let (digit, is_unsure) = (evaluation::top_class(row) as u8, ranking.probability < self.min_confidence);
        Answer {
            digit,
            confidence: ranking.probability,
            runner_up: ranking.runner_up,
            runner_up_confidence: ranking.runner_up_probability,
            refusal: is_unsure.then_some(Refusal::Unsure),
            advice: Advice { guess: is_unsure.then_some(digit), hint: None },
            probabilities: *row,
        }
    }
}
