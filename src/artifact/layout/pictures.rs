//! `pictures.json`.

use serde::{Deserialize, Serialize};

/// Pictures of the report: mistakes, filters and examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// Training images, copies included.
    pub train_images: usize,
    /// Test images; none if there is no test set.
    pub test_images: Option<usize>,
    /// The most confident mistakes of the answering model, worst first.
    pub mistakes: Vec<SavedMistake>,
    /// The most doubtful labels among the digits held out, worst first.
    #[serde(default)]
    pub doubts: Vec<SavedDoubt>,
    /// First-layer filters of the members that have any.
    pub filters: Vec<SavedFilters>,
    /// A few training images of each class.
    pub examples: Vec<SavedExample>,
}

/// An image whose label is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedDoubt {
    /// Name of the image: its file, or its row or number.
    pub name: String,
    /// Its label.
    pub label: u8,
    /// The predicted digit.
    pub predicted: u8,
    /// Probability of the label.
    pub label_probability: f32,
    /// Its 784 pixels, row by row.
    pub pixels: Vec<u8>,
}

/// An image that the answering model got wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedMistake {
    /// Index of the image in its set.
    pub index: usize,
    /// Name of the image: its file, or its row or number; empty in directories of earlier versions.
    #[serde(default)]
    pub name: String,
    /// Its label.
    pub label: u8,
    /// The predicted digit.
    pub predicted: u8,
    /// Probability of the predicted digit.
    pub probability: f32,
    /// Prediction of each member.
    pub opinions: Vec<SavedOpinion>,
    /// Its 784 pixels, row by row.
    pub pixels: Vec<u8>,
}

/// A member's prediction for a mistake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedOpinion {
    /// Name of the member.
    pub member: String,
    /// Its most probable digit.
    pub digit: u8,
    /// Probability of that digit.
    pub probability: f32,
}

/// First-layer filters of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFilters {
    /// Name of the member.
    pub member: String,
    /// Weights of each filter, a square row by row.
    pub weights: Vec<Vec<f32>>,
}

/// A training image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedExample {
    /// Its label.
    pub label: u8,
    /// Its 784 pixels, row by row.
    pub pixels: Vec<u8>,
}
