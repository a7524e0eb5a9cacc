//! Particle swarm, by argmin.

use argmin::{
    core::PopulationState,
    solver::particleswarm::{Particle, ParticleSwarm},
};
use rand::RngExt;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use super::{
    cube::{Cube, Point},
    objective::{Objective, Sampler, Stop, trials},
};
use crate::{seed::Seed, tuning::space::Space};

/// Particle swarm with the settings of [`SamplerConfig::ParticleSwarm`](super::SamplerConfig::ParticleSwarm).
pub(super) struct ParticleSwarmSampler {
    pub(super) particles: usize,
}

impl Sampler for ParticleSwarmSampler {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop> {
        let cube = Cube::new(space, objective);
        let mut rng = seed.derive("swarm").rng();
        let mut draw = |low: f64| -> Point { start.iter().map(|_| rng.random_range(low..=1.0)).collect() };
        // The known-good settings are one of the points: no search ends below them, and the swarm is drawn to them.
        let positions: Vec<Point> =
            std::iter::once(start.to_vec()).chain((1..self.particles).map(|_| draw(0.0))).collect();
        let costs = cube.costs(&positions.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        let particles = positions
            .into_iter()
            .zip(costs)
            .map(|(position, cost)| Particle::new(position, cost, draw(-1.0)))
            .collect();
        let bounds = (vec![0.0; start.len()], vec![1.0; start.len()]);
        let solver =
            ParticleSwarm::new(bounds, self.particles).with_rng_generator(Xoshiro256PlusPlus::seed_from_u64(seed.0));
        cube.minimise(&cube, solver, |state: PopulationState<Particle<Point, f64>, f64>| state.population(particles))
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("particle swarm of {}, {}", self.particles, trials(budget))
    }
}
