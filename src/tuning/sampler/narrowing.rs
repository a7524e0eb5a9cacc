//! Grid search that narrows around its best point.

use super::objective::{Objective, Sampler, Stop};
use crate::{
    seed::Seed,
    tuning::{
        parameter::Parameter,
        space::{Candidate, Space},
    },
};

/// Grids with the settings of [`SamplerConfig::Narrowing`](super::SamplerConfig::Narrowing).
pub(super) struct NarrowingSampler {
    pub(super) rounds: usize,
}

impl Sampler for NarrowingSampler {
    fn search(&self, space: &Space, _start: &[f64], objective: &mut dyn Objective, _seed: Seed) -> Result<(), Stop> {
        let mut round = space.clone();
        for _ in 0..self.rounds {
            let grid = round.grid();
            let scores = objective.evaluate(&grid)?;
            let Some(best) = best(&grid, &scores) else { return Ok(()) };
            let parameters =
                round.parameters().iter().zip(best).map(|(parameter, value)| narrowed(parameter, value)).collect();
            // A part of a valid range is a valid range.
            let Ok(next) = Space::new(parameters) else { return Ok(()) };
            round = next;
        }
        Ok(())
    }

    fn describe(&self, space: &Space, _trials: Option<usize>) -> String {
        format!("grid of {}, narrowed around its best {} times", space.grid_size(), self.rounds - 1)
    }
}

/// Returns the candidate with the highest score, the first of several.
fn best<'a>(candidates: &'a [Candidate], scores: &[Option<f64>]) -> Option<&'a Candidate> {
    let mut best: Option<(&Candidate, f64)> = None;
    for (candidate, score) in candidates.iter().zip(scores) {
        if let Some(score) = score.filter(|score| best.is_none_or(|(_, least)| *score > least)) {
            best = Some((candidate, score));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// Returns the parameter restricted to the grid neighbours of its best value; a choice keeps that value alone.
fn narrowed(parameter: &Parameter, best: &toml::Value) -> Parameter {
    let mut narrow = parameter.clone();
    let grid = parameter.grid();
    let index = grid.iter().position(|value| value == best).unwrap_or_default();
    let (below, above) = (&grid[index.saturating_sub(1)], &grid[(index + 1).min(grid.len() - 1)]);
    if let Some(range) = &mut narrow.integers {
        if let (Some(from), Some(to)) = (below.as_integer(), above.as_integer()) {
            (range.from, range.to) = (from, to);
            // The number of points stays the same, as far as whole numbers allow.
            range.step = ((to - from) / (grid.len() as i64 - 1).max(1)).max(1);
        }
    } else if let Some(range) = &mut narrow.reals {
        if let (Some(from), Some(to)) = (below.as_float(), above.as_float()) {
            (range.from, range.to) = (from, to);
        }
    } else {
        narrow.labels = narrow.labels.map(|labels| labels[index..=index].to_vec());
        narrow.values = Some(vec![best.clone()]);
    }
    narrow
}
