//! Particle swarm, by argmin.

use argmin::{
    core::PopulationState,
    solver::particleswarm::{Particle, ParticleSwarm},
};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use super::{
    Objective, Stop, Strategy,
    cube::{Cube, Point},
    trials,
};
use crate::{seed::Seed, tuning::Space};

pub(super) struct Swarm {
    pub(super) particles: usize,
}

impl Strategy for Swarm {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop> {
        let cube = Cube::new(space, objective);
        // The known-good settings are scored first, so that no search ends below them.
        cube.costs(&[start])?;
        let bounds = (vec![0.0; start.len()], vec![1.0; start.len()]);
        let solver = ParticleSwarm::new(bounds, self.particles).with_rng_generator(Xoshiro256PlusPlus::seed_from_u64(seed.0));
        cube.minimise(&cube, solver, |state: PopulationState<Particle<Point, f64>, f64>| state)
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("particle swarm of {}, {}", self.particles, trials(budget))
    }
}
