//! Checkpoint: the file that an interrupted training is resumed from.
//!
//! It is a safetensors file with the weights, the optimizer's state, the averaged and the best weights; its metadata
//! hold the history and fingerprints. It is replaced by a rename after every epoch: a crash leaves the last epoch's
//! file or the one before, never a mixture. It is used only if its SHA-256 is right and it belongs to the same
//! settings, seed and images.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{config::TrainingConfig, optimizer::OptimizerState};
use crate::{
    data::Digits,
    fit::{FitContext, FitTiming, History},
    nn::{
        error::NnError,
        network::{
            config::NetworkConfig,
            filter_history::FilterHistory,
            weights::{Array, Weights, parse, write_file},
        },
    },
    storage::{Sha256Digest, read_limited},
};

const FORMAT: &str = "digitstack training checkpoint 1";
/// Largest checkpoint that is read, in bytes: weights, two moments of the optimizer, averaged and best weights of the
/// largest net.
const MAX_FILE: u64 = 2_000_000_000;

/// State of a training between two epochs.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoint {
    pub history: History,
    pub timing: FitTiming,
    pub weights: Weights,
    pub optimizer: OptimizerState,
    pub average: Option<Weights>,
    pub best: Option<Weights>,
    pub filter_history: FilterHistory,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    fingerprint: String,
    arrays: Sha256Digest,
    history: History,
    timing: FitTiming,
    counters: BTreeMap<String, u64>,
    ranks: BTreeMap<u64, usize>,
}

/// Returns the SHA-256 of everything that the result depends on, except the augmentation's settings and the device.
pub(super) fn fingerprint(
    network: &NetworkConfig,
    training: &TrainingConfig,
    train: &Digits,
    validation: Option<&Digits>,
    augmented: bool,
    context: &FitContext,
) -> String {
    let mut images = Sha256::new();
    for digits in [Some(train), validation].into_iter().flatten() {
        images.update((digits.len() as u64).to_le_bytes());
        images.update(digits.images.pixels());
        images.update(&digits.labels);
    }
    let images = Sha256Digest::of(&images.finalize());
    let settings = serde_json::json!([FORMAT, network, training, context.seed, augmented, images]);
    Sha256Digest::of(settings.to_string().as_bytes()).to_string()
}

impl Checkpoint {
    /// Replaces the file atomically.
    pub fn save(&self, path: &Path, fingerprint: &str) -> Result<(), NnError> {
        let mut arrays = BTreeMap::new();
        let sets = [("model", Some(&self.weights)), ("average", self.average.as_ref()), ("best", self.best.as_ref())];
        for (prefix, weights) in sets {
            for (name, array) in weights.into_iter().flat_map(|weights| &weights.0) {
                arrays.insert(format!("{prefix}/{name}"), array.clone());
            }
        }
        arrays.extend(self.filter_history.arrays().map(|(name, array)| (format!("filter_history/{name}"), array)));
        for (name, data) in &self.optimizer.tensors {
            let values = data.try_to_vec::<f32>().map_err(|error| NnError::Execution(format!("{error:?}")))?;
            arrays.insert(format!("optimizer/{name}"), Array { shape: data.shape().to_vec(), values });
        }
        let header = Header {
            format: FORMAT.to_owned(),
            fingerprint: fingerprint.to_owned(),
            arrays: hash_arrays(&arrays),
            history: self.history.clone(),
            timing: self.timing.clone(),
            counters: self.optimizer.counters.clone(),
            ranks: self.optimizer.ranks.clone(),
        };
        let header = serde_json::to_string(&header).map_err(|error| NnError::file(path, error.to_string()))?;
        write_file(path, &arrays, Some(header)).map(|_| ())
    }

    /// Reads a checkpoint: `Ok(None)` if there is no file, the problem if it is damaged or belongs to another training.
    pub fn load(path: &Path, fingerprint: &str) -> Result<Option<Self>, String> {
        let bytes = match read_limited(path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (arrays, header) = parse(&bytes)?;
        let header = header.ok_or("has no training metadata")?;
        let header: Header =
            serde_json::from_str(&header).map_err(|error| format!("has damaged metadata ({error})"))?;
        if header.format != FORMAT {
            return Err(format!("has the format {:?}, expected {FORMAT:?}", header.format));
        }
        if header.arrays != hash_arrays(&arrays) {
            return Err(String::from("is damaged (its arrays do not match their hash)"));
        }
        if header.fingerprint != fingerprint {
            return Err(String::from("belongs to other settings, another seed or other images"));
        }
        let mut checkpoint = Self { history: header.history, timing: header.timing, ..Self::default() };
        checkpoint.optimizer.counters = header.counters;
        checkpoint.optimizer.ranks = header.ranks;
        for (name, array) in arrays {
            let Some((set, name)) = name.split_once('/') else {
                return Err(format!("holds the unknown array {name}"));
            };
            let weights = match set {
                "model" => &mut checkpoint.weights,
                "average" => checkpoint.average.get_or_insert_default(),
                "best" => checkpoint.best.get_or_insert_default(),
                "optimizer" => {
                    checkpoint.optimizer.tensors.insert(name.to_owned(), TensorData::new(array.values, array.shape));
                    continue;
                }
                "filter_history" => {
                    checkpoint.filter_history.insert(name, &array)?;
                    continue;
                }
                _ => return Err(format!("holds the unknown array {set}/{name}")),
            };
            weights.0.insert(name.to_owned(), array);
        }
        Ok(Some(checkpoint))
    }
}

fn hash_arrays(arrays: &BTreeMap<String, Array>) -> Sha256Digest {
    let mut sha = Sha256::new();
    for (name, array) in arrays {
        sha.update(format!("{name} {:?}\n", array.shape));
        let bytes: Vec<u8> = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        sha.update(&bytes);
    }
    sha.into()
}
