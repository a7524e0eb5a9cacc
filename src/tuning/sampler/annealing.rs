//! Simulated annealing, by argmin.

use std::cell::RefCell;

use argmin::{
    core::{CostFunction, Error},
    solver::simulatedannealing::{Anneal, SATempFunc, SimulatedAnnealing},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use super::{
    cube::{Cube, Point, PointState},
    objective::{Objective, Sampler, Stop, trials},
};
use crate::{seed::Seed, tuning::space::Space};

/// Simulated annealing with the settings of [`SamplerConfig::Annealing`](super::SamplerConfig::Annealing).
pub(super) struct AnnealingSampler {
    pub(super) temperature: f64,
    pub(super) step: f64,
}

impl Sampler for AnnealingSampler {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop> {
        let cube = Cube::new(space, objective);
        let walk = Walk { cube: &cube, settings: self, rng: RefCell::new(seed.derive("moves").rng()) };
        // A temperature above 0 was checked; argmin refuses no other.
        let Ok(solver) = SimulatedAnnealing::new_with_rng(self.temperature, Xoshiro256PlusPlus::seed_from_u64(seed.0))
        else {
            return Ok(());
        };
        let solver = solver.with_temp_func(SATempFunc::TemperatureFast);
        cube.minimise(walk, solver, |state: PointState| state.param(start.to_vec()))
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("simulated annealing, {}", trials(budget))
    }
}

/// Cost function with the random moves of annealing.
struct Walk<'s, 'a> {
    cube: &'s Cube<'a>,
    settings: &'s AnnealingSampler,
    rng: RefCell<ChaCha8Rng>,
}

impl CostFunction for Walk<'_, '_> {
    type Param = Point;
    type Output = f64;

    fn cost(&self, point: &Point) -> Result<f64, Error> {
        self.cube.cost(point)
    }
}

impl Anneal for Walk<'_, '_> {
    type Param = Point;
    type Output = Point;
    type Float = f64;

    /// Moves every coordinate by a uniform draw of at most the step, which shrinks with the square root of the
    /// temperature.
    fn anneal(&self, point: &Point, temperature: f64) -> Result<Point, Error> {
        let step = self.settings.step * (temperature / self.settings.temperature).sqrt();
        let mut rng = self.rng.borrow_mut();
        Ok(point.iter().map(|at| (at + step * rng.random_range(-1.0..=1.0)).clamp(0.0, 1.0)).collect())
    }
}
