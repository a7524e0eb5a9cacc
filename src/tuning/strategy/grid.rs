//! Every combination.

use super::{Objective, Stop, Strategy};
use crate::{seed::Seed, tuning::Space};

pub(super) struct Grid;

impl Strategy for Grid {
    fn search(&self, space: &Space, _start: &[f64], objective: &mut dyn Objective, _seed: Seed) -> Result<(), Stop> {
        objective.evaluate(&space.grid()).map(drop)
    }

    fn describe(&self, space: &Space, _trials: Option<usize>) -> String {
        format!("grid of {}", space.grid_size())
    }
}
