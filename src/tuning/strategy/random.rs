//! Points drawn evenly (Bergstra and Bengio, 2012).

use rand::RngExt;

use super::{Objective, Stop, Strategy, trials};
use crate::{
    seed::Seed,
    tuning::{Candidate, Space},
};

/// Points proposed together.
const BATCH: usize = 16;
/// Batches without a new point after which a space counts as used up.
const PATIENCE: usize = 200;

pub(super) struct Random;

impl Strategy for Random {
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
