//! Errors of a search.

use crate::{
    data::{DataError, FieldError},
    fit::JobError,
    learners::LearnerError,
    stacking::StackingError,
    tuning::log::LogError,
};

/// Error of a search. The log keeps every trial that was recorded before.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// Error in dividing the images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Error of a learner outside of any trial.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// Error of the pool of fits.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Error of the out-of-fold predictions or a meta-model.
    #[error(transparent)]
    Stacking(#[from] StackingError),
    /// Error of the study log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Invalid setting that could not be checked before the search began.
    #[error("stage `{stage}`: {error}")]
    Setting {
        /// Name of the stage.
        stage: String,
        /// The field and its allowed values.
        error: FieldError,
    },
    /// Every trial of a stage failed, so that none can be selected.
    #[error("stage `{stage}`: none of its {trials} trials succeeded; the first one failed: {problem}")]
    NothingToSelect {
        /// Name of the stage.
        stage: String,
        /// Number of trials.
        trials: usize,
        /// Error of the first failed trial.
        problem: String,
    },
    /// A member that a `stack` stage needs cannot be fitted.
    #[error("stage `{stage}`: `{member}` cannot be fitted: {problem}")]
    Member {
        /// Name of the stage.
        stage: String,
        /// Name of the member.
        member: String,
        /// Its error.
        problem: String,
    },
    /// The search was asked to stop.
    #[error("stopped; run the same command again to continue after the last recorded trial")]
    Cancelled,
}

impl TuningError {
    /// Creates an error about a field of a stage.
    pub(super) fn setting(stage: &str, error: FieldError) -> Self {
        Self::Setting { stage: stage.to_owned(), error }
    }

    /// Returns true if the search was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled | Self::Job(JobError::Cancelled) => true,
            Self::Learner(error) => error.is_cancelled(),
            _ => false,
        }
    }
}
