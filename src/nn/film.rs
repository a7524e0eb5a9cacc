//! The first layer's filters while a net learns.

use std::{collections::BTreeMap, path::Path};

use super::{
    error::NnError,
    network::Network,
    weights::{Array, parse, read, write_file},
};
use crate::{
    data::{PIXELS, SIDE},
    storage::read_limited,
};

const FILE: &str = "filters.safetensors";
/// Filters in a picture.
const MOST_FILTERS: usize = 64;
/// Far above the size of any film.
const MAX_FILE: u64 = 200_000_000;

/// What a model's first layer looks for: a CNN's first kernels, or the 28×28 weights of a dense net's first units or of
/// a regression's classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Of the square, in pixels.
    pub side: usize,
    /// `[filters, side · side]`, row-major.
    pub weights: Vec<Vec<f32>>,
}

impl Filters {
    /// At most 64 of them.
    pub(super) fn of(network: &Network) -> Result<Self, NnError> {
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

/// Pictures of a net's first layer, from before the first iteration to the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Film {
    /// By the number of iterations before the picture.
    pub pictures: BTreeMap<u64, Filters>,
}

impl Film {
    /// Takes a picture if it is time for one: `pictures` in all, over so many iterations.
    pub(super) fn watch(
        &mut self,
        network: &Network,
        iteration: u64,
        iterations: u64,
        pictures: u32,
    ) -> Result<(), NnError> {
        let spaces = u64::from(pictures.saturating_sub(1));
        let reached = |iteration: u64| iteration * spaces / iterations.max(1);
        if spaces > 0 && (iteration == 0 || reached(iteration) > reached(iteration - 1)) {
            self.pictures.insert(iteration, Filters::of(network)?);
        }
        Ok(())
    }

    /// Takes the last picture, after so many iterations, of a training that ended before its time.
    pub(super) fn end(&mut self, network: &Network, iteration: u64) -> Result<(), NnError> {
        if !self.pictures.is_empty() && !self.pictures.contains_key(&iteration) {
            self.pictures.insert(iteration, Filters::of(network)?);
        }
        Ok(())
    }

    /// As arrays for a checkpoint or a file: `iteration-000300` is `[filters, side, side]`.
    pub(super) fn arrays(&self) -> impl Iterator<Item = (String, Array)> {
        self.pictures.iter().map(|(iteration, filters)| (format!("iteration-{iteration:09}"), filters.array()))
    }

    /// Adds what [`arrays`](Self::arrays) gave; the problem if it is none.
    pub(super) fn insert(&mut self, name: &str, array: &Array) -> Result<(), String> {
        let iteration = name.strip_prefix("iteration-").and_then(|number| number.parse().ok());
        let (Some(iteration), Some(filters)) = (iteration, Filters::from_array(array)) else {
            return Err(format!("holds {name} as {:?}, which is no picture of filters", array.shape));
        };
        self.pictures.insert(iteration, filters);
        Ok(())
    }

    /// Writes `filters.safetensors`, if there is anything to write.
    pub(super) fn save(&self, folder: &Path) -> Result<(), NnError> {
        if self.pictures.is_empty() {
            return Ok(());
        }
        write_file(&folder.join(FILE), &self.arrays().collect(), None).map(|_| ())
    }

    /// Reads the film of a net that was saved in this folder; empty if there is none.
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
        let mut film = Self::default();
        let (arrays, _) = parse(&bytes).map_err(|problem| NnError::file(&path, problem))?;
        for (name, array) in &arrays {
            film.insert(name, array).map_err(|problem| NnError::file(&path, problem))?;
        }
        Ok(film)
    }
}
