//! Scores of a classifier on labelled images.

use serde::{Deserialize, Serialize};

use crate::data::CLASSES;

/// A proportion with its 95 % Wilson score interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Successes over trials, 0 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Scores of a classifier on one set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of images.
    pub images: usize,
    /// Number of images whose most probable class is their label.
    pub correct: usize,
    /// `correct / images`.
    pub accuracy: Proportion,
    /// Mean of −ln p(label) over the images, in nats; probabilities are clipped at 1e-15.
    pub log_loss: f64,
    /// Scores of the classes 0 to 9.
    pub classes: [ClassScores; CLASSES],
    /// Number of images by `[label][predicted]`.
    pub confusion: [[usize; CLASSES]; CLASSES],
    /// Expected calibration error: Σ (count / images) · |confidence − accuracy| over the bins.
    pub expected_calibration_error: f64,
    /// Bins of equal width over the top probability.
    pub reliability: Vec<ReliabilityBin>,
}

/// Scores of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Number of images with this label.
    pub support: usize,
    /// Fraction of correct ones among the images predicted as this class; 0 if there are none.
    pub precision: f64,
    /// Fraction of correct ones among the images with this label; 0 if there are none.
    pub recall: f64,
}

/// One bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end of the top probability.
    pub low: f64,
    /// Upper end of the top probability.
    pub high: f64,
    /// Number of images in the bin.
    pub count: usize,
    /// Mean top probability of the images; 0 if the bin is empty.
    pub confidence: f64,
    /// Accuracy on the images; 0 if the bin is empty.
    pub accuracy: f64,
}

/// Kind of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// A single learner.
    Member,
    /// A fixed combination of the members: mean or weighted mean.
    Ensemble,
    /// A meta-model fitted on out-of-fold predictions.
    Stack,
}

impl ModelKind {
    /// Name of the kind, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Ensemble => "ensemble",
            Self::Stack => "stack",
        }
    }
}

/// Scores of one model in `metrics.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelScores {
    /// Name of the member or of the meta-model (`mean`, `weighted-mean`, `logistic`, `tree`).
    pub name: String,
    /// Kind of the model.
    pub kind: ModelKind,
    /// Scores on the training images.
    pub train: Option<Scores>,
    /// Scores on the training images, each predicted by the fold models that were trained without it; for a stack, with
    /// a meta-model cross-fitted over the same folds.
    pub out_of_fold: Option<Scores>,
    /// Scores on the training images of a hold-out, for a single member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Scores>,
    /// Scores on the test images, which no choice was based on.
    pub test: Option<Scores>,
}

impl ModelScores {
    /// A row without scores.
    pub fn new(name: &str, kind: ModelKind) -> Self {
        Self { name: name.to_owned(), kind, train: None, out_of_fold: None, held_out: None, test: None }
    }

    /// Scores on training images that the model did not learn from: out of fold, or of the hold-out.
    pub fn unseen(&self) -> Option<&Scores> {
        self.out_of_fold.as_ref().or(self.held_out.as_ref())
    }
}
