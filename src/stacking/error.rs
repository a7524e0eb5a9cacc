//! What can go wrong between the members' predictions and the stack's.

use crate::{data::FieldError, evaluation::EvaluationError, optimize::Unsolved};

use super::FeatureScale;

/// Why stacking failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StackingError {
    /// There is no member.
    #[error("there is no member to stack")]
    NoMembers,
    /// There is no image.
    #[error("there is no image to fit a meta-model on")]
    NoImages,
    /// The members predicted different numbers of images.
    #[error("member {member} (counted from 0) predicted {found} images, expected {expected} as member 0 did")]
    MemberLength {
        /// Which member, from 0.
        member: usize,
        /// Its images.
        found: usize,
        /// Those of member 0.
        expected: usize,
    },
    /// A member's predictions are no probabilities.
    #[error("member {member} (counted from 0): {problem}")]
    MemberRows {
        /// Which member, from 0.
        member: usize,
        /// What is wrong, and in which row.
        problem: EvaluationError,
    },
    /// Labels and images do not belong together.
    #[error("found {labels} labels for {images} images, expected one for each")]
    Labels {
        /// Labels.
        labels: usize,
        /// Images.
        images: usize,
    },
    /// A label is no digit.
    #[error("label {row} (counted from 0) is {found}, expected 0 to 9")]
    Label {
        /// Where, from 0.
        row: usize,
        /// What was there.
        found: u8,
    },
    /// A setting of a meta-model cannot be.
    #[error("meta-model: {0}")]
    Setting(#[from] FieldError),
    /// A meta-model met features of another number of members.
    #[error("the meta-model was fitted on {expected} members and met {found}")]
    OtherMembers {
        /// Fitted on.
        expected: usize,
        /// Met.
        found: usize,
    },
    /// A meta-model met features on another scale.
    #[error("the meta-model was fitted on {expected} and met {found}")]
    OtherScale {
        /// Fitted on.
        expected: FeatureScale,
        /// Met.
        found: FeatureScale,
    },
    /// The optimiser did not reach the minimum.
    #[error(transparent)]
    Solver(#[from] Unsolved),
    /// The folds' predictions do not make one table.
    #[error(
        "part {part} (counted from 0) of the out-of-fold predictions has {rows} rows for {indices} images, expected one for each"
    )]
    PartLength {
        /// Which part, from 0.
        part: usize,
        /// Rows of probabilities.
        rows: usize,
        /// Images it is for.
        indices: usize,
    },
    /// A part speaks of an image that does not exist.
    #[error(
        "part {part} (counted from 0) of the out-of-fold predictions is for image {index}, expected below {images}"
    )]
    NoSuchImage {
        /// Which part, from 0.
        part: usize,
        /// The image.
        index: usize,
        /// Images there are.
        images: usize,
    },
    /// Two folds predicted one image.
    #[error(
        "image {index} was predicted by two folds (the second is part {part}, counted from 0): it would have been trained on"
    )]
    PredictedTwice {
        /// The image.
        index: usize,
        /// The second part, from 0.
        part: usize,
    },
    /// No fold predicted an image.
    #[error("image {index} was predicted by no fold ({missing} images are missing)")]
    NotPredicted {
        /// The first such image.
        index: usize,
        /// How many there are.
        missing: usize,
    },
    /// Folds and images do not belong together.
    #[error("cross-fitting: {0}")]
    Folds(String),
    /// A stack's names and members do not match, or a name is there twice.
    #[error("stack: {0}")]
    MemberNames(String),
    /// A saved stack holds something that no fit writes.
    #[error("saved stack: {0}")]
    Saved(String),
    /// Somebody asked to stop.
    #[error("stopped")]
    Cancelled,
    /// A job panicked.
    #[error("{job} panicked: {message}")]
    Panicked {
        /// The job's name.
        job: String,
        /// What it said.
        message: String,
    },
    /// The system gave no threads.
    #[error("cannot start {threads} threads: {problem}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        problem: String,
    },
}
