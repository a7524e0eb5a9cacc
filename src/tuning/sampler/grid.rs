//! Grid search.

use super::objective::{Objective, Sampler, Stop};
use crate::{seed::Seed, tuning::space::Space};

/// Every combination of grid values, proposed as one batch.
pub(super) struct GridSampler;

impl Sampler for GridSampler {
    fn search(&self, space: &Space, _start: &[f64], objective: &mut dyn Objective, _seed: Seed) -> Result<(), Stop> {
        objective.evaluate(&space.grid()).map(drop)
    }

    fn describe(&self, space: &Space, _trials: Option<usize>) -> String {
        format!("grid of {}", space.grid_size())
    }
}
