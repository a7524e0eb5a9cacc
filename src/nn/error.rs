//! What can go wrong between a network's settings and its predictions.

use std::path::{Path, PathBuf};

use crate::data::FieldError;

/// Why a net could not be built, trained, saved, loaded or asked.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// A setting that cannot be.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The device cannot be had.
    #[error("device {choice}: {problem}")]
    Device {
        /// What was asked for.
        choice: String,
        /// Why not, and what to do.
        problem: String,
    },
    /// The digits do not fit the work.
    #[error("{name}: {problem}")]
    Digits {
        /// The fit's name.
        name: String,
        /// What was found and what is needed.
        problem: String,
    },
    /// The loss left the numbers.
    #[error("{name}: training diverged in epoch {epoch} (the loss is {loss}); a lower learning rate usually helps")]
    Diverged {
        /// The fit's name.
        name: String,
        /// Counted from 1.
        epoch: u32,
        /// NaN or infinite.
        loss: f64,
    },
    /// Somebody asked to stop. The checkpoint of the last finished epoch, if one was asked for, is on disk.
    #[error("{name}: stopped after {epochs} finished epochs")]
    Cancelled {
        /// The fit's name.
        name: String,
        /// Epochs that a resumed fit will not repeat (if a checkpoint was asked for).
        epochs: u32,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// The device failed while computing (out of memory, lost).
    #[error("the device failed: {0}")]
    Execution(String),
}

impl NnError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    pub(super) fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_path_buf(), problem: problem.into() }
    }
}
