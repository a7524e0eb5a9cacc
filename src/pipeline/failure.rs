//! Why a run failed.

use std::path::PathBuf;

use super::{ConfigError, PredictionsError};
use crate::{
    data::{DataError, FieldError},
    evaluation::EvaluationError,
    fit::JobError,
    learners::LearnerError,
    report::ReportError,
    stacking::StackingError,
    storage::StorageError,
    tuning::{TuningError, log::LogError},
};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// In the digits.
    #[error(transparent)]
    Data(#[from] DataError),
    /// In a member.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// In the worker threads of the fits.
    #[error(transparent)]
    Job(#[from] JobError),
    /// In the meta-models or the folds' bookkeeping.
    #[error(transparent)]
    Stacking(#[from] StackingError),
    /// In the scores.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// In the run directory.
    #[error(transparent)]
    Run(#[from] StorageError),
    /// In the report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// In a file of predictions.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    /// In a saved configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// In a search.
    #[error(transparent)]
    Tuning(#[from] TuningError),
    /// In a search's log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The directory belongs to other work.
    #[error(
        "{} holds an unfinished run of another {what}; go on with that one, start over with --fresh, or choose another directory with --out",
        directory.display()
    )]
    OtherRun {
        /// The run directory.
        directory: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// In a setting that was not checked before.
    #[error("configuration: {0}")]
    Setting(#[from] FieldError),
    /// A finished part is gone.
    #[error("{0} was there and is not any more; run the same command again")]
    LostPart(String),
    /// There is no search to look at.
    #[error("{} holds no search; `digitstack tune` with the same --out starts one", .0.display())]
    NoSearch(PathBuf),
    /// A whole run was wanted.
    #[error("{} holds {holds}, not a run: {advice}", directory.display())]
    NotARun {
        /// The directory.
        directory: PathBuf,
        /// What it holds.
        holds: &'static str,
        /// What can be done with that.
        advice: &'static str,
    },
    /// There is nothing that predicts.
    #[error("{} holds neither a run nor a single model, but other results (of `digitstack tune`?)", .0.display())]
    NoModel(PathBuf),
    /// A single model from before its directory said which it is.
    #[error("{} was trained by an earlier version and does not say which model it holds (single.json is missing); train it again", .0.display())]
    UnnamedModel(PathBuf),
    /// A single model's directory names a model that its configuration has not.
    #[error("{}: at `model`: found `{model}`, expected a member of config.toml: {members}", file.display())]
    UnknownMember {
        /// `single.json`.
        file: PathBuf,
        /// What it says.
        model: String,
        /// What the configuration has.
        members: String,
    },
    /// There is no model of that name.
    #[error("there is no model `{model}`; there is {known}")]
    UnknownModel {
        /// As asked.
        model: String,
        /// The names there are.
        known: String,
    },
    /// A name that means no model, or more than one.
    #[error("{}: `{model}` {problem}; choose one of {models}", directory.display())]
    NoSuchModel {
        /// The directory.
        directory: PathBuf,
        /// What was asked for.
        model: String,
        /// Why it is not there.
        problem: &'static str,
        /// What could be asked for.
        models: String,
    },
    /// A model that JSON cannot hold.
    #[error("`{model}` cannot be written as JSON: {source}")]
    Json {
        /// The model.
        model: String,
        /// What the writer says.
        source: serde_json::Error,
    },
    /// Weights that are for other images than the configuration prepares.
    #[error("{} belongs to a net that sees images prepared by {file}, but the configuration's `prepare.recipe` is {config}", path.display())]
    OtherPreparation {
        /// The file.
        path: PathBuf,
        /// What the file says.
        file: String,
        /// What the configuration says.
        config: String,
    },
    /// There is nothing to score on.
    #[error("{0} has no labelled test digits")]
    NoTestDigits(String),
    /// There is nothing to train on.
    #[error("the training set is empty")]
    NoTrainingDigits,
    /// Somebody asked to stop.
    #[error("stopped; the same command goes on from the last finished fold or epoch")]
    Cancelled,
}

impl RunFailure {
    /// True if the request was wrong and nothing was done.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoSuchModel { .. }
                | Self::OtherPreparation { .. }
                | Self::Learner(LearnerError::NoFormat { .. } | LearnerError::NoImport { .. })
        )
    }
}
