//! Nelder–Mead simplex, by argmin.

use argmin::solver::neldermead::NelderMead as Solver;

use super::{
    cube::{Cube, Point, PointState},
    objective::{Objective, Sampler, Stop, trials},
};
use crate::{seed::Seed, tuning::space::Space};

/// Nelder–Mead with the settings of [`SamplerConfig::NelderMead`](super::SamplerConfig::NelderMead).
pub(super) struct NelderMeadSampler {
    pub(super) width: f64,
}

impl Sampler for NelderMeadSampler {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, _seed: Seed) -> Result<(), Stop> {
        let corners = self.first_simplex(start);
        let cube = Cube::new(space, objective);
        // The corners do not depend on each other, so they are scored side by side before the solver, which asks for
        // one at a time, finds them in the log.
        cube.costs(&corners.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        // Accuracies are counts, so equal values do not mean convergence: the tolerance is 0, which is accepted.
        let Ok(solver) = Solver::new(corners).with_sd_tolerance(0.0) else { return Ok(()) };
        cube.minimise(&cube, solver, |state: PointState| state)
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("Nelder–Mead, {}", trials(budget))
    }
}

impl NelderMeadSampler {
    /// Returns the start and, for each parameter, a point `width` away from it, inside the cube.
    fn first_simplex(&self, start: &[f64]) -> Vec<Point> {
        let mut corners = vec![start.to_vec()];
        for axis in 0..start.len() {
            let mut corner = start.to_vec();
            corner[axis] += if start[axis] + self.width <= 1.0 { self.width } else { -self.width };
            corners.push(corner);
        }
        corners
    }
}
