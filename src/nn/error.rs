//! Errors of the nets.

use std::path::{Path, PathBuf};

use crate::data::FieldError;

/// Reason why a net could not be built, trained, saved, loaded or evaluated.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// A setting is invalid.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The digits do not fit the task.
    #[error("{name}: {problem}")]
    Digits {
        /// Name of the fit.
        name: String,
        /// Description of the fault in the digits.
        problem: String,
    },
    /// The loss or a weight became NaN or infinite.
    #[error("{name}: {problem} in epoch {epoch}; try a lower learning rate")]
    Diverged {
        /// Name of the fit.
        name: String,
        /// Epoch, counted from 1.
        epoch: u32,
        /// Description of the loss or weight that became NaN or infinite.
        problem: String,
    },
    /// The fit was cancelled. The checkpoint of the last finished epoch, if there is one, is on disk.
    #[error("{name}: stopped after {epochs} finished epochs")]
    Cancelled {
        /// Name of the fit.
        name: String,
        /// Epochs that a resumed fit does not repeat (if it has a checkpoint).
        epochs: u32,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A file has the wrong content.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// The device failed while computing (out of memory, lost).
    #[error("the device failed: {0}")]
    Execution(String),
}

impl NnError {
    pub(in crate::nn) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    pub(in crate::nn) fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_path_buf(), problem: problem.into() }
    }
}
