//! The digits that a run or a search reads.

use std::path::Path;

use crate::{
    artifact::{
        RunFailure,
        layout::{DUPLICATES, SKIPPED},
    },
    data::{self, DataConfig, Digits, Source},
    preprocessing,
    progress::Progress,
    storage::{RunDirectory, RunState},
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

    /// Writes the list of files that gave no digit so far into a directory, if there are any, and says where it is.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn record_skipped(&self, directory: &RunDirectory, progress: &dyn Progress) -> Result<(), RunFailure> {
        let skipped = self.source.skipped();
        if skipped.is_empty() {
            return Ok(());
        }
        let path = directory.path().join(SKIPPED);
        if !path.exists() {
            progress.message(&format!("every file that was passed over, and why: {}", path.display()));
        }
        Ok(directory.write_atomic(SKIPPED, data::skipped_csv(&skipped).as_bytes())?)
    }

    /// Warns of test images that are training images too, and writes a list of them into a directory that is not
    /// complete yet.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn record_shared(
        &self,
        test: &Digits,
        directory: &RunDirectory,
        progress: &dyn Progress,
    ) -> Result<(), RunFailure> {
        let shared = data::shared_images(&self.train, test);
        if let Some(text) = data::describe_shared(&shared, &self.train, test) {
            progress.message(&text);
            if directory.state() != RunState::Complete {
                directory.write_atomic(DUPLICATES, data::shared_csv(&shared, &self.train, test).as_bytes())?;
            }
        }
        Ok(())
    }
}
