//! What can go wrong with a booster.

use std::{io, path::PathBuf};

use super::model_text::ModelTextError;
use crate::data::FieldError;

/// Why a dataset, a fit or a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum BoostingError {
    /// A setting is impossible.
    #[error("booster setting {0}")]
    Config(#[from] FieldError),
    /// No images.
    #[error("a booster's dataset needs at least one image; there is none")]
    Empty,
    /// More images than the library can count.
    #[error("{found} images are too many for a booster; at most {most} are allowed")]
    TooManyRows {
        /// Images given.
        found: usize,
        /// Images allowed.
        most: usize,
    },
    /// Not one label for each image.
    #[error("{images} images but {labels} labels; one label is needed for each image")]
    LabelCount {
        /// Images given.
        images: usize,
        /// Labels given.
        labels: usize,
    },
    /// A label is no digit.
    #[error("label {label} of image {index} is not one of 0 to 9")]
    Label {
        /// Position of the image.
        index: usize,
        /// What was found.
        label: u8,
    },
    /// The validation set has bins of its own.
    #[error("the validation set was binned on its own: make it with `Dataset::aligned` of the training set")]
    Unaligned,
    /// The dataset was binned for other settings.
    #[error("the dataset was binned with max_bin {dataset}, but the settings say {config}")]
    Bins {
        /// Of the dataset.
        dataset: u32,
        /// Of the settings.
        config: u32,
    },
    /// Early stopping has nothing to watch.
    #[error("early_stopping_rounds is set, which needs a validation set, and none was given")]
    NoValidation,
    /// Somebody asked the fit to stop.
    #[error("the fit was cancelled after {trees} trees of each class")]
    Cancelled {
        /// Boosting rounds done.
        trees: u32,
    },
    /// LightGBM refused.
    #[error("LightGBM: {call} failed: {message}")]
    Library {
        /// The function of its C interface.
        call: &'static str,
        /// Its message.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is no model of this program.
    #[error("{}: not a usable booster: {source}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// Line and problem.
        source: ModelTextError,
    },
    /// LightGBM wrote a model that this program cannot read: a bug.
    #[error("LightGBM's own model text was not understood: {0}")]
    ModelText(#[from] ModelTextError),
}
