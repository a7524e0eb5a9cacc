//! Median pruning: the first split shows whether a trial is worth the others.

use std::{collections::BTreeMap, ops::ControlFlow};

use super::{Evaluator, Proposal};
use crate::tuning::{
    TrialState, TuningError,
    fit::{End, FitEnd},
    stage::Pruning,
};

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
        let firsts = self.fits(fresh.iter().map(|&proposal| (proposal, 0)).collect(), |proposal, split, fitting| {
            let watch =
                |step, score| if self.medians.prunes(pruning, step, score) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            self.fit(proposal, split, &self.splits[split], Some(&watch), fitting)
        })?;
        let goes_on = |end: &FitEnd| matches!(end.end, End::Scored { .. });
        let rest: Vec<(&Proposal, usize)> = fresh
            .iter()
            .zip(&firsts)
            .filter(|(_, first)| goes_on(first))
            .flat_map(|(&proposal, _)| (1..self.splits.len()).map(move |split| (proposal, split)))
            .collect();
        let rest = self.fits(rest, |proposal, split, fitting| self.fit(proposal, split, &self.splits[split], None, fitting))?;
        let mut rest = rest.into_iter();
        for (proposal, first) in fresh.iter().zip(firsts) {
            let steps = first.steps.clone();
            let others = if goes_on(&first) { self.splits.len() - 1 } else { 0 };
            let ends: Vec<FitEnd> = std::iter::once(first).chain(rest.by_ref().take(others)).collect();
            let trial = self.ended(proposal, &ends, steps);
            self.record(proposal, &trial)?;
            self.known.insert(proposal.key.clone(), trial);
        }
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
