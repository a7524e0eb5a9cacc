//! Errors of the classical models.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{data::FieldError, optimize::Unsolved};

/// Error of a fit or a model file of a classical model.
#[derive(Debug, thiserror::Error)]
pub enum ClassicalError {
    /// A setting is out of range.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The training images do not suit the settings.
    #[error("{name}: {problem}")]
    Digits {
        /// Label of the fit.
        name: String,
        /// Description of the digits found and of those needed.
        problem: String,
    },
    /// The solver did not reach the minimum.
    #[error(transparent)]
    Solver(#[from] Unsolved),
    /// The fit was asked to stop.
    #[error("{name}: stopped; the next fit starts over")]
    Cancelled {
        /// Label of the fit.
        name: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file is damaged or holds something else than a model of its kind.
    #[error("{}: {problem}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// A model could not be written for another program.
    #[error("the {name} model cannot be written: {problem}")]
    Export {
        /// Kind of the model.
        name: String,
        /// Error of the writer.
        problem: String,
    },
}

impl ClassicalError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), problem: problem.into() }
    }
}
