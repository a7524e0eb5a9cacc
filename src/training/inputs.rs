//! The digits that a run or a search reads.

use std::path::Path;

use crate::{
    artifact::RunFailure,
    data::{DataConfig, Digits, Source},
    preprocessing,
    progress::Progress,
};

/// A data set and its training digits. The test digits are not read yet.
pub struct Inputs {
    /// The data set.
    pub source: Source,
    /// Training digits, before preprocessing.
    pub train: Digits,
}

impl Inputs {
    /// Reads the training digits of a data set, or of the one in `folder`.
    ///
    /// # Errors
    /// If they cannot be read, or there are none.
    pub fn read(config: &DataConfig, folder: Option<&Path>, progress: &dyn Progress) -> Result<Self, RunFailure> {
        let source = preprocessing::open_data(config, folder)?;
        progress.message(&format!("data: {}", source.describe()));
        let train = source.train(progress)?;
        if train.is_empty() {
            return Err(RunFailure::NoTrainingDigits);
        }
        Ok(Self { source, train })
    }
}
