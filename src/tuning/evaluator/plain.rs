//! Trials to their end on every split, each recorded the moment that its last fit ends.

use std::{collections::HashMap, sync::Mutex};

use super::{Evaluator, Proposal};
use crate::tuning::{
    TuningError,
    fit::{FitEnd, Watch},
    trial::Trial,
};

/// A trial with splits left to fit.
pub(super) struct Unfinished<'p> {
    pub(super) proposal: &'p Proposal,
    /// How the splits before those that are left ended.
    pub(super) earlier: Vec<FitEnd>,
    /// Scores on the way.
    pub(super) steps: Vec<(u64, f64)>,
    /// Seconds and steps of fits that are no part of `earlier` or of what is left.
    pub(super) seconds: f64,
    pub(super) steps_run: u64,
}

impl<'p> Unfinished<'p> {
    /// A trial of which nothing was fitted.
    fn new(proposal: &'p Proposal) -> Self {
        Self { proposal, earlier: Vec::new(), steps: Vec::new(), seconds: 0.0, steps_run: 0 }
    }
}

/// What a trial's splits came to so far.
#[derive(Default)]
struct Collected {
    begun: bool,
    /// The time was over before it began.
    skipped: bool,
    ends: Vec<(usize, FitEnd)>,
    trial: Option<Trial>,
}

impl Evaluator<'_> {
    /// Fits what is not known yet; false if the time was over before all had begun.
    pub(super) fn evaluate_plainly(&mut self, batch: &[Proposal]) -> Result<bool, TuningError> {
        let fresh =
            batch.iter().filter(|proposal| !self.known.contains_key(&proposal.key)).map(Unfinished::new).collect();
        self.finish(fresh, None)
    }

    /// Fits the splits that are left of each trial; false if the time was over before all had begun.
    pub(super) fn finish(&mut self, trials: Vec<Unfinished>, watch: Option<&Watch>) -> Result<bool, TuningError> {
        let splits = self.splits.len();
        let collected: Vec<Mutex<Collected>> = trials.iter().map(|_| Mutex::default()).collect();
        let places: HashMap<usize, usize> =
            trials.iter().enumerate().map(|(place, trial)| (trial.proposal.order, place)).collect();
        let jobs = trials
            .iter()
            .flat_map(|trial| (trial.earlier.len()..splits).map(move |split| (trial.proposal, split)))
            .collect();
        let outcome = self.fits(jobs, |proposal, split, fitting| {
            let Some(&place) = places.get(&proposal.order) else { return Ok(()) };
            let (unfinished, collected) = (&trials[place], &collected[place]);
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

    fn recorded(&self, unfinished: &Unfinished, mut ends: Vec<(usize, FitEnd)>) -> Result<Trial, TuningError> {
        ends.sort_by_key(|(split, _)| *split);
        let ends: Vec<FitEnd> =
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
