//! Evaluation of the candidates of a stage.
//!
//! The result of a trial depends on the search, the stage, its parameters and the trials proposed in earlier batches,
//! never on those beside it or on the number of workers.

mod fits;
mod halving;
mod medians;
mod plain;
mod pruning;
mod rungs;

use super::{
    error::TuningError,
    sampler::{Objective, Stop},
    space::Candidate,
};
use fits::Proposal;

pub(super) use fits::Evaluator;

/// Proposals that are compared with the same earlier trials, and fitted side by side, under median pruning.
const PRUNING_BATCH: usize = 4;

impl Objective for Evaluator<'_> {
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop> {
        let keys: Vec<String> = candidates.iter().map(|candidate| self.stage.space.key(candidate)).collect();
        let mut batch = Vec::new();
        let mut over = false;
        for (key, candidate) in keys.iter().zip(candidates) {
            if self.seen.contains(key) {
                continue;
            }
            if self.stage.config.budget.trials.is_some_and(|most| self.proposed.len() >= most) {
                over = true;
                break;
            }
            if self.known.contains_key(key) {
                self.task.advance(1);
            }
            batch.push(self.proposal(key.clone(), self.proposed.len(), candidate));
            self.seen.insert(key.clone());
            self.proposed.push(key.clone());
        }
        for part in self.parts(batch).into_iter().filter(|part| !part.is_empty()) {
            let time_left = self.evaluate_batch(&part).map_err(Stop::Failure)?;
            self.note_best();
            over |= !time_left;
            if over && !time_left {
                break;
            }
        }
        if over { Err(Stop::Budget) } else { Ok(keys.iter().map(|key| self.score_of(key)).collect()) }
    }
}

impl Evaluator<'_> {
    /// Divides a batch into parts that are scored one after the other: pruning compares with finished trials, so its
    /// parts are small.
    fn parts(&self, mut batch: Vec<Proposal>) -> Vec<Vec<Proposal>> {
        if self.stage.config.pruning.is_none() {
            return vec![batch];
        }
        let mut parts = Vec::new();
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(PRUNING_BATCH));
            parts.push(std::mem::replace(&mut batch, rest));
        }
        parts
    }

    /// Scores proposals, including known ones; returns false if the time ran out before all had begun.
    fn evaluate_batch(&mut self, batch: &[Proposal]) -> Result<bool, TuningError> {
        match (&self.stage.config.halving, self.stage.config.pruning) {
            (Some(halving), _) => self.evaluate_by_halving(batch, halving),
            (None, Some(pruning)) => self.evaluate_with_pruning(batch, pruning),
            (None, None) => self.evaluate_plainly(batch),
        }
    }
}
