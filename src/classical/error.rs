//! What can go wrong with the classical models.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{data::FieldError, optimize::Unsolved};

/// Why a fit or a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ClassicalError {
    /// A setting that cannot be.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The digits do not fit the work.
    #[error("{name}: {problem}")]
    Digits {
        /// The fit's name.
        name: String,
        /// What was found and what is needed.
        problem: String,
    },
    /// The minimum was not reached.
    #[error(transparent)]
    Solver(#[from] Unsolved),
    /// Somebody asked to stop.
    #[error("{name}: stopped; the next fit starts over")]
    Cancelled {
        /// The fit's name.
        name: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// A model could not be written for another program.
    #[error("the {name} model cannot be written: {problem}")]
    Export {
        /// What kind of model.
        name: String,
        /// What the writer says.
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
