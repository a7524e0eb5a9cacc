//! Random search (Bergstra and Bengio, 2012).

use rand::RngExt;

use super::objective::{Objective, Sampler, Stop, trials};
use crate::{
    seed::Seed,
    tuning::space::{Candidate, Space},
};

/// Points proposed as one batch.
const BATCH: usize = 16;
/// Number of batches without a new point after which the space counts as exhausted.
const PATIENCE: usize = 200;

/// Uniform draws from the unit cube, the known-good settings first.
pub(super) struct RandomSampler;

impl Sampler for RandomSampler {
    fn search(&self, space: &Space, start: &[f64], objective: &mut dyn Objective, seed: Seed) -> Result<(), Stop> {
        let mut rng = seed.rng();
        let mut seen = std::collections::HashSet::new();
        let mut batch = vec![space.decode(start)];
        let mut stale = 0;
        while stale < PATIENCE {
            let fresh: Vec<Candidate> = batch.drain(..).filter(|candidate| seen.insert(space.key(candidate))).collect();
            stale = if fresh.is_empty() { stale + 1 } else { 0 };
            objective.evaluate(&fresh)?;
            let mut draw = || -> Vec<f64> { (0..start.len()).map(|_| rng.random()).collect() };
            batch = (0..BATCH).map(|_| space.decode(&draw())).collect();
        }
        Ok(())
    }

    fn describe(&self, _space: &Space, budget: Option<usize>) -> String {
        format!("random search, {}", trials(budget))
    }
}
