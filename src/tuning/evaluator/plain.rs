//! Every trial to its end on every split.

use std::sync::Mutex;

use super::{Evaluator, Proposal};
use crate::tuning::{TuningError, fit::FitEnd};

impl Evaluator<'_> {
    /// Fits what is not known yet.
    pub(super) fn evaluate_plainly(&mut self, batch: &[Proposal]) -> Result<bool, TuningError> {
        let fresh: Vec<&Proposal> = batch.iter().filter(|proposal| !self.known.contains_key(&proposal.key)).collect();
        let collected: Vec<Mutex<Collected>> = fresh.iter().map(|_| Mutex::default()).collect();
        let jobs = fresh.iter().flat_map(|&proposal| (0..self.splits.len()).map(move |split| (proposal, split))).collect();
        let outcome = self.fits(jobs, |proposal, split, fitting| {
            let Some(collected) = fresh.iter().position(|other| other.order == proposal.order).map(|place| &collected[place]) else {
                return Ok(());
            };
            {
                let mut collected = lock(collected);
                if collected.skipped || (!collected.begun && self.clock.is_over()) {
                    collected.skipped = true;
                    return Ok(());
                }
                collected.begun = true;
            }
            let end = self.fit(proposal, split, &self.splits[split], None, fitting)?;
            let mut collected = lock(collected);
            collected.ends.push((split, end));
            if collected.ends.len() == self.splits.len() {
                collected.ends.sort_by_key(|(split, _)| *split);
                let ends: Vec<FitEnd> = collected.ends.drain(..).map(|(_, end)| end).collect();
                let trial = self.ended(proposal, &ends, Vec::new());
                self.record(proposal, &trial)?;
                collected.trial = Some(trial);
            }
            Ok(())
        });
        let mut time_left = true;
        for (proposal, collected) in fresh.iter().zip(collected) {
            let collected = collected.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            time_left &= !collected.skipped;
            if let Some(trial) = collected.trial {
                self.known.insert(proposal.key.clone(), trial);
            }
        }
        outcome.map(|_| time_left)
    }
}

/// What a trial's splits came to so far.
#[derive(Default)]
struct Collected {
    begun: bool,
    /// The time was over before it began.
    skipped: bool,
    ends: Vec<(usize, FitEnd)>,
    trial: Option<crate::tuning::trial::Trial>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
