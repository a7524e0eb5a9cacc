//! Successive halving: every trial of a batch gets a little, and at each rung the best of all that ever stood there go on.

use super::{Evaluator, Proposal};
use crate::tuning::{
    TuningError,
    fit::{End, FitEnd, until},
    splits::SplitData,
    stage::{Halving, Resource},
    trial::Trial,
};

/// The scores seen at each rung, by all batches so far.
#[derive(Default)]
pub(super) struct Rungs(Vec<Vec<f64>>);

impl Rungs {
    /// Adds a batch's scores at a rung; for each whether it goes on: whether it is among the best `1 / factor` of all seen there.
    fn promote(&mut self, rung: usize, scores: &[Option<f64>], factor: usize) -> Vec<bool> {
        if self.0.len() <= rung {
            self.0.resize(rung + 1, Vec::new());
        }
        let seen = &mut self.0[rung];
        seen.extend(scores.iter().flatten());
        seen.sort_by(|a, b| b.total_cmp(a));
        let Some(&least) = seen.get(seen.len().div_ceil(factor).saturating_sub(1)) else {
            return vec![false; scores.len()];
        };
        scores.iter().map(|score| score.is_some_and(|score| score >= least)).collect()
    }
}

/// The amounts between `least` and `full`, excluding `full`.
fn amounts(halving: &Halving, full: u64) -> Vec<u64> {
    std::iter::successors(Some(halving.least), |amount| amount.checked_mul(halving.factor as u64))
        .take_while(|amount| *amount < full)
        .collect()
}

/// A trial on its way up.
struct Climber<'p> {
    proposal: &'p Proposal,
    /// One for each split, as of the last rung.
    ends: Vec<FitEnd>,
    steps: Vec<(u64, f64)>,
    /// Seconds of the rungs before.
    seconds: f64,
    /// Steps of earlier fits that were not continued but begun anew.
    steps_run: u64,
}

impl Evaluator<'_> {
    /// Lets a batch climb the rungs together.
    pub(super) fn evaluate_by_halving(&mut self, batch: &[Proposal], halving: &Halving) -> Result<bool, TuningError> {
        if self.clock.is_over() && batch.iter().any(|proposal| !self.known.contains_key(&proposal.key)) {
            return Ok(false);
        }
        let full = match halving.resource {
            Resource::Steps => {
                batch.iter().find_map(|proposal| proposal.learner.as_ref().ok()).map_or(0, |learner| u64::from(learner.length().steps))
            }
            Resource::Images => self.splits.iter().map(|split| split.train.len() as u64).min().unwrap_or_default(),
        };
        let mut climbers: Vec<Climber> =
            batch.iter().map(|proposal| Climber { proposal, ends: Vec::new(), steps: Vec::new(), seconds: 0.0, steps_run: 0 }).collect();
        for (rung, amount) in amounts(halving, full).into_iter().enumerate() {
            let smaller: Vec<SplitData> = match halving.resource {
                Resource::Steps => Vec::new(),
                Resource::Images => self
                    .splits
                    .iter()
                    .enumerate()
                    .map(|(at, split)| split.smaller(amount as usize, self.seed.derive("rung").index(at as u64)))
                    .collect(),
            };
            self.climb(&mut climbers, Some(amount), &smaller)?;
            climbers = self.without_failures(climbers)?;
            let scores: Vec<Option<f64>> = climbers.iter().map(|climber| self.at(climber, amount)).collect();
            let promoted = self.rungs.promote(rung, &scores, halving.factor);
            let (on, out): (Vec<_>, Vec<_>) = climbers.into_iter().zip(promoted).partition(|(_, promoted)| *promoted);
            for (climber, _) in out {
                self.keep(&climber)?;
            }
            climbers = on.into_iter().map(|(climber, _)| climber).collect();
        }
        self.climb(&mut climbers, None, &[])?;
        for climber in &climbers {
            self.keep(climber)?;
        }
        Ok(true)
    }

    /// What a climber scored with an amount: from the log, or the mean of its splits.
    fn at(&self, climber: &Climber, amount: u64) -> Option<f64> {
        let steps = self.known.get(&climber.proposal.key).map_or(&climber.steps, |trial| &trial.steps);
        steps.iter().find(|(step, _)| *step == amount).map(|(_, score)| *score)
    }

    /// Fits all that are not known up to an amount (of steps, or with the splits in `smaller`), or to their end.
    fn climb(&self, climbers: &mut [Climber], amount: Option<u64>, smaller: &[SplitData]) -> Result<(), TuningError> {
        let anew = self.stage.config.halving.as_ref().is_some_and(|halving| halving.resource == Resource::Images);
        // A fit that is continued must be watched to its end as it was from its beginning.
        let stop = (!anew).then(|| until(amount.unwrap_or(u64::MAX)));
        let splits = if smaller.is_empty() { self.splits } else { smaller };
        let fresh = |climber: &Climber| !self.known.contains_key(&climber.proposal.key);
        let jobs: Vec<(&Proposal, usize)> = climbers
            .iter()
            .filter(|climber| fresh(climber))
            .flat_map(|climber| (0..splits.len()).map(move |split| (climber.proposal, split)))
            .collect();
        let ends = self.fits(jobs, |proposal, split, fitting| {
            let watch = stop.as_ref().map(|stop| stop as &crate::tuning::fit::Watch);
            let end = self.fit(proposal, split, &splits[split], watch, fitting)?;
            if anew {
                // The next amount is another fit: this one's state is of no use to it.
                let _ = std::fs::remove_file(self.checkpoint(&proposal.key, split));
            }
            Ok(end)
        })?;
        let mut ends = ends.into_iter();
        for climber in climbers.iter_mut().filter(|climber| fresh(climber)) {
            climber.seconds += climber.ends.iter().map(|end| end.seconds).sum::<f64>();
            if anew {
                climber.steps_run += climber.ends.iter().map(|end| end.steps_run).sum::<u64>();
            }
            climber.ends = ends.by_ref().take(splits.len()).collect();
            let Some(amount) = amount else { continue };
            let score = |end: &FitEnd| match end.end {
                End::Scored { score, .. } => Some(score),
                End::Stopped => end.steps.last().map(|(_, score)| *score),
                End::Failed(_) => None,
            };
            let scores: Option<Vec<f64>> = climber.ends.iter().map(score).collect();
            if let Some(scores) = scores {
                climber.steps.push((amount, scores.iter().sum::<f64>() / scores.len() as f64));
            }
        }
        Ok(())
    }

    /// Those that failed are kept as such and climb no further.
    fn without_failures<'p>(&mut self, climbers: Vec<Climber<'p>>) -> Result<Vec<Climber<'p>>, TuningError> {
        let failed = |climber: &Climber| climber.ends.iter().any(|end| matches!(end.end, End::Failed(_)));
        let (out, on): (Vec<_>, Vec<_>) = climbers.into_iter().partition(failed);
        for climber in &out {
            self.keep(climber)?;
        }
        Ok(on)
    }

    fn keep(&mut self, climber: &Climber) -> Result<(), TuningError> {
        if self.known.contains_key(&climber.proposal.key) {
            return Ok(());
        }
        let mut trial: Trial = self.ended(climber.proposal, &climber.ends, climber.steps.clone());
        trial.details.seconds += climber.seconds;
        trial.details.steps_run += climber.steps_run;
        self.record(climber.proposal, &trial)?;
        self.known.insert(climber.proposal.key.clone(), trial);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_grow_by_the_factor_and_end_below_all() {
        let halving = |least, factor| Halving { resource: Resource::Steps, least, factor };
        assert_eq!(amounts(&halving(1, 3), 27), [1, 3, 9]);
        assert_eq!(amounts(&halving(2, 2), 7), [2, 4]);
        assert_eq!(amounts(&halving(5, 3), 5), [0u64; 0]);
    }

    #[test]
    fn one_in_three_goes_on_and_later_batches_are_compared_with_all() {
        let mut rungs = Rungs::default();
        let scores: Vec<_> = [0.1, 0.6, 0.3, 0.5, 0.2, 0.4].map(Some).to_vec();
        assert_eq!(rungs.promote(0, &scores, 3), [false, true, false, true, false, false]);
        assert_eq!(rungs.promote(0, &[Some(0.45), None], 3), [true, false], "seven seen, three go on: 0.6, 0.5, 0.45");
        assert_eq!(rungs.promote(0, &[Some(0.4)], 3), [false]);
    }
}
