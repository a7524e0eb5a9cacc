//! Median pruning: the first split decides whether a trial is fitted on the others.

use std::ops::ControlFlow;

use super::{
    fits::{Evaluator, Proposal},
    plain::Unfinished,
};
use crate::tuning::{error::TuningError, outcome::TrialState, split_fit::FitStatus, stage::Pruning};

impl Evaluator<'_> {
    /// Fits the first split of each proposal, and the other splits of those that were not pruned there.
    pub(super) fn evaluate_with_pruning(&mut self, batch: &[Proposal], pruning: Pruning) -> Result<bool, TuningError> {
        let fresh: Vec<&Proposal> = batch.iter().filter(|proposal| !self.known.contains_key(&proposal.key)).collect();
        if self.clock.is_over() && !fresh.is_empty() {
            return Ok(false);
        }
        // A trial that is pruned on the first split is recorded at once.
        let firsts = self.fits(fresh.iter().map(|&proposal| (proposal, 0)).collect(), |proposal, split, fitting| {
            let watch = |step, score| {
                if self.medians.prunes(pruning, step, score) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let end = self.fit(proposal, split, None, &self.splits[split], Some(&watch), fitting)?;
            if matches!(end.status, FitStatus::Scored { .. }) {
                return Ok((end, None));
            }
            let trial = self.ended(proposal, std::slice::from_ref(&end), end.steps.clone());
            self.record(proposal, &trial)?;
            Ok((end, Some(trial)))
        })?;
        let mut rest = Vec::new();
        for (&proposal, (first, trial)) in fresh.iter().zip(firsts) {
            match trial {
                Some(trial) => drop(self.known.insert(proposal.key.clone(), trial)),
                None => {
                    let steps = first.steps.clone();
                    rest.push(Unfinished { proposal, earlier: vec![first], steps, seconds: 0.0, steps_run: 0 });
                }
            }
        }
        self.finish(rest, None)?;
        for proposal in batch {
            if let Some(trial) = self.known.get(&proposal.key).filter(|trial| trial.state != TrialState::Failed) {
                self.medians.add(&trial.steps);
            }
        }
        Ok(true)
    }
}
