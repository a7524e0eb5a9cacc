//! Interface between a sampler and what it optimises.

use crate::{
    seed::Seed,
    tuning::{
        error::TuningError,
        space::{Candidate, Space},
    },
};

/// Function to maximise: scores candidates for a sampler.
pub trait Objective {
    /// Returns the score of each candidate, higher is better; `None` for a failed one. A candidate that was scored
    /// before costs nothing.
    ///
    /// # Errors
    /// [`Stop::Budget`] if no further trial may start.
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop>;
}

/// Reason why a sampler must end.
#[derive(Debug)]
pub enum Stop {
    /// The trials or the minutes of the budget are used up.
    Budget,
    /// An error that concerns more than one trial.
    Failure(TuningError),
}

/// Search algorithm.
pub trait Sampler {
    /// Proposes candidates until the search ends or the objective stops it. `start` is the point of known-good settings
    /// in the unit cube.
    ///
    /// # Errors
    /// [`Stop`] of the objective.
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop>;
    /// Describes the search in words, with `trials` as its budget: "Nelder–Mead, 20 trials".
    fn describe(&self, space: &Space, trials: Option<usize>) -> String;
}

/// Describes a budget in words: "20 trials".
pub(super) fn trials(count: Option<usize>) -> String {
    count.map_or_else(|| "as many trials as there is time for".to_owned(), |count| format!("{count} trials"))
}
