//! A net as JSON: nested lists, for eyes and for programs without a reader of safetensors.

use serde::Serialize;

use crate::{
    nn::{
        error::NnError,
        infer::trained::TrainedNet,
        network::{config::NetworkConfig, weights::Weights},
    },
    storage::{Arrays, Notes},
};

#[derive(Serialize)]
struct Net<'a> {
    notes: &'a Notes,
    architecture: &'a NetworkConfig,
    weights: Arrays,
}

/// The net as one line of JSON: indented it would be several times as large.
pub(super) fn file(net: &TrainedNet, notes: &Notes) -> Result<Vec<u8>, NnError> {
    let mut weights = Arrays::default();
    for (name, array) in &Weights::of(net.network())?.0 {
        weights.insert(name, &array.shape, &array.values);
    }
    let mut text = serde_json::to_vec(&Net { notes, architecture: net.config(), weights })
        .map_err(|error| NnError::Execution(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}
