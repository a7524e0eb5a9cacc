//! What can be wrong with predictions that are to be judged.

use crate::data::CLASSES;

/// Why predictions cannot be judged, or the test set not be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// There is no prediction.
    #[error("there is no image to score")]
    Empty,
    /// Predictions and labels do not belong together.
    #[error("found {rows} rows of probabilities for {labels} labels, expected one for each")]
    Lengths {
        /// Rows of probabilities.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// A label is no digit.
    #[error("label {row} (counted from 0) is {found}, expected 0 to {}", CLASSES - 1)]
    Label {
        /// Where, from 0.
        row: usize,
        /// What was there.
        found: u8,
    },
    /// A probability is none: NaN, infinite, negative or above 1.
    #[error("row {row} of the probabilities (counted from 0): class {class} has {found}, expected 0 to 1")]
    Probability {
        /// Where, from 0.
        row: usize,
        /// Its place in the row.
        class: usize,
        /// What was there.
        found: f32,
    },
    /// A row is no distribution.
    #[error("row {row} of the probabilities (counted from 0) sums to {sum}, expected 1")]
    Sum {
        /// Where, from 0.
        row: usize,
        /// What it sums to.
        sum: f32,
    },
    /// The test set was asked for although nothing was trained.
    #[error("the test set stays sealed: no trained model was named")]
    NothingTrained,
    /// The test set was opened before, for other models.
    #[error(
        "the test set was opened before, for other models (models {earlier}, now {now}): choosing by test scores makes them worthless; \
         start a new run"
    )]
    OpenedBefore {
        /// Identity of the models it was opened for.
        earlier: String,
        /// Identity of the models it is asked for now.
        now: String,
    },
}
