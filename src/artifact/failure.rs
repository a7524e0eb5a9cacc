//! Errors of runs, searches and finished directories.

use std::path::PathBuf;

use super::predictions::PredictionsError;
use crate::{
    config::ConfigError,
    data::{DataError, FieldError},
    evaluation::EvaluationError,
    fit::JobError,
    learners::LearnerError,
    report::ReportError,
    stacking::StackingError,
    storage::StorageError,
    tuning::{TuningError, log::LogError},
};

/// Error of a run, a search or a finished directory.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// In a picture.
    #[error(transparent)]
    Picture(#[from] crate::imaging::DrawingError),
    /// In the digits.
    #[error(transparent)]
    Data(#[from] DataError),
    /// In a member.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// In the threads that fits run on.
    #[error(transparent)]
    Job(#[from] JobError),
    /// In the meta-models or the out-of-fold predictions.
    #[error(transparent)]
    Stacking(#[from] StackingError),
    /// In the scores.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// In the files of the directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// In the report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// In a file of predictions.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    /// In a configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// In a search.
    #[error(transparent)]
    Tuning(#[from] TuningError),
    /// In a search's log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The directory was begun with other settings or other data.
    #[error(
        "{} was begun with another {what}: {}; use those settings, start over with --fresh, or choose another directory with --out",
        directory.display(), differences.join("; ")
    )]
    OtherSettings {
        /// The directory.
        directory: PathBuf,
        /// The record that differs: `configuration`, `kind`, `training set`, `test set`.
        what: &'static str,
        /// Each difference: field, value there, value now.
        differences: Vec<String>,
    },
    /// A setting that was not checked before is wrong.
    #[error("configuration: {0}")]
    Setting(#[from] FieldError),
    /// A finished fit is gone.
    #[error("{0} was finished and is missing now; run the same command again")]
    LostPart(String),
    /// The directory holds no search.
    #[error("{} holds no search; `digitstack tune` with the same --out starts one", .0.display())]
    NoSearch(PathBuf),
    /// A stack is needed.
    #[error("{} holds {holds}, not a stack; this command needs what `digitstack run` leaves", directory.display())]
    NotAStack {
        /// The directory.
        directory: PathBuf,
        /// Its contents, in words.
        holds: String,
    },
    /// The directory holds no models.
    #[error("{} holds a search and no models; `digitstack run` with its best.toml makes some", .0.display())]
    NoModel(PathBuf),
    /// The directory does not say its kind.
    #[error("{} does not say what it holds: artifact.json is missing; it was made by an earlier version, train it again", .0.display())]
    UnknownKind(PathBuf),
    /// A directory names a member that its configuration lacks.
    #[error("artifact.json: member: found `{model}`, expected a member of config.toml: {members}")]
    UnknownMember {
        /// The name in the file.
        model: String,
        /// Names of the configuration's members.
        members: String,
    },
    /// A model is not what the configuration says.
    #[error("{} is not what config.toml says: {problem}", path.display())]
    OtherModel {
        /// The file or folder of the model.
        path: PathBuf,
        /// Difference: found and expected values.
        problem: String,
    },
    /// There is no model of that name.
    #[error("unknown model `{model}`; available: {known}")]
    UnknownModel {
        /// The name that was asked for.
        model: String,
        /// Names of the models.
        known: String,
    },
    /// A name that stands for no model, or for several.
    #[error("{}: `{model}` {problem}; choose one of {models}", directory.display())]
    NoSuchModel {
        /// The directory.
        directory: PathBuf,
        /// The name that was asked for.
        model: String,
        /// Reason why the name is not accepted.
        problem: &'static str,
        /// Names to choose from.
        models: String,
    },
    /// A page of one file can run nets only.
    #[error("`{model}` cannot be written as a page, which runs nets only (dense, cnn)")]
    PageModel {
        /// Name of the model.
        model: String,
    },
    /// A page of one file does not know a step of the preprocessing.
    #[error(
        "`{model}` cannot be written as a page: its images pass the step `{step}`, which the page cannot do \
         (it can do {known}); train without it, or use `digitstack serve`"
    )]
    PageStep {
        /// Name of the model.
        model: String,
        /// Name of the step.
        step: &'static str,
        /// Names of the steps that it can do.
        known: String,
    },
    /// A model cannot be written as JSON.
    #[error("`{model}` cannot be written as JSON: {source}")]
    Json {
        /// The model.
        model: String,
        /// Error of the writer.
        source: serde_json::Error,
    },
    /// Weights belong to images that are preprocessed in another way than the configuration says.
    #[error(
        "{} belongs to a net whose images are prepared by {file}, but the configuration's `prepare.recipe` is {config}",
        path.display()
    )]
    OtherPreprocessing {
        /// The file with the weights.
        path: PathBuf,
        /// Recipe in the file.
        file: String,
        /// Recipe in the configuration.
        config: String,
    },
    /// There are no labelled digits to score on.
    #[error("{0} has no labelled test digits")]
    NoTestDigits(String),
    /// The only labelled digits are those that the models learned from.
    #[error("{0} has no test digits, only files that the run was trained on")]
    TrainedOn(String),
    /// There are no digits to train on.
    #[error("the training set is empty")]
    NoTrainingDigits,
    /// The work was cancelled.
    #[error("stopped; the same command continues from the last finished fold or epoch")]
    Cancelled,
}

impl RunFailure {
    /// True if the request was wrong and nothing was done.
    pub fn is_usage(&self) -> bool {
        if let Self::Data(error) = self {
            return error.is_usage();
        }
        matches!(
            self,
            Self::NoSuchModel { .. }
                | Self::PageModel { .. }
                | Self::PageStep { .. }
                | Self::OtherPreprocessing { .. }
                | Self::OtherSettings { .. }
                | Self::Learner(LearnerError::NoFormat { .. } | LearnerError::NoImport { .. })
        )
    }
}
