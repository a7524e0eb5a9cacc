//! Filters of the first layer, as they develop in training.

use std::{collections::BTreeMap, path::Path};

use super::{
    net::Network,
    weights::{Array, parse, read, write_file},
};
use crate::{
    data::{PIXELS, SIDE},
    nn::error::NnError,
    storage::read_limited,
};

const FILE: &str = "filters.safetensors";
/// Largest number of filters in a snapshot.
const MOST_FILTERS: usize = 64;
/// Limit of the file size, far above that of any history.
const MAX_FILE: u64 = 200_000_000;

/// Filters of a model's first layer: a CNN's first kernels, or the 28×28 weights of a dense net's first units or of a
/// regression's classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Side of a filter in pixels.
    pub side: usize,
    /// Weights, `[filters, side · side]`, row-major.
    pub weights: Vec<Vec<f32>>,
}

impl Filters {
    /// Reads at most 64 filters from the net.
    pub(in crate::nn) fn of(network: &Network) -> Result<Self, NnError> {
        let first = network.blocks.first().and_then(|block| block.convolutions.first());
        let (weights, side) = match first {
            Some(first) => (read(first.weight.val().inner())?, first.weight.dims()[2]),
            None => {
                let first = network.hidden.first().unwrap_or(&network.output);
                let units = first.weight.dims()[1].min(MOST_FILTERS);
                (read(first.weight.val().inner().slice([0..PIXELS, 0..units]).swap_dims(0, 1))?, SIDE)
            }
        };
        Ok(Self { side, weights: weights.chunks(side * side).take(MOST_FILTERS).map(<[f32]>::to_vec).collect() })
    }

    fn array(&self) -> Array {
        Array { shape: vec![self.weights.len(), self.side, self.side], values: self.weights.concat() }
    }

    fn from_array(array: &Array) -> Option<Self> {
        let &[count, side, other] = array.shape.as_slice() else { return None };
        let fits = side == other && (1..=SIDE).contains(&side) && (1..=MOST_FILTERS).contains(&count);
        fits.then(|| Self { side, weights: array.values.chunks(side * side).map(<[f32]>::to_vec).collect() })
    }
}

/// Snapshots of a net's first layer, from before the first iteration to the end of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterHistory {
    /// Filters by the number of iterations before the snapshot.
    pub snapshots: BTreeMap<u64, Filters>,
}

impl FilterHistory {
    /// Records a snapshot if one is due: `snapshots` in all, spread evenly over `iterations`.
    pub(in crate::nn) fn record(
        &mut self,
        network: &Network,
        iteration: u64,
        iterations: u64,
        snapshots: u32,
    ) -> Result<(), NnError> {
        let spaces = u64::from(snapshots.saturating_sub(1));
        let reached = |iteration: u64| iteration * spaces / iterations.max(1);
        if spaces > 0 && (iteration == 0 || reached(iteration) > reached(iteration - 1)) {
            self.snapshots.insert(iteration, Filters::of(network)?);
        }
        Ok(())
    }

    /// Records the last snapshot of a training that ended early, after `iteration` iterations.
    pub(in crate::nn) fn record_last(&mut self, network: &Network, iteration: u64) -> Result<(), NnError> {
        if !self.snapshots.is_empty() && !self.snapshots.contains_key(&iteration) {
            self.snapshots.insert(iteration, Filters::of(network)?);
        }
        Ok(())
    }

    /// Returns the snapshots as arrays for a checkpoint or a file: `iteration-000300` is `[filters, side, side]`.
    pub(in crate::nn) fn arrays(&self) -> impl Iterator<Item = (String, Array)> {
        self.snapshots.iter().map(|(iteration, filters)| (format!("iteration-{iteration:09}"), filters.array()))
    }

    /// Adds an array of [`arrays`](Self::arrays); returns the problem if it is not one.
    pub(in crate::nn) fn insert(&mut self, name: &str, array: &Array) -> Result<(), String> {
        let iteration = name.strip_prefix("iteration-").and_then(|number| number.parse().ok());
        let (Some(iteration), Some(filters)) = (iteration, Filters::from_array(array)) else {
            return Err(format!(
                "holds {name} as {:?}, expected iteration-NUMBER with the shape [1 to 64, side, side], side at most 28",
                array.shape
            ));
        };
        self.snapshots.insert(iteration, filters);
        Ok(())
    }

    /// Writes `filters.safetensors` if there is a snapshot.
    pub(in crate::nn) fn save(&self, folder: &Path) -> Result<(), NnError> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        write_file(&folder.join(FILE), &self.arrays().collect(), None).map(|_| ())
    }

    /// Reads the history of a net that was saved in this folder; empty if the folder has none.
    ///
    /// # Errors
    /// If the file is damaged or cannot be read.
    pub fn load(folder: &Path) -> Result<Self, NnError> {
        let path = folder.join(FILE);
        let bytes = match read_limited(&path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(NnError::io(&path, error)),
        };
        let mut history = Self::default();
        let (arrays, _) = parse(&bytes).map_err(|problem| NnError::file(&path, problem))?;
        for (name, array) in &arrays {
            history.insert(name, array).map_err(|problem| NnError::file(&path, problem))?;
        }
        Ok(history)
    }
}
