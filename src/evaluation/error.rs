//! Errors of the evaluation.

use crate::data::CLASSES;

/// Reason why predictions cannot be scored or the test set cannot be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// There are no predictions.
    #[error("there are no images to score")]
    Empty,
    /// The numbers of predictions and labels differ.
    #[error("found {rows} rows of probabilities for {labels} labels, expected one row for each label")]
    Lengths {
        /// Number of rows.
        rows: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not a digit.
    #[error("label {row} (counted from 0) is {found}, expected 0 to {}", CLASSES - 1)]
    Label {
        /// Index of the row, from 0.
        row: usize,
        /// Value that was found.
        found: u8,
    },
    /// A probability is NaN, infinite, negative or above 1.
    #[error("row {row} of the probabilities (counted from 0): class {class} has {found}, expected 0 to 1")]
    Probability {
        /// Index of the row, from 0.
        row: usize,
        /// Class, 0 to 9.
        class: usize,
        /// Value that was found.
        found: f32,
    },
    /// The probabilities of a row do not sum to 1.
    #[error("row {row} of the probabilities (counted from 0) sums to {sum}, expected 1")]
    Sum {
        /// Index of the row, from 0.
        row: usize,
        /// Sum that was found.
        sum: f32,
    },
    /// No trained model was named to open the test set.
    #[error("cannot open the test set: no trained model was named")]
    NothingTrained,
    /// The test set was opened before, for other models.
    #[error(
        "the test set was already opened for other models (SHA-256 {earlier}, now {now}); models chosen by test \
         scores would make the scores worthless: start a new run"
    )]
    OpenedBefore {
        /// Digest of the models that it was opened for.
        earlier: String,
        /// Digest of the present models.
        now: String,
    },
}
