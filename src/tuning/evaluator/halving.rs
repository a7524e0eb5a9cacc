//! Successive halving: every trial of a batch gets a little, and at each rung the best of all that ever stood there go
//! on.

use super::{Evaluator, Proposal, plain::Unfinished};
use crate::tuning::{
    TrialState, TuningError,
    fit::{End, FitEnd, Watch, until},
    splits::SplitData,
    stage::{Halving, Resource},
    trial::Trial,
};

/// The scores seen at each rung, by all batches so far.
#[derive(Default)]
pub(super) struct Rungs(Vec<Vec<f64>>);

impl Rungs {
    /// Adds a batch's scores at a rung; for each whether it goes on: whether it is among the best `1 / factor` of all
    /// seen there.
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

impl<'p> Climber<'p> {
    /// The last climb: on with the fits of the last rung, or anew on all images.
    fn unfinished(self, resource: Resource) -> Unfinished<'p> {
        let sum = |value: fn(&FitEnd) -> f64| self.ends.iter().map(value).sum::<f64>();
        let seconds = self.seconds + sum(|end| end.seconds);
        let before: u64 = self.ends.iter().map(|end| end.steps_run).sum();
        let steps_run = self.steps_run + if resource == Resource::Images { before } else { 0 };
        Unfinished { proposal: self.proposal, earlier: Vec::new(), steps: self.steps, seconds, steps_run }
    }
}

impl Evaluator<'_> {
    /// Lets a batch climb the rungs together.
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
        // A fit that is continued must be watched to its end as it was from its beginning.
        let watch = until(u64::MAX);
        self.finish(last, (halving.resource == Resource::Steps).then_some(&watch as &Watch))?;
        Ok(true)
    }

    /// What a climber scored with an amount: from the log, or the mean of its splits.
    fn at(&self, climber: &Climber, amount: u64) -> Option<f64> {
        let steps = self.known.get(&climber.proposal.key).map_or(&climber.steps, |trial| &trial.steps);
        steps.iter().find(|(step, _)| *step == amount).map(|(_, score)| *score)
    }

    /// Fits all that are not known up to an amount: of steps, or of images if these are in `smaller`.
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
                // The next amount is another fit: this one's state is of no use to it.
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
            let score = |end: &FitEnd| match end.end {
                End::Failed(_) => None,
                End::Scored { score, .. } if anew => Some(score),
                End::Scored { .. } | End::Stopped => {
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

    /// Those that failed are kept as such and climb no further.
    fn without_failures<'p>(&mut self, climbers: Vec<Climber<'p>>) -> Result<Vec<Climber<'p>>, TuningError> {
        let failed = |climber: &Climber| climber.ends.iter().any(|end| matches!(end.end, End::Failed(_)));
        let (out, on): (Vec<_>, Vec<_>) = climbers.into_iter().partition(failed);
        for climber in &out {
            self.keep(climber, false)?;
        }
        Ok(on)
    }

    /// Records a climber that goes no further: it failed, or it is `out` at a rung.
    fn keep(&mut self, climber: &Climber, out: bool) -> Result<(), TuningError> {
        if self.known.contains_key(&climber.proposal.key) {
            return Ok(());
        }
        let mut trial: Trial = self.ended(climber.proposal, &climber.ends, climber.steps.clone());
        trial.details.seconds += climber.seconds;
        trial.details.steps_run += climber.steps_run;
        if out && trial.state == TrialState::Complete {
            // Scored to the end of too little: no peer of those that got everything.
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

    #[test]
    fn one_in_three_goes_on_and_later_batches_are_compared_with_all() {
        let mut rungs = Rungs::default();
        let scores: Vec<_> = [0.1, 0.6, 0.3, 0.5, 0.2, 0.4].map(Some).to_vec();
        assert_eq!(rungs.promote(0, &scores, 3), [false, true, false, true, false, false]);
        assert_eq!(rungs.promote(0, &[Some(0.45), None], 3), [true, false], "seven seen, three go on: 0.6, 0.5, 0.45");
        assert_eq!(rungs.promote(0, &[Some(0.4)], 3), [false]);
    }
}
