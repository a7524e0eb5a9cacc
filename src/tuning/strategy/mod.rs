//! How a search moves through its space.
//!
//! A [`Strategy`] proposes candidates and is told their scores; it does not know what they are settings of. All of its
//! draws come from one seed, and candidates that it proposes together are scored in any order on any number of workers:
//! the course of a search depends on neither. A candidate that was scored before costs nothing, so that after an
//! interruption a strategy starts from its beginning and passes through what the log already holds.

mod annealing;
mod cube;
mod grid;
mod narrowing;
mod random;
mod simplex;
mod swarm;

use serde::{Deserialize, Serialize};

use super::{Candidate, Space, TuningError};
use crate::{data::FieldError, seed::Seed};

/// Scores candidates for a strategy.
pub trait Objective {
    /// The score of each candidate, higher is better; none for one that failed. Those scored before cost nothing.
    ///
    /// # Errors
    /// [`Stop::Budget`] once no further trial may start.
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop>;
}

/// Why a strategy must end.
#[derive(Debug)]
pub enum Stop {
    /// The trials or the time are used up.
    Budget,
    /// Something went wrong that is no matter of one trial.
    Failure(TuningError),
}

/// A way to search.
pub trait Strategy {
    /// Proposes candidates until it is done or the objective stops it. `start` is the point of known-good settings on
    /// the unit cube.
    ///
    /// # Errors
    /// The objective's.
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop>;
    /// In words, with `trials` as its budget: "Nelder–Mead, 20 trials".
    fn describe(&self, space: &Space, trials: Option<usize>) -> String;
}

/// Which strategy, and its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// Every combination of values.
    #[default]
    Grid,
    /// Points drawn evenly from the space.
    Random,
    /// A simplex that moves, stretches and shrinks (Nelder and Mead, 1965). Few trials, few parameters.
    NelderMead {
        /// Side of the first simplex as a share of each range, above 0 up to 0.5. Default 0.3.
        #[serde(default = "width")]
        width: f64,
    },
    /// Points that fly towards the best places found (Kennedy and Eberhart, 1995); a swarm's points are scored side by
    /// side.
    ParticleSwarm {
        /// Points, 2 to 1000. Default 8.
        #[serde(default = "particles")]
        particles: usize,
    },
    /// A walk that also goes uphill, less and less (Kirkpatrick et al., 1983).
    Annealing {
        /// The first temperature, in units of the score: a loss of this much is accepted now and then. Above 0. Default
        /// 0.01.
        #[serde(default = "temperature")]
        temperature: f64,
        /// The first step as a share of each range, above 0 up to 1. Default 0.5.
        #[serde(default = "step")]
        step: f64,
    },
    /// A grid whose ranges narrow around its best point, round by round.
    Narrowing {
        /// Grids, 1 to 20. Default 3.
        #[serde(default = "rounds")]
        rounds: usize,
    },
    /// The score after each of several numbers of steps, all read from one training: for the parameter that counts
    /// epochs or trees.
    Curve,
}

fn width() -> f64 {
    0.3
}

fn particles() -> usize {
    8
}

fn temperature() -> f64 {
    0.01
}

fn step() -> f64 {
    0.5
}

fn rounds() -> usize {
    3
}

impl StrategyConfig {
    /// The strategy; none for a curve, which is no search.
    pub fn strategy(&self) -> Option<Box<dyn Strategy>> {
        Some(match *self {
            Self::Grid => Box::new(grid::Grid),
            Self::Random => Box::new(random::Random),
            Self::NelderMead { width } => Box::new(simplex::NelderMead { width }),
            Self::ParticleSwarm { particles } => Box::new(swarm::Swarm { particles }),
            Self::Annealing { temperature, step } => Box::new(annealing::Annealing { temperature, step }),
            Self::Narrowing { rounds } => Box::new(narrowing::Narrowing { rounds }),
            Self::Curve => return None,
        })
    }

    /// True if it ends by itself, without a budget.
    pub fn is_finite(&self) -> bool {
        matches!(self, Self::Grid | Self::Narrowing { .. } | Self::Curve)
    }

    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), FieldError> {
        let inside = |field: &str, found: f64, ok: bool, allowed: &str| {
            if ok { Ok(()) } else { Err(FieldError::new(field, format!("found {found}, expected {allowed}"))) }
        };
        match *self {
            Self::NelderMead { width } => {
                inside("width", width, width > 0.0 && width <= 0.5, "more than 0, at most 0.5")
            }
            Self::ParticleSwarm { particles } => {
                inside("particles", particles as f64, (2..=1000).contains(&particles), "2 to 1000")
            }
            Self::Annealing { temperature, step } => {
                inside("temperature", temperature, temperature > 0.0 && temperature.is_finite(), "more than 0")?;
                inside("step", step, step > 0.0 && step <= 1.0, "more than 0, at most 1")
            }
            Self::Narrowing { rounds } => inside("rounds", rounds as f64, (1..=20).contains(&rounds), "1 to 20"),
            Self::Grid | Self::Random | Self::Curve => Ok(()),
        }
    }
}

/// "20 trials".
fn trials(count: Option<usize>) -> String {
    count.map_or_else(|| "as many trials as there is time for".to_owned(), |count| format!("{count} trials"))
}

#[cfg(test)]
mod tests;
