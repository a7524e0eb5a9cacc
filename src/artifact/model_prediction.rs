//! Class probabilities with the model that they are of.

use crate::{
    data::{CLASSES, Probabilities},
    evaluation::ModelKind,
};

/// Predictions of one model for many images or, with `P = [f32; 10]`, for a single one.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPrediction<P = Probabilities> {
    /// Name of the model.
    pub name: String,
    /// Its kind.
    pub kind: ModelKind,
    /// Class probabilities of each image, `[n, 10]` or `[10]`.
    pub probabilities: P,
}

impl ModelPrediction {
    /// The prediction for one of the images.
    ///
    /// # Panics
    /// If there is no image of that index.
    pub fn of_image(&self, index: usize) -> ModelPrediction<[f32; CLASSES]> {
        ModelPrediction { name: self.name.clone(), kind: self.kind, probabilities: self.probabilities[index] }
    }
}
