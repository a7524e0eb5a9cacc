//! Trained net: predictions, saving and loading.
//!
//! Its files are `network.safetensors` (weights, named and laid out as in PyTorch) and `network.json` (the
//! architecture, the history and the SHA-256 of the weights). Times are not saved, so that the same training gives the
//! same files.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    fit::{FitTiming, History},
    nn::{
        error::NnError,
        network::{
            config::NetworkConfig,
            filter_history::{FilterHistory, Filters},
            net::Network,
            weights::{Weights, parse, read, write_atomically, write_file},
        },
    },
    seed::Seed,
    storage::{Sha256Digest, read_limited},
};

/// Images per forward pass in inference.
pub(in crate::nn) const PREDICTION_BATCH: usize = 256;

const WEIGHTS: &str = "network.safetensors";
const DESCRIPTION: &str = "network.json";
const FORMAT: &str = "digitstack network 1";
/// Limit of the file size, far above that of any net.
const MAX_FILE: u64 = 400_000_000;

/// Trained net on its device.
#[derive(Clone, Debug)]
pub struct TrainedNet {
    network: Network,
    config: NetworkConfig,
    history: History,
    timing: FitTiming,
    filter_history: FilterHistory,
    device: ChosenDevice,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: String,
    config: NetworkConfig,
    weights_sha256: Sha256Digest,
    history: History,
}

impl TrainedNet {
    /// Wraps `network`, which is without autodiff.
    pub(in crate::nn) fn new(
        network: Network,
        config: NetworkConfig,
        history: History,
        timing: FitTiming,
        device: &ChosenDevice,
    ) -> Self {
        Self { network, config, history, timing, filter_history: FilterHistory::default(), device: device.clone() }
    }

    /// Returns the net with the filter history of its training.
    pub(in crate::nn) fn with_filter_history(self, filter_history: FilterHistory) -> Self {
        Self { filter_history, ..self }
    }

    /// Returns the net, without autodiff.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the architecture.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Returns the history of the training, one point per epoch.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns the duration of the training over all its runs; zero for a loaded net.
    pub fn timing(&self) -> &FitTiming {
        &self.timing
    }

    /// Computes the outputs before any softmax, `[n, 10]`.
    pub fn logits(&self, images: &Images) -> Result<Vec<[f32; CLASSES]>, NnError> {
        self.run(images, |outputs| outputs)
    }

    /// Computes class probabilities, `[n, 10]`; each row adds up to 1.
    pub fn predict_proba(&self, images: &Images) -> Result<Probabilities, NnError> {
        self.run(images, |outputs| self.network.probabilities(outputs))
    }

    fn run(&self, images: &Images, finish: impl Fn(Tensor<2>) -> Tensor<2>) -> Result<Vec<[f32; CLASSES]>, NnError> {
        let mut rows = Vec::with_capacity(images.len());
        for batch in images.pixels().chunks(PREDICTION_BATCH * PIXELS) {
            let pixels: Vec<f32> = batch.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
            let data = TensorData::new(pixels, [batch.len() / PIXELS, 1, SIDE, SIDE]);
            let outputs = self.network.forward(Tensor::from_data(data, self.device.device()));
            rows.extend_from_slice(read(finish(outputs))?.as_chunks::<CLASSES>().0);
        }
        Ok(rows)
    }

    /// Reads the filters of the first layer.
    pub fn first_layer_filters(&self) -> Result<Filters, NnError> {
        Filters::of(&self.network)
    }

    /// Returns the filters of the first layer during training; empty unless `filter_snapshots` was set.
    pub fn filter_history(&self) -> &FilterHistory {
        &self.filter_history
    }

    /// Writes the two files, and `filters.safetensors` if there is a filter history, into an existing folder, each
    /// under a temporary name first.
    pub fn save(&self, folder: &Path) -> Result<(), NnError> {
        let weights_sha256 = write_file(&folder.join(WEIGHTS), &Weights::of(&self.network)?.0, None)?;
        let description = Description {
            format: FORMAT.to_owned(),
            config: self.config.clone(),
            weights_sha256,
            history: self.history.clone(),
        };
        let path = folder.join(DESCRIPTION);
        let mut text =
            serde_json::to_string_pretty(&description).map_err(|error| NnError::file(&path, error.to_string()))?;
        text.push('\n');
        write_atomically(&path, text.as_bytes())?;
        self.filter_history.save(folder)
    }

    /// Reads what [`save`](Self::save) wrote. Refuses files that are damaged, do not belong together, or hold weights
    /// of other names or shapes.
    pub fn load(folder: &Path, device: &ChosenDevice) -> Result<Self, NnError> {
        let path = folder.join(DESCRIPTION);
        let description: Description = serde_json::from_slice(&read_file(&path)?)
            .map_err(|error| NnError::file(&path, format!("does not describe a net: {error}")))?;
        if description.format != FORMAT {
            return Err(NnError::file(&path, format!("has the format {:?}, expected {FORMAT:?}", description.format)));
        }
        description
            .config
            .check()
            .map_err(|error| NnError::file(&path, format!("describes an invalid net: {error}")))?;
        let path = folder.join(WEIGHTS);
        let bytes = read_file(&path)?;
        if Sha256Digest::of(&bytes) != description.weights_sha256 {
            return Err(NnError::file(
                &path,
                format!("is damaged or does not belong to {DESCRIPTION} (its SHA-256 differs)"),
            ));
        }
        let arrays: BTreeMap<_, _> = parse(&bytes).map_err(|problem| NnError::file(&path, problem))?.0;
        let network = Network::new(&description.config, Seed(0), device.device())?;
        let network = Weights(arrays).put_into(network).map_err(|problem| NnError::file(&path, problem))?;
        let net = Self::new(network, description.config, description.history, FitTiming::default(), device);
        Ok(net.with_filter_history(FilterHistory::load(folder)?))
    }
}

/// Reads a regular file of at most [`MAX_FILE`] bytes, more than any net needs.
pub(in crate::nn) fn read_file(path: &Path) -> Result<Vec<u8>, NnError> {
    read_limited(path, MAX_FILE).map_err(|error| NnError::io(path, error))
}
