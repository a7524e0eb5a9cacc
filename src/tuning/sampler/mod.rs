//! Samplers: the search algorithms.
//!
//! A [`Sampler`] proposes candidates and receives their scores; it does not know which settings they are. All of its
//! random draws come from one seed, and candidates proposed together are scored in any order on any number of workers:
//! the course of a search depends on neither. A candidate that was scored before costs nothing, so that after an
//! interruption a sampler starts from its beginning and passes through the trials that the log already holds.

mod annealing;
mod cube;
mod grid;
mod narrowing;
mod nelder_mead;
mod objective;
mod particle_swarm;
mod random;

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

pub use objective::{Objective, Sampler, Stop};

/// Configuration of a sampler, with its key `kind` and its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SamplerConfig {
    /// Every combination of values.
    #[default]
    Grid,
    /// Uniformly drawn points of the space.
    Random,
    /// Nelder–Mead simplex (1965), for few trials and few parameters.
    NelderMead {
        /// Side of the first simplex as a fraction of each range, above 0 up to 0.5. Default 0.3.
        #[serde(default = "width")]
        width: f64,
    },
    /// Particle swarm (Kennedy and Eberhart, 1995); its points are scored side by side.
    ParticleSwarm {
        /// Number of points, 2 to 1000. Default 8.
        #[serde(default = "particles")]
        particles: usize,
    },
    /// Simulated annealing (Kirkpatrick et al., 1983).
    Annealing {
        /// Initial temperature in units of the score: at first, a loss of this size is accepted now and then. Above 0.
        /// Default 0.01.
        #[serde(default = "temperature")]
        temperature: f64,
        /// Initial step as a fraction of each range, above 0 up to 1. Default 0.5.
        #[serde(default = "step")]
        step: f64,
    },
    /// A grid whose ranges narrow around its best point, round by round.
    Narrowing {
        /// Number of grids, 1 to 20. Default 3.
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

impl SamplerConfig {
    /// Creates the sampler; `None` for a curve, which proposes no candidates.
    pub fn build(&self) -> Option<Box<dyn Sampler>> {
        Some(match *self {
            Self::Grid => Box::new(grid::GridSampler),
            Self::Random => Box::new(random::RandomSampler),
            Self::NelderMead { width } => Box::new(nelder_mead::NelderMeadSampler { width }),
            Self::ParticleSwarm { particles } => Box::new(particle_swarm::ParticleSwarmSampler { particles }),
            Self::Annealing { temperature, step } => Box::new(annealing::AnnealingSampler { temperature, step }),
            Self::Narrowing { rounds } => Box::new(narrowing::NarrowingSampler { rounds }),
            Self::Curve => return None,
        })
    }

    /// Returns true if the search ends by itself, without a budget.
    pub fn is_finite(&self) -> bool {
        matches!(self, Self::Grid | Self::Narrowing { .. } | Self::Curve)
    }

    /// Checks the ranges of all settings.
    ///
    /// # Errors
    /// [`FieldError`] naming the field, its value and the allowed range.
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

#[cfg(test)]
mod tests;
