//! Median pruning rule.

use std::collections::BTreeMap;

use crate::tuning::stage::Pruning;

/// Accuracies of earlier trials on the first split, by step.
#[derive(Default)]
pub(super) struct Medians {
    at: BTreeMap<u64, Vec<f64>>,
    trials: usize,
}

impl Medians {
    /// Adds the scores of a trial.
    pub(super) fn add(&mut self, steps: &[(u64, f64)]) {
        self.trials += 1;
        for (step, score) in steps {
            self.at.entry(*step).or_default().push(*score);
        }
    }

    /// Returns true if a trial with this score at this step is to end there.
    pub(super) fn prunes(&self, pruning: Pruning, step: u64, score: f64) -> bool {
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
