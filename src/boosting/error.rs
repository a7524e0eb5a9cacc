//! Errors of boosters.

use std::{io, path::PathBuf};

use super::model_text::ModelTextError;
use crate::data::FieldError;

/// Error of a dataset, a fit or a model file of a booster.
#[derive(Debug, thiserror::Error)]
pub enum BoostingError {
    /// A setting is out of range.
    #[error("booster setting {0}")]
    Config(#[from] FieldError),
    /// There is no image.
    #[error("a booster's dataset needs at least one image; there is none")]
    Empty,
    /// There are more images than the library can count.
    #[error("{found} images are too many for a booster; at most {most} are allowed")]
    TooManyRows {
        /// Number of images.
        found: usize,
        /// Greatest number allowed.
        most: usize,
    },
    /// The number of labels is not that of the images.
    #[error("{images} images but {labels} labels; one label is needed for each image")]
    LabelCount {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not a digit.
    #[error("label {label} of image {index} is not one of 0 to 9")]
    Label {
        /// Index of the image, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The validation set has other bins than the training set.
    #[error("the validation set has other bins than the training set; make it with `Dataset::aligned` of that")]
    Unaligned,
    /// The dataset has another number of bins than the settings.
    #[error("the dataset was binned with max_bin {dataset}, but the settings say {config}")]
    Bins {
        /// Number of bins of the dataset.
        dataset: u32,
        /// Number of bins in the settings.
        config: u32,
    },
    /// Early stopping has no validation set.
    #[error("early_stopping_rounds is set, which needs a validation set, and none was given")]
    NoValidation,
    /// The fit was asked to stop.
    #[error("the fit was cancelled after {trees} trees of each class")]
    Cancelled {
        /// Number of boosting rounds done.
        trees: u32,
    },
    /// LightGBM returned an error.
    #[error("LightGBM: {call} failed: {message}")]
    Library {
        /// Function of its C interface.
        call: &'static str,
        /// Message of the library.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file is not a valid model.
    #[error("{}: not a usable booster: {source}", path.display())]
    ModelFile {
        /// Path of the file.
        path: PathBuf,
        /// Line and problem.
        source: ModelTextError,
    },
    /// LightGBM wrote a model that this program cannot read, which is a bug.
    #[error("the model text that LightGBM wrote cannot be read: {0}")]
    ModelText(#[from] ModelTextError),
}
