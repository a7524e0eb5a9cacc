//! Complete trials, each recorded as soon as its last fit ends.

use std::{collections::HashMap, sync::Mutex};

use super::fits::{Evaluator, Proposal};
use crate::tuning::{
    error::TuningError,
    split_fit::{FitResult, Watch},
    trial::Trial,
};

/// Trial with splits left to fit.
pub(super) struct Unfinished<'p> {
    pub(super) proposal: &'p Proposal,
    /// Results of the splits before those that are left.
    pub(super) earlier: Vec<FitResult>,
    /// Intermediate scores.
    pub(super) steps: Vec<(u64, f64)>,
    /// Seconds of fits that are neither in `earlier` nor left.
    pub(super) seconds: f64,
    /// Steps of the same fits.
    pub(super) steps_run: u64,
}

impl<'p> Unfinished<'p> {
    /// Creates a trial without any fits.
    fn new(proposal: &'p Proposal) -> Self {
        Self { proposal, earlier: Vec::new(), steps: Vec::new(), seconds: 0.0, steps_run: 0 }
    }
}

/// Results of a trial's splits so far.
#[derive(Default)]
struct Collected {
    begun: bool,
    /// True if the time was over before it began.
    skipped: bool,
    ends: Vec<(usize, FitResult)>,
    trial: Option<Trial>,
}

impl Evaluator<'_> {
    /// Fits unknown trials; returns false if the time was over before all had begun.
    pub(super) fn evaluate_plainly(&mut self, batch: &[Proposal]) -> Result<bool, TuningError> {
        let fresh =
            batch.iter().filter(|proposal| !self.known.contains_key(&proposal.key)).map(Unfinished::new).collect();
        self.finish(fresh, None)
    }

    /// Fits the splits that are left of each trial; returns false if the time was over before all had begun.
    pub(super) fn finish(&mut self, trials: Vec<Unfinished>, watch: Option<&Watch>) -> Result<bool, TuningError> {
        let splits = self.splits.len();
        let collected: Vec<Mutex<Collected>> = trials.iter().map(|_| Mutex::default()).collect();
        let indices: HashMap<usize, usize> =
            trials.iter().enumerate().map(|(index, trial)| (trial.proposal.order, index)).collect();
        let jobs = trials
            .iter()
            .flat_map(|trial| (trial.earlier.len()..splits).map(move |split| (trial.proposal, split)))
            .collect();
        let outcome = self.fits(jobs, |proposal, split, fitting| {
            let Some(&index) = indices.get(&proposal.order) else { return Ok(()) };
            let (unfinished, collected) = (&trials[index], &collected[index]);
            {
                let mut collected = lock(collected);
                if collected.skipped || (!collected.begun && unfinished.earlier.is_empty() && self.clock.is_over()) {
                    collected.skipped = true;
                    return Ok(());
                }
                collected.begun = true;
            }
            let end = self.fit(proposal, split, None, &self.splits[split], watch, fitting)?;
            let mut collected = lock(collected);
            collected.ends.push((split, end));
            if unfinished.earlier.len() + collected.ends.len() == splits {
                let ends = std::mem::take(&mut collected.ends);
                collected.trial = Some(self.recorded(unfinished, ends)?);
            }
            Ok(())
        });
        let mut time_left = true;
        for (unfinished, collected) in trials.iter().zip(collected) {
            let mut collected = collected.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            time_left &= !collected.skipped;
            if collected.trial.is_none() && unfinished.earlier.len() == splits {
                collected.trial = Some(self.recorded(unfinished, Vec::new())?);
            }
            if let Some(trial) = collected.trial {
                self.known.insert(unfinished.proposal.key.clone(), trial);
            }
        }
        outcome.map(|_| time_left)
    }

    fn recorded(&self, unfinished: &Unfinished, mut ends: Vec<(usize, FitResult)>) -> Result<Trial, TuningError> {
        ends.sort_by_key(|(split, _)| *split);
        let ends: Vec<FitResult> =
            unfinished.earlier.iter().cloned().chain(ends.into_iter().map(|(_, end)| end)).collect();
        let mut trial = self.ended(unfinished.proposal, &ends, unfinished.steps.clone());
        trial.details.seconds += unfinished.seconds;
        trial.details.steps_run += unfinished.steps_run;
        self.record(unfinished.proposal, &trial)?;
        Ok(trial)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
