//! The figures that describe a classifier on labelled images.

use serde::{Deserialize, Serialize};

use crate::data::CLASSES;

/// A share with its 95 % Wilson score interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Successes over trials, 0 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// How a classifier did on one set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Images scored.
    pub images: usize,
    /// Images whose most probable class is their label.
    pub correct: usize,
    /// `correct / images`.
    pub accuracy: Proportion,
    /// Mean of −ln p(label), natural logarithm, probabilities clipped at 1e-15.
    pub log_loss: f64,
    /// Per class 0 to 9.
    pub classes: [ClassScores; CLASSES],
    /// `confusion[label][predicted]`: counts.
    pub confusion: [[usize; CLASSES]; CLASSES],
    /// Expected calibration error over the bins: Σ (count/images) · |confidence − accuracy|.
    pub expected_calibration_error: f64,
    /// Equal-width bins of the top probability.
    pub reliability: Vec<ReliabilityBin>,
}

/// One class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Images with this label.
    pub support: usize,
    /// Right among those predicted as this class; 0 if none was.
    pub precision: f64,
    /// Right among those with this label; 0 if there are none.
    pub recall: f64,
}

/// One bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end of the top probability.
    pub low: f64,
    /// Upper end of the top probability.
    pub high: f64,
    /// Images in the bin.
    pub count: usize,
    /// Their mean top probability; 0 if the bin is empty.
    pub confidence: f64,
    /// The share of them that was right; 0 if the bin is empty.
    pub accuracy: f64,
}

/// What a row of the leaderboard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// One learner.
    Member,
    /// A fixed combination of the members: mean or weighted mean.
    Ensemble,
    /// A meta-model fitted on out-of-fold predictions.
    Stack,
}

impl ModelKind {
    /// One word, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Ensemble => "ensemble",
            Self::Stack => "stack",
        }
    }
}

/// One model's row in `metrics.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelScores {
    /// Its name: that of a member, or of a meta-model (`mean`, `weighted-mean`, `logistic`, `tree`).
    pub name: String,
    /// What it is.
    pub kind: ModelKind,
    /// On the images it was trained on.
    pub train: Option<Scores>,
    /// On every training image, predicted by the fold models that did not see it (for an ensemble or a stack: from such
    /// predictions, a meta-model cross-fitted over the same folds).
    pub out_of_fold: Option<Scores>,
    /// On the training images of a hold-out, for a single member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Scores>,
    /// On the test images, which nothing was chosen by.
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
