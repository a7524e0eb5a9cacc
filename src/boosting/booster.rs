//! The trained booster: its model text and its trees.

use std::{path::Path, sync::Arc};

use super::{
    error::BoostingError,
    forest::Forest,
    model_text::{ModelText, ModelTextError},
};
use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities},
    storage,
};

/// Largest model file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 30;

/// Trained booster. Plain data without a handle of the library, so that threads share it freely; clones share all of
/// it.
#[derive(Clone, Debug)]
pub struct TrainedBooster {
    text: Arc<str>,
    forest: Arc<Forest>,
    split_counts: Arc<[u32]>,
}

impl TrainedBooster {
    pub(super) fn new(model: &ModelText) -> Self {
        Self::of(model, model.render())
    }

    fn of(model: &ModelText, text: String) -> Self {
        Self { text: text.into(), forest: model.forest().into(), split_counts: model.split_counts().into() }
    }

    /// Class probabilities, `[n, 10]`, on the caller's rayon pool. Each row is that of [`TrainedBooster::predict_one`],
    /// whatever the number of threads.
    pub fn predict_proba(&self, images: &Images) -> Probabilities {
        self.forest.probabilities(images)
    }

    /// Class probabilities of one image, on the calling thread; allocates nothing.
    pub fn predict_one(&self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        self.forest.probabilities_of(image)
    }

    /// Number of trees of each class.
    pub fn trees(&self) -> u32 {
        (self.forest.len() / CLASSES) as u32
    }

    /// Number of leaves of all trees.
    pub fn leaves(&self) -> u64 {
        self.forest.leaves()
    }

    /// Number of splits on each pixel, `[28, 28]`, row-major.
    pub fn feature_importance(&self) -> &[u32] {
        &self.split_counts
    }

    /// LightGBM's model text, which its packages for other languages load.
    pub fn model_text(&self) -> &str {
        &self.text
    }

    /// Writes the model text to a temporary file beside `path`, then renames it, so that the file is always complete.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), BoostingError> {
        write_whole(path, self.text.as_bytes())
    }

    /// Reads a model text, written here or by another LightGBM package, for ten classes and 784 pixels.
    ///
    /// # Errors
    /// If the file cannot be read or is not a complete, valid model. Damaged and malicious files are refused here; an
    /// accepted model is safe to use.
    pub fn load(path: &Path) -> Result<Self, BoostingError> {
        let bytes = read_limited(path)?;
        Self::from_text(bytes).map_err(|source| BoostingError::ModelFile { path: path.to_owned(), source })
    }

    /// Reads a model text from memory; see [`TrainedBooster::load`].
    ///
    /// # Errors
    /// Names the first line that is wrong.
    pub fn from_text(text: impl Into<Vec<u8>>) -> Result<Self, ModelTextError> {
        let bytes = text.into();
        let model = ModelText::parse(&bytes)?;
        let text = String::from_utf8(bytes).map_err(|error| ModelTextError { line: 1, problem: error.to_string() })?;
        Ok(Self::of(&model, text))
    }
}

/// Replaces the file atomically.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BoostingError> {
    storage::write_whole(path, bytes).map_err(|source| BoostingError::Io { path: path.to_owned(), source })
}

/// Reads a file of at most [`MOST_BYTES`].
pub(super) fn read_limited(path: &Path) -> Result<Vec<u8>, BoostingError> {
    storage::read_limited(path, MOST_BYTES).map_err(|source| BoostingError::Io { path: path.to_owned(), source })
}
