//! Input of a report.

use crate::{
    data::PIXELS,
    evaluation::{ModelScores, RiskCoverage, Scores},
    fit::History,
    storage::Environment,
};

/// Everything that a report shows. Parts that are empty or `None` are left out of the page.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// Heading of the page: the run's name.
    pub title: String,
    /// Training and test data.
    pub data: DataSummary,
    /// Machine and program that made the run.
    pub environment: Environment,
    /// Resolved configuration, as TOML.
    pub config_toml: String,
    /// Members, ensembles and stacks with their scores. Colours are assigned in this order.
    pub models: Vec<ModelScores>,
    /// Name of the model whose confusion matrix, calibration and errors are shown; `None` selects the one with the best
    /// out-of-fold accuracy.
    pub featured: Option<String>,
    /// Training histories of the members.
    pub histories: Vec<MemberHistories>,
    /// Wall time of each stage, in order.
    pub timings: Vec<StageTime>,
    /// Remark on the choice of the featured model, as a sentence without its full stop; `None`: no remark.
    pub answer: Option<String>,
    /// Members that the stack does without.
    pub left_out: Vec<String>,
    /// Risk–coverage curve of the featured model on images that it did not learn from.
    pub risk_coverage: Option<RiskCoverage>,
    /// Scores of the featured model by source of the digits.
    pub sources: Vec<SourceRows>,
    /// Probable label errors.
    pub label_errors: Option<LabelErrorSummary>,
    /// The most doubtful labels, worst first.
    pub doubts: Vec<LabelDoubt>,
    /// Errors of the featured model with the highest confidence, highest first.
    pub mistakes: Vec<Mistake>,
    /// First-layer filters of the members that have some.
    pub filters: Vec<MemberFilters>,
    /// First-layer filters during training, of the nets that recorded them.
    pub filter_histories: Vec<MemberFilterHistory>,
    /// Some preprocessed training digits.
    pub examples: Vec<Example>,
    /// [`crate::storage::Manifest::reproducible_hash`] of the run.
    pub reproducible_hash: String,
    /// Path of the page of the search that chose the settings, relative to the page of this report.
    pub study: Option<String>,
}

/// Training and test data of a run.
#[derive(Clone, Debug, Default)]
pub struct DataSummary {
    /// Source of the digits, in words.
    pub source: String,
    /// Number of training images, rotated copies included.
    pub train_images: usize,
    /// Number of test images; `None` without a test set.
    pub test_images: Option<usize>,
    /// Number of cross-validation folds; 0 if a validation set was held out instead.
    pub folds: usize,
}

impl DataSummary {
    /// Name of the set that [`ModelScores::unseen`] is measured on.
    pub(super) fn held_out(&self) -> &'static str {
        if self.folds > 0 { "out-of-fold" } else { "validation" }
    }
}

/// Training histories of one member.
#[derive(Clone, Debug)]
pub struct MemberHistories {
    /// Name of the member, as in [`ModelScores::name`].
    pub member: String,
    /// Label (such as "fold 1") and history of each fit.
    pub fits: Vec<(String, History)>,
}

/// One stage of the run.
#[derive(Clone, Debug)]
pub struct StageTime {
    /// Name of the stage.
    pub name: String,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Number of images processed, where that applies.
    pub images: Option<u64>,
}

/// An image that the featured model misclassifies.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// `[28, 28]`, 0 = background.
    pub image: [u8; PIXELS],
    /// Name: its file, or its row or number.
    pub name: String,
    /// Label, 0 to 9.
    pub label: u8,
    /// Digit that the featured model predicts.
    pub predicted: u8,
    /// Probability that the featured model gives to its prediction, 0 to 1.
    pub probability: f64,
    /// Prediction of every member.
    pub opinions: Vec<MemberOpinion>,
}

/// Scores of one model on the digits of one source.
#[derive(Clone, Debug)]
pub struct SourceRows {
    /// Name of the source.
    pub source: String,
    /// On its digits that were held out.
    pub held_out: Option<Scores>,
    /// On its test digits.
    pub test: Option<Scores>,
}

/// Probable label errors in numbers.
#[derive(Clone, Debug)]
pub struct LabelErrorSummary {
    /// Name of the model that they were ranked by.
    pub model: String,
    /// Number of digits that the list has.
    pub listed: usize,
    /// Estimated number of wrong labels among them.
    pub estimated: usize,
}

/// An image whose label is probably wrong.
#[derive(Clone, Debug)]
pub struct LabelDoubt {
    /// `[28, 28]`, 0 = background.
    pub image: [u8; PIXELS],
    /// Name: its file, or its row or number.
    pub name: String,
    /// Label, 0 to 9.
    pub label: u8,
    /// Predicted digit.
    pub predicted: u8,
    /// Probability of the label, 0 to 1.
    pub label_probability: f64,
}

/// Prediction of one member for an image.
#[derive(Clone, Debug)]
pub struct MemberOpinion {
    /// Name of the member, as in [`ModelScores::name`].
    pub member: String,
    /// Most probable digit.
    pub digit: u8,
    /// Probability of that digit, 0 to 1.
    pub probability: f64,
}

/// First-layer weights of a member: the first convolution of a net, or one template a class of a logistic regression.
#[derive(Clone, Debug)]
pub struct MemberFilters {
    /// Name of the member, as in [`ModelScores::name`].
    pub member: String,
    /// Height and width of a filter, in weights.
    pub side: usize,
    /// `[filters][side * side]`, row-major.
    pub weights: Vec<Vec<f32>>,
}

/// First-layer filters of a net at several iterations of its training.
#[derive(Clone, Debug)]
pub struct MemberFilterHistory {
    /// Name of the member, as in [`ModelScores::name`].
    pub member: String,
    /// Height and width of a filter, in weights.
    pub side: usize,
    /// Iterations completed and weights `[filters][side * side]`, row-major; by iteration.
    pub snapshots: Vec<(u64, Vec<Vec<f32>>)>,
}

/// A preprocessed training digit.
#[derive(Clone, Debug)]
pub struct Example {
    /// `[28, 28]`, 0 = background.
    pub image: [u8; PIXELS],
    /// Label, 0 to 9.
    pub label: u8,
}

/// One row of the leaderboard over many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderboardEntry {
    /// Name of the model; equal names have equal colours.
    pub model: String,
    /// Run that the model belongs to.
    pub run: String,
    /// Number of trained parameters, if known.
    pub parameters: Option<u64>,
    /// Training time in seconds, if known.
    pub seconds: Option<f64>,
    /// Evaluation protocol, in a few words.
    pub protocol: String,
    /// Data set, in words; rows of one data set stand together.
    pub data: String,
    /// Identity of the data set.
    pub data_sha256: String,
    /// True if the accuracy is measured on held-out training digits because there are no test images.
    pub is_held_out: bool,
    /// Accuracy, 0 to 1: of one model, or the mean over several seeds.
    pub value: f64,
    /// Lower end of its interval: 95 % for one model, one standard deviation below the mean for several seeds.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Number of seeds in the mean; 1 for one model.
    pub seeds: usize,
    /// Accuracies reported elsewhere for such a model, each 0 to 1.
    pub reported: Vec<f64>,
}
