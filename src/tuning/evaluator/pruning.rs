//! Median pruning: the first split shows whether a trial is worth the others.

use std::{collections::BTreeMap, ops::ControlFlow};

use super::{Evaluator, Proposal, plain::Unfinished};
use crate::tuning::{TrialState, TuningError, fit::End, stage::Pruning};

/// Trials that are compared with the same earlier ones, and run side by side.
pub(super) const BATCH: usize = 4;

/// The accuracies of earlier trials on the first split, by step.
#[derive(Default)]
pub(super) struct Medians {
    at: BTreeMap<u64, Vec<f64>>,
    trials: usize,
}

impl Medians {
    fn add(&mut self, steps: &[(u64, f64)]) {
        self.trials += 1;
        for (step, score) in steps {
            self.at.entry(*step).or_default().push(*score);
        }
    }

    /// True if a trial with this score at this step ends there.
    fn prunes(&self, pruning: Pruning, step: u64, score: f64) -> bool {
        if self.trials < pruning.trials || step < pruning.warmup {
            return false;
        }
        let Some(seen) = self.at.get(&step) else { return false };
        let mut seen = seen.clone();
        seen.sort_by(f64::total_cmp);
        let middle = seen.len() / 2;
        let median = if seen.len().is_multiple_of(2) { (seen[middle - 1] + seen[middle]) / 2.0 } else { seen[middle] };
        score < median
    }
}

impl Evaluator<'_> {
    /// Fits the first split of each, and the other splits of those that were not ended there.
    pub(super) fn evaluate_with_pruning(&mut self, batch: &[Proposal], pruning: Pruning) -> Result<bool, TuningError> {
        let fresh: Vec<&Proposal> = batch.iter().filter(|proposal| !self.known.contains_key(&proposal.key)).collect();
        if self.clock.is_over() && !fresh.is_empty() {
            return Ok(false);
        }
        // What is ended on the first split is recorded there and then.
        let firsts = self.fits(fresh.iter().map(|&proposal| (proposal, 0)).collect(), |proposal, split, fitting| {
            let watch = |step, score| {
                if self.medians.prunes(pruning, step, score) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let end = self.fit(proposal, split, None, &self.splits[split], Some(&watch), fitting)?;
            if matches!(end.end, End::Scored { .. }) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_median_at_its_step_ends() {
        let mut medians = Medians::default();
        let pruning = Pruning { warmup: 2, trials: 3 };
        for scores in [[0.5, 0.6, 0.7], [0.4, 0.5, 0.9]] {
            medians.add(&[(1, scores[0]), (2, scores[1]), (3, scores[2])]);
        }
        assert!(!medians.prunes(pruning, 2, 0.1), "too few trials");
        medians.add(&[(1, 0.1), (2, 0.2)]);
        assert!(medians.prunes(pruning, 2, 0.49) && !medians.prunes(pruning, 2, 0.5));
        assert!(medians.prunes(pruning, 3, 0.79) && !medians.prunes(pruning, 3, 0.8), "the mean of the middle two");
        assert!(!medians.prunes(pruning, 1, 0.0), "still warming up");
        assert!(!medians.prunes(pruning, 9, 0.0), "nobody was there");
    }
}
