//! Export of a trained net as one file for other programs.
//!
//! The file holds what inference needs: neither the history of the training nor dropout nor the initial weights (the
//! architecture, stored as configured, names the last two). `notes` are texts stored with the net, such as the
//! preprocessing of an image.

mod json;
mod onnx;

use crate::nn::{
    error::NnError,
    infer::trained::TrainedNet,
    io::description::Description,
    network::weights::{Weights, serialize},
};

pub use crate::storage::Notes;

impl TrainedNet {
    /// Encodes the net as a safetensors file: the weights by PyTorch's names and in PyTorch's layout (float32;
    /// `blocks.0.convolutions.0.weight` `[out, in, kernel, kernel]`, `hidden.0.weight` and `output.weight` `[out, in]`,
    /// biases `[out]`), and in its metadata the entry `digitstack`: a JSON object of `format`, `architecture` and
    /// `notes`. [`crate::nn::WeightsFile`] reads it back alone.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_safetensors(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        let description = Description::new(self.config(), notes).to_text()?;
        serialize(&Weights::of(self.network())?.0, Some(description)).map_err(NnError::Execution)
    }

    /// Encodes the net as an ONNX model. Input `image`, float32 `[N, 1, 28, 28]`, 0 = background and 1 = ink; outputs
    /// `logits` `[N, 10]` and `probabilities` `[N, 10]`, each row of which adds up to 1; N is free. The notes are its
    /// metadata properties.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_onnx(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        onnx::file(self.network(), notes)
    }

    /// Encodes the net as a JSON object: `notes`, `architecture` as configured, `weights` by the names of
    /// [`TrainedNet::to_safetensors`], each as nested lists.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_json(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        json::file(self, notes)
    }
}
