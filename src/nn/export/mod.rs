//! A trained net as one file for other programs.
//!
//! The file holds what a prediction needs and nothing else: neither the course of the training nor dropout nor how
//! weights were drawn (the architecture, which is kept as it was configured, names the last two). `notes` are texts
//! that travel along, such as what is done to an image before the net sees it.

mod json;
mod onnx;

use super::{
    error::NnError,
    import::Description,
    trained::TrainedNet,
    weights::{Weights, serialize},
};

pub use crate::storage::Notes;

impl TrainedNet {
    /// A safetensors file: the weights by PyTorch's names and in PyTorch's layout (float32;
    /// `blocks.0.convolutions.0.weight` `[out, in, kernel, kernel]`, `hidden.0.weight` and `output.weight` `[out, in]`,
    /// biases `[out]`), and in its metadata the entry `digitstack`: a JSON object of `format`, `architecture` and
    /// `notes`. [`super::WeightsFile`] reads it back alone.
    ///
    /// # Errors
    /// If the device does not hand out the weights.
    pub fn to_safetensors(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        let description = Description::new(self.config(), notes).to_text()?;
        serialize(&Weights::of(self.network())?.0, Some(description)).map_err(NnError::Execution)
    }

    /// An ONNX model. Input `image`, float32 `[N, 1, 28, 28]`, 0 = background and 1 = ink; outputs `logits` `[N, 10]`
    /// and `probabilities` `[N, 10]`, each row of which adds up to 1; N is free. The notes are its metadata properties.
    ///
    /// # Errors
    /// If the device does not hand out the weights.
    pub fn to_onnx(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        onnx::file(self.network(), notes)
    }

    /// A JSON object: `notes`, `architecture` as configured, `weights` by the names of [`TrainedNet::to_safetensors`],
    /// each as nested lists.
    ///
    /// # Errors
    /// If the device does not hand out the weights.
    pub fn to_json(&self, notes: &Notes) -> Result<Vec<u8>, NnError> {
        json::file(self, notes)
    }
}
