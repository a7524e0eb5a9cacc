//! What a study found, as the page and the plots show it.

use serde::{Deserialize, Serialize};

/// A whole study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyOutcome {
    /// The study's name.
    pub name: String,
    /// What it searched on, in words: "the built-in digits, 6,000 for training".
    pub data: String,
    /// All draws derive from it.
    pub seed: u64,
    /// In the order in which they ran. A study under way lacks the later ones.
    pub stages: Vec<StageOutcome>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageOutcome {
    /// Unique within the study: a–z, 0–9 and `-`.
    pub name: String,
    /// A heading for people.
    pub title: String,
    /// Why it is there and what is known about it; may be empty.
    pub about: String,
    /// The member it tuned, or `stack`.
    pub learner: String,
    /// In words: "grid of 6", "Nelder–Mead, 20 trials".
    pub strategy: String,
    /// How a trial was scored, in words: "accuracy, mean of 3 splits".
    pub scoring: String,
    /// What a score measures.
    pub score: Score,
    /// How it is drawn.
    pub plot: PlotKind,
    /// What was searched, in the order of [`TrialOutcome::values`].
    pub parameters: Vec<ParameterOutcome>,
    /// In the order in which they were proposed.
    pub trials: Vec<TrialOutcome>,
    /// Place of the chosen trial in `trials`.
    pub picked: Option<usize>,
    /// Seconds by the clock that the stage took, over all its interruptions.
    pub seconds: f64,
    /// Epochs or trees that its fits ran.
    pub steps_run: u64,
    /// Epochs or trees that one full fit for every trial and split would have run.
    pub steps_naive: u64,
    /// "epoch", "tree", or "" where nothing is fitted.
    pub unit: String,
    /// False while it runs.
    pub finished: bool,
}

/// What a score measures; higher is better for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// Share of the validation images classified correctly, 0 to 1.
    #[default]
    Accuracy,
    /// The validation log-loss with its sign changed.
    LogLoss,
}

/// How a stage is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlotKind {
    /// The score over one number, with its standard error and the chosen point; with the training score if there is
    /// one.
    Line,
    /// A bar for each choice, with its standard error.
    Bars,
    /// For two numbers on the same scale: a horizontal bar from one to the other for each trial, at the height of its
    /// score.
    Intervals,
    /// For two numbers: the score as a surface, with the trials as dots.
    Contour,
    /// The score by trial and the best so far.
    Progress,
}

/// One thing that was searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterOutcome {
    /// Dotted path in the learner's settings.
    pub field: String,
    /// What axes call it.
    pub label: String,
    /// True if the search went by its logarithm.
    pub log: bool,
    /// The names of the choices; empty for a number.
    pub choices: Vec<String>,
}

/// One setting that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialOutcome {
    /// For each parameter the number, or the place of the choice in [`ParameterOutcome::choices`].
    pub values: Vec<f64>,
    /// How it ended.
    pub state: TrialState,
    /// Mean over the splits; for a pruned trial what it reached before; none if it failed.
    pub score: Option<f64>,
    /// Standard error of that mean; of the share itself if there is one split.
    pub standard_error: Option<f64>,
    /// The same score on a sample of the training images.
    pub train_score: Option<f64>,
    /// The score after steps (epochs or trees) on the way, where it was read.
    pub steps: Vec<(u64, f64)>,
    /// Seconds of all its fits together.
    pub seconds: f64,
    /// What went wrong.
    pub error: Option<String>,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialState {
    /// Scored to the end.
    Complete,
    /// Stopped because others did better at the same step.
    Pruned,
    /// It diverged, its settings are impossible, or memory ran out.
    Failed,
}
