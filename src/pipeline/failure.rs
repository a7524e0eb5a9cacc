//! Why a run failed.

use std::path::PathBuf;

use super::{ConfigError, PredictionsError};
use crate::{
    data::{DataError, FieldError},
    evaluation::EvaluationError,
    learners::LearnerError,
    report::ReportError,
    runs::RunError,
    stacking::StackingError,
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
    /// In the meta-models or the folds' bookkeeping.
    #[error(transparent)]
    Stacking(#[from] StackingError),
    /// In the scores.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// In the run directory.
    #[error(transparent)]
    Run(#[from] RunError),
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
    /// A complete directory of other work.
    #[error("{} holds neither a run nor a single model; is it a search?", .0.display())]
    NoModels(PathBuf),
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
