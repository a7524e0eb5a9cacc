//! Results of a search, as the page and the plots show them.

use serde::{Deserialize, Serialize};

/// Results of a whole search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyOutcome {
    /// Name of the search.
    pub name: String,
    /// Its training images in words: "the built-in digits, 6,000 for training".
    pub data: String,
    /// Seed that all random draws derive from.
    pub seed: u64,
    /// Stages in the order in which they ran; an unfinished search lacks the later ones.
    pub stages: Vec<StageOutcome>,
    /// True while the search is running, and if it was interrupted.
    #[serde(default)]
    pub is_unfinished: bool,
}

/// Results of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageOutcome {
    /// Name, unique within the search: a–z, 0–9 and `-`.
    pub name: String,
    /// Heading for people.
    pub title: String,
    /// Purpose of the stage and what is known about it, in sentences; may be empty.
    pub about: String,
    /// Name of the tuned member, or `stack`.
    pub learner: String,
    /// Sampler in words: "grid of 6", "Nelder–Mead, 20 trials".
    #[serde(rename = "strategy")]
    pub sampler: String,
    /// Scoring of a trial in words: "accuracy, mean of 3 splits".
    pub scoring: String,
    /// Unit of the scores.
    pub score: Score,
    /// Kind of plot.
    pub plot: PlotKind,
    /// Searched parameters, in the order of [`TrialOutcome::values`].
    pub parameters: Vec<ParameterOutcome>,
    /// Trials in the order in which they were proposed.
    pub trials: Vec<TrialOutcome>,
    /// Index of the selected trial in `trials`.
    #[serde(rename = "picked")]
    pub selected: Option<usize>,
    /// Wall-clock seconds of the stage, over all its interruptions.
    pub seconds: f64,
    /// Epochs or trees that its fits ran.
    pub steps_run: u64,
    /// Epochs or trees of one complete fit for every trial and split.
    pub steps_naive: u64,
    /// "epoch", "tree", or "" if nothing is fitted step by step.
    pub unit: String,
    /// False while the stage runs.
    pub finished: bool,
}

/// Measure of a trial; higher is better for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// Fraction of the validation images classified correctly, 0 to 1.
    #[default]
    Accuracy,
    /// Negative log-loss on the validation images.
    LogLoss,
}

impl Score {
    /// Returns its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log-loss",
        }
    }

    /// Formats a score for people: `98.12 %`, or the log-loss with a positive sign.
    pub fn format(self, score: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2} %", 100.0 * score),
            Self::LogLoss => format!("{:.4}", -score),
        }
    }

    /// Formats a difference of two scores for people, without a unit.
    pub fn format_width(self, width: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2}", 100.0 * width),
            Self::LogLoss => format!("{width:.4}"),
        }
    }
}

/// Kind of plot of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlotKind {
    /// The score over one number, with its standard error, the selected point, and the training score if there is one.
    Line,
    /// One bar for each choice, with its standard error.
    Bars,
    /// For two numbers on the same scale: one horizontal bar between both for each trial, at the height of its score.
    Intervals,
    /// For two numbers: the score as a surface, with the trials as dots.
    Contour,
    /// The score of each trial in their order, and the best so far.
    Progress,
}

/// Description of a searched parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterOutcome {
    /// Dotted path in the learner's settings.
    pub field: String,
    /// Label of an axis.
    pub label: String,
    /// True if it was searched on a logarithmic scale.
    pub log: bool,
    /// Names of the choices; empty for a number.
    pub choices: Vec<String>,
}

/// Result of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialOutcome {
    /// For each parameter its number, or the index of its choice in [`ParameterOutcome::choices`].
    pub values: Vec<f64>,
    /// State in which it ended.
    pub state: TrialState,
    /// Mean score of the splits; for a pruned trial the last score that it reached; `None` if it failed.
    pub score: Option<f64>,
    /// Standard error of the mean; with a single split, that of a proportion.
    pub standard_error: Option<f64>,
    /// Score on a sample of the training images.
    pub train_score: Option<f64>,
    /// Intermediate scores by step (epochs or trees), if they were read.
    pub steps: Vec<(u64, f64)>,
    /// Seconds of all its fits together.
    pub seconds: f64,
    /// Reason of a failure.
    pub error: Option<String>,
}

/// State in which a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialState {
    /// Scored after its last step.
    Complete,
    /// Stopped early because other trials scored higher at the same step.
    Pruned,
    /// Diverged, refused its settings, or ran out of memory.
    Failed,
}
