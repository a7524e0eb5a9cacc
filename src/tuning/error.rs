//! Why a search failed.

use crate::{
    data::{DataError, FieldError},
    learners::LearnerError,
    stacking::StackingError,
};

use super::log::LogError;

/// Why a search failed. What was recorded before stays in its log.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// In the division of the images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// In a learner, outside of any trial.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// In the workers, the out-of-fold predictions or a meta-model.
    #[error(transparent)]
    Stacking(#[from] StackingError),
    /// In the study log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A setting that was not checked before.
    #[error("stage `{stage}`: {error}")]
    Setting {
        /// The stage.
        stage: String,
        /// Which field and what is allowed.
        error: FieldError,
    },
    /// Every trial of a stage failed: there is nothing to choose.
    #[error("stage `{stage}`: none of its {trials} trials succeeded; the first failed because {problem}")]
    NothingToPick {
        /// The stage.
        stage: String,
        /// How many were tried.
        trials: usize,
        /// What happened to the first.
        problem: String,
    },
    /// A model that is needed for the ensemble stage cannot be fitted.
    #[error("stage `{stage}`: `{member}` cannot be fitted: {problem}")]
    Member {
        /// The stage.
        stage: String,
        /// The member.
        member: String,
        /// What happened.
        problem: String,
    },
    /// Somebody asked to stop.
    #[error("stopped; the same command goes on after the last finished trial")]
    Cancelled,
}

impl TuningError {
    /// A field of a stage.
    pub(super) fn setting(stage: &str, error: FieldError) -> Self {
        Self::Setting { stage: stage.to_owned(), error }
    }

    /// True if somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled | Self::Stacking(StackingError::Cancelled) => true,
            Self::Learner(error) => error.is_cancelled(),
            _ => false,
        }
    }
}
