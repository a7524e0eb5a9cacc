//! Errors of stacking.

use crate::{data::FieldError, evaluation::EvaluationError, optimize::Unsolved};

use super::scale::FeatureScale;

/// Error of stacking.
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
        /// Index of the member, from 0.
        member: usize,
        /// Number of images that it predicted.
        found: usize,
        /// Number of images that member 0 predicted.
        expected: usize,
    },
    /// A member's predictions are not probability distributions.
    #[error("member {member} (counted from 0): {problem}")]
    MemberRows {
        /// Index of the member, from 0.
        member: usize,
        /// What is wrong, and in which row.
        problem: EvaluationError,
    },
    /// The number of labels is not that of the images.
    #[error("found {labels} labels for {images} images, expected one for each")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of images.
        images: usize,
    },
    /// A label is not a digit.
    #[error("label {row} (counted from 0) is {found}, expected 0 to 9")]
    Label {
        /// Index of the label, from 0.
        row: usize,
        /// The label.
        found: u8,
    },
    /// A setting of a meta-model is out of range.
    #[error("meta-model: {0}")]
    Setting(#[from] FieldError),
    /// The features are of another number of members than the meta-model was fitted on.
    #[error("the meta-model was fitted on {expected} members, but the features are of {found}")]
    OtherMembers {
        /// Number of members in the fit.
        expected: usize,
        /// Number of members of the features.
        found: usize,
    },
    /// The features are on another scale than the meta-model was fitted on.
    #[error("the meta-model was fitted on {expected}, but the features are {found}")]
    OtherScale {
        /// Scale in the fit.
        expected: FeatureScale,
        /// Scale of the features.
        found: FeatureScale,
    },
    /// The solver did not reach the minimum.
    #[error(transparent)]
    Solver(#[from] Unsolved),
    /// A part of the out-of-fold predictions has not one row for each of its images.
    #[error(
        "part {part} (counted from 0) of the out-of-fold predictions has {rows} rows for {indices} images, expected \
         one for each"
    )]
    PartLength {
        /// Index of the part, from 0.
        part: usize,
        /// Number of rows.
        rows: usize,
        /// Number of images.
        indices: usize,
    },
    /// A part has an image index past the end.
    #[error(
        "part {part} (counted from 0) of the out-of-fold predictions is for image {index}, expected below {images}"
    )]
    NoSuchImage {
        /// Index of the part, from 0.
        part: usize,
        /// Index of the image.
        index: usize,
        /// Number of images.
        images: usize,
    },
    /// Two folds predicted one image.
    #[error(
        "image {index} was predicted by two folds (the second is part {part}, counted from 0), one of which was \
         trained on it"
    )]
    PredictedTwice {
        /// Index of the image.
        index: usize,
        /// Index of the second part, from 0.
        part: usize,
    },
    /// No fold predicted an image.
    #[error("image {index} was predicted by no fold ({missing} images are missing)")]
    NotPredicted {
        /// Index of the first such image.
        index: usize,
        /// Number of such images.
        missing: usize,
    },
    /// The folds do not suit cross-fitting.
    #[error("cross-fitting: {0}")]
    Folds(String),
    /// The names of a stack do not match its members, or a name occurs twice.
    #[error("stack: {0}")]
    MemberNames(String),
    /// A saved stack holds values that no fit gives.
    #[error("saved stack: {0}")]
    Saved(String),
}
