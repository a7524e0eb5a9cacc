//! Conversion of a net's ten outputs to class probabilities.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::data::CLASSES;

/// Smallest probability of an output that is not a softmax.
pub(in crate::nn) const LEAST_PROBABILITY: f64 = 1e-7;

/// Conversion of the ten outputs to probabilities, for predictions and in most losses (see [`crate::nn::Loss`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Softmax.
    #[default]
    Softmax,
    /// Sigmoid of each output; for a prediction the ten are then divided by their sum.
    Sigmoid,
    /// Outputs unchanged; for a prediction they are clamped to 1e-7 … 1 and divided by their sum.
    Raw,
}

impl Output {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Sigmoid, Self::Raw];

    /// Returns the values that a loss compares with the targets, `[batch, 10]`; rows of sigmoids and of raw outputs do
    /// not add up to 1.
    pub(in crate::nn) fn activations(self, outputs: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Softmax => activation::softmax(outputs, 1),
            Self::Sigmoid => activation::sigmoid(outputs),
            Self::Raw => outputs,
        }
    }

    /// Returns probabilities, `[batch, 10]`; each row adds up to 1.
    pub(in crate::nn) fn probabilities(self, outputs: Tensor<2>) -> Tensor<2> {
        let activations = self.activations(outputs);
        if self == Self::Softmax {
            return activations;
        }
        let scores = activations.clamp(LEAST_PROBABILITY, 1.0);
        scores.clone() / scores.sum_dim(1)
    }

    /// Returns the probabilities of one image.
    pub(in crate::nn) fn probabilities_of_one(self, outputs: [f32; CLASSES]) -> [f32; CLASSES] {
        let row = match self {
            Self::Softmax => {
                let largest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                outputs.map(|output| (output - largest).exp())
            }
            Self::Sigmoid => outputs.map(|output| (1.0 / (1.0 + (-output).exp())).clamp(LEAST_PROBABILITY as f32, 1.0)),
            Self::Raw => outputs.map(|output| output.clamp(LEAST_PROBABILITY as f32, 1.0)),
        };
        let sum: f32 = row.iter().sum();
        row.map(|value| value / sum)
    }
}
