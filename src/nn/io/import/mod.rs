//! Import of weights from any safetensors file whose arrays fit a net.
//!
//! Arrays may be float32, float16, bfloat16 or float64; all become float32. Their names are this program's, or those of
//! modules as PyTorch writes them, see `matching`. A file that this program exported also says which architecture its
//! weights belong to, and is refused for another.

mod matching;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::tensor::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::description::Description;
use crate::{
    device::ChosenDevice,
    fit::{FitTiming, History},
    nn::{
        error::NnError,
        infer::trained::{TrainedNet, read_file},
        network::{
            config::NetworkConfig,
            net::Network,
            weights::{Array, Weights},
        },
    },
    seed::Seed,
    storage::{Sha256Digest, open},
};
use matching::{Shapes, match_names};

/// Settings that may differ: they matter in training only, or follow from the weights' shapes.
const IRRELEVANT: [&str; 4] = ["dropout", "block_dropout", "initializer", "hidden"];
/// Suffix of the counters that PyTorch stores with a norm; no prediction depends on them.
const COUNTER: &str = ".num_batches_tracked";

/// Intact safetensors file with weights.
#[derive(Clone, Debug)]
pub struct WeightsFile {
    path: PathBuf,
    bytes: Vec<u8>,
    description: Option<Description>,
}

impl WeightsFile {
    /// Reads a file of at most 400 MB.
    ///
    /// # Errors
    /// If it cannot be read, is larger, or is not an intact safetensors file.
    pub fn read(path: &Path) -> Result<Self, NnError> {
        Self::from_bytes(path, read_file(path)?)
    }

    /// Checks the bytes of a file; `path` is its name in messages.
    ///
    /// # Errors
    /// If they are not an intact safetensors file.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, NnError> {
        let refuse = |problem| NnError::file(path, problem);
        let (_, metadata) = open(&bytes).map_err(refuse)?;
        let description = metadata.as_deref().map(Description::parse).transpose().map_err(refuse)?;
        Ok(Self { path: path.to_owned(), bytes, description })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the SHA-256 of the file, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> String {
        Sha256Digest::of(&self.bytes).to_string()
    }

    /// Returns the architecture of the weights, if this program exported the file.
    pub fn architecture(&self) -> Option<&NetworkConfig> {
        self.description.as_ref().map(|description| &description.architecture)
    }

    /// Returns the note of this name that was exported with the weights.
    pub fn note(&self, name: &str) -> Option<&str> {
        self.description.as_ref()?.notes.get(name).map(String::as_str)
    }

    /// Builds the net of this architecture with the file's weights.
    ///
    /// # Errors
    /// If names or shapes do not fit or fit in two ways, if an array is not of a float type or holds a NaN or infinite
    /// value, or if the file was exported from another architecture.
    pub fn to_net(&self, config: &NetworkConfig, device: &ChosenDevice) -> Result<TrainedNet, NnError> {
        let refuse = |problem| NnError::file(&self.path, problem);
        let network = Network::new(config, Seed(0), device.device())?;
        if let Some(architecture) = self.architecture() {
            check_same(architecture, config).map_err(refuse)?;
        }
        let (file, _) = open(&self.bytes).map_err(refuse)?;
        let needed: Shapes = Weights::of(&network)?.0.into_iter().map(|(name, array)| (name, array.shape)).collect();
        let weights = arrays(&file, &needed).map_err(refuse)?;
        let network = Weights(weights).put_into(network).map_err(refuse)?;
        let history = History { unit: "epoch".to_owned(), ..History::default() };
        Ok(TrainedNet::new(network, config.clone(), history, FitTiming::default(), device))
    }
}

/// Returns the arrays that a net needs, by the net's own names.
fn arrays(file: &SafeTensors<'_>, needed: &Shapes) -> Result<BTreeMap<String, Array>, String> {
    let views: BTreeMap<&str, TensorView<'_>> = file.iter().filter(|(name, _)| !name.ends_with(COUNTER)).collect();
    let found: Shapes = views.iter().map(|(name, view)| ((*name).to_owned(), view.shape().to_vec())).collect();
    let array = |(name, source): (String, String)| {
        let view = &views[source.as_str()];
        let values = floats(view)
            .ok_or_else(|| format!("holds {source} as {:?}, expected F32, F16, BF16 or F64", view.dtype()))?;
        Ok((name, Array { shape: view.shape().to_vec(), values }))
    };
    match_names(needed, &found)?.into_iter().map(array).collect()
}

/// Converts the values of an array to float32; `None` if it is not of a float type.
fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::F16 => data.as_chunks::<2>().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|&bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
        _ => return None,
    })
}

/// Refuses two architectures that predict differently with the same weights, naming the settings.
fn check_same(file: &NetworkConfig, config: &NetworkConfig) -> Result<(), String> {
    let settings = |config: &NetworkConfig| match serde_json::to_value(config) {
        Ok(serde_json::Value::Object(settings)) => settings,
        _ => serde_json::Map::new(),
    };
    let (file, config) = (settings(file), settings(config));
    let names: std::collections::BTreeSet<&String> = file.keys().chain(config.keys()).collect();
    let differs = |name: &&&String| !IRRELEVANT.contains(&name.as_str()) && file.get(**name) != config.get(**name);
    let text =
        |value: Option<&serde_json::Value>| value.map_or_else(|| "none".to_owned(), serde_json::Value::to_string);
    let differences: Vec<String> = names
        .iter()
        .filter(differs)
        .map(|name| format!("{name} is {} there and {} here", text(file.get(*name)), text(config.get(*name))))
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("was exported from a net of another architecture than the configuration's: {}", differences.join(", ")))
}

#[cfg(test)]
mod tests;
