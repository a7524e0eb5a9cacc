//! Successive halving: every trial of a batch gets a small amount, and at each rung the best of all that reached it are
//! promoted to more.

use super::{
    fits::{Evaluator, Proposal},
    plain::Unfinished,
};
use crate::tuning::{
    error::TuningError,
    outcome::TrialState,
    split_fit::{FitResult, FitStatus, Watch, until},
    splits::SplitData,
    stage::{Halving, Resource},
    trial::Trial,
};

/// Returns the amounts of the rungs: from `least` on, below `full`.
fn amounts(halving: &Halving, full: u64) -> Vec<u64> {
    std::iter::successors(Some(halving.least), |amount| amount.checked_mul(halving.factor as u64))
        .take_while(|amount| *amount < full)
        .collect()
}

/// Trial that is being promoted from rung to rung.
struct Climber<'p> {
    proposal: &'p Proposal,
    /// Result of each split at the last rung.
    ends: Vec<FitResult>,
    steps: Vec<(u64, f64)>,
    /// Seconds of the earlier rungs.
    seconds: f64,
    /// Steps of earlier fits that are not continued but begun anew.
    steps_run: u64,
}

impl<'p> Climber<'p> {
    /// Returns the complete fits that remain: continued from the last rung, or anew on all images.
    fn unfinished(self, resource: Resource) -> Unfinished<'p> {
        let sum = |value: fn(&FitResult) -> f64| self.ends.iter().map(value).sum::<f64>();
        let seconds = self.seconds + sum(|end| end.seconds);
        let before: u64 = self.ends.iter().map(|end| end.steps_run).sum();
        let steps_run = self.steps_run + if resource == Resource::Images { before } else { 0 };
        Unfinished { proposal: self.proposal, earlier: Vec::new(), steps: self.steps, seconds, steps_run }
    }
}

impl Evaluator<'_> {
    /// Evaluates a batch rung by rung.
    pub(super) fn evaluate_by_halving(&mut self, batch: &[Proposal], halving: &Halving) -> Result<bool, TuningError> {
        if self.clock.is_over() && batch.iter().any(|proposal| !self.known.contains_key(&proposal.key)) {
            return Ok(false);
        }
        let full = match halving.resource {
            Resource::Steps => batch
                .iter()
                .find_map(|proposal| proposal.learner.as_ref().ok())
                .map_or(0, |learner| u64::from(learner.length().steps)),
            Resource::Images => self.splits.iter().map(|split| split.train.len() as u64).min().unwrap_or_default(),
        };
        let mut climbers: Vec<Climber> = batch
            .iter()
            .map(|proposal| Climber { proposal, ends: Vec::new(), steps: Vec::new(), seconds: 0.0, steps_run: 0 })
            .collect();
        for (rung, amount) in amounts(halving, full).into_iter().enumerate() {
            let seed = self.seed.derive("rung");
            let cut = |(at, split): (usize, &SplitData)| split.smaller(amount as usize, seed.index(at as u64));
            let smaller: Vec<SplitData> = match halving.resource {
                Resource::Steps => Vec::new(),
                Resource::Images => self.splits.iter().enumerate().map(cut).collect::<Result<_, _>>()?,
            };
            self.climb(&mut climbers, amount, &smaller)?;
            climbers = self.without_failures(climbers)?;
            let scores: Vec<Option<f64>> = climbers.iter().map(|climber| self.at(climber, amount)).collect();
            let promoted = self.rungs.promote(rung, &scores, halving.factor);
            let (on, out): (Vec<_>, Vec<_>) = climbers.into_iter().zip(promoted).partition(|(_, promoted)| *promoted);
            for (climber, _) in out {
                self.keep(&climber, true)?;
            }
            climbers = on.into_iter().map(|(climber, _)| climber).collect();
        }
        let fresh = climbers.into_iter().filter(|climber| !self.known.contains_key(&climber.proposal.key));
        let last = fresh.map(|climber| climber.unfinished(halving.resource)).collect();
        // A continued fit must be observed to its end, as it was from its beginning.
        let watch = until(u64::MAX);
        self.finish(last, (halving.resource == Resource::Steps).then_some(&watch as &Watch))?;
        Ok(true)
    }

    /// Returns the score of a climber with an amount: from the log, or the mean of its splits.
    fn at(&self, climber: &Climber, amount: u64) -> Option<f64> {
        let steps = self.known.get(&climber.proposal.key).map_or(&climber.steps, |trial| &trial.steps);
        steps.iter().find(|(step, _)| *step == amount).map(|(_, score)| *score)
    }

    /// Fits unknown trials up to an amount: of steps, or of images if these are in `smaller`.
    fn climb(&self, climbers: &mut [Climber], amount: u64, smaller: &[SplitData]) -> Result<(), TuningError> {
        let anew = !smaller.is_empty();
        let stop = until(amount);
        let (watch, splits) = if anew { (None, smaller) } else { (Some(&stop as &Watch), self.splits) };
        let fresh = |climber: &Climber| !self.known.contains_key(&climber.proposal.key);
        let jobs: Vec<(&Proposal, usize)> = climbers
            .iter()
            .filter(|climber| fresh(climber))
            .flat_map(|climber| (0..splits.len()).map(move |split| (climber.proposal, split)))
            .collect();
        let images = anew.then_some(amount);
        let ends = self.fits(jobs, |proposal, split, fitting| {
            let end = self.fit(proposal, split, images, &splits[split], watch, fitting)?;
            if anew {
                // The next amount is another fit, which cannot use this checkpoint.
                let _ = std::fs::remove_file(self.checkpoint(&proposal.key, split, images));
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
            // A fit may have gone further before an interruption: its score is what it was at the first step read from
            // the amount on.
            let score = |end: &FitResult| match end.status {
                FitStatus::Failed(_) => None,
                FitStatus::Scored { score, .. } if anew => Some(score),
                FitStatus::Scored { .. } | FitStatus::Stopped => {
                    end.steps.iter().find(|(step, _)| *step >= amount).map(|(_, score)| *score)
                }
            };
            let scores: Option<Vec<f64>> = climber.ends.iter().map(score).collect();
            if let Some(scores) = scores {
                climber.steps.push((amount, scores.iter().sum::<f64>() / scores.len() as f64));
            }
        }
        Ok(())
    }

    /// Records failed trials and returns the others.
    fn without_failures<'p>(&mut self, climbers: Vec<Climber<'p>>) -> Result<Vec<Climber<'p>>, TuningError> {
        let failed = |climber: &Climber| climber.ends.iter().any(|end| matches!(end.status, FitStatus::Failed(_)));
        let (out, on): (Vec<_>, Vec<_>) = climbers.into_iter().partition(failed);
        for climber in &out {
            self.keep(climber, false)?;
        }
        Ok(on)
    }

    /// Records a trial that goes no further: it failed, or it is `out` at a rung.
    fn keep(&mut self, climber: &Climber, out: bool) -> Result<(), TuningError> {
        if self.known.contains_key(&climber.proposal.key) {
            return Ok(());
        }
        let mut trial: Trial = self.ended(climber.proposal, &climber.ends, climber.steps.clone());
        trial.details.seconds += climber.seconds;
        trial.details.steps_run += climber.steps_run;
        if out && trial.state == TrialState::Complete {
            // Its score comes from fewer images and is not comparable with those of complete trials.
            trial.state = TrialState::Pruned;
            trial.score = trial.steps.last().map(|(_, score)| *score);
            (trial.details.standard_error, trial.details.train_score) = (None, None);
            trial.details.split_scores.clear();
        }
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
}
