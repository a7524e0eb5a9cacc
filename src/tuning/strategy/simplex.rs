//! Nelder and Mead's simplex, by argmin.

use argmin::solver::neldermead::NelderMead as Solver;

use super::{
    Objective, Stop, Strategy,
    cube::{Cube, Point, PointState},
    trials,
};
use crate::{seed::Seed, tuning::Space};

pub(super) struct NelderMead {
    pub(super) width: f64,
}

impl Strategy for NelderMead {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, _seed: Seed) -> Result<(), Stop> {
        let corners = self.first_simplex(start);
        let cube = Cube::new(space, objective);
        // The corners do not depend on each other. Scored beforehand, the solver finds them done: it asks one at a
        // time, and takes no error.
        cube.costs(&corners.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        // Accuracies are counts, and equal ones are no sign of a minimum. (A tolerance of 0 is not refused.)
        let Ok(solver) = Solver::new(corners).with_sd_tolerance(0.0) else { return Ok(()) };
        cube.minimise(&cube, solver, |state: PointState| state)
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("Nelder–Mead, {}", trials(budget))
    }
}

impl NelderMead {
    /// The start and, for each parameter, a point `width` away from it, on the side where there is room.
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
