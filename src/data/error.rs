//! Errors of reading, fetching, writing and dividing digits.

use std::{io, path::PathBuf};

use super::FieldError;
use crate::storage::StorageError;

/// Error of reading, fetching, writing or dividing digits.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder cannot be read, or a compressed file is damaged.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The contents of a file do not follow its format.
    #[error("{path}: {problem}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Found and expected contents.
        problem: String,
    },
    /// A row of a CSV file is malformed.
    #[error(
        "{path}, line {line}{at}: {problem}",
        path = path.display(),
        at = column.map_or(String::new(), |column| format!(", column {column}"))
    )]
    Row {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Column, counted from 1; none if the whole row is meant.
        column: Option<usize>,
        /// Found and expected contents.
        problem: String,
    },
    /// A folder does not have the expected layout.
    #[error("{path}: {problem}", path = path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// Found and expected contents.
        problem: String,
    },
    /// No mirror delivered a file with the expected digest.
    #[error(
        "could not download {file}:\n{tries}\nWithout a network, put {wanted} (plain, or gzipped with .gz \
         added) into {folder}, or into a folder of your own and name it with --data or the environment variable \
         DIGITSTACK_DATA",
        tries = attempts.iter().map(|attempt| format!("  {attempt}")).collect::<Vec<_>>().join("\n"),
        wanted = wanted.join(", "),
        folder = folder.display()
    )]
    Download {
        /// The file's name.
        file: String,
        /// Error at each mirror, in the order tried.
        attempts: Vec<String>,
        /// Names of all files that are needed.
        wanted: Vec<String>,
        /// Folder that they are searched in.
        folder: PathBuf,
    },
    /// The system has no folder for caches.
    #[error(
        "this system has no cache folder; name a folder with the MNIST files with --data or the environment variable \
         DIGITSTACK_DATA"
    )]
    NoCacheFolder,
    /// A file or folder cannot be written to, or a record cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A setting has an invalid value.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The digits cannot be divided as asked.
    #[error("{0}")]
    Division(String),
    /// The work was cancelled.
    #[error("cancelled; nothing was written")]
    Cancelled,
}

impl DataError {
    /// Tells whether a setting or an output path is wrong, rather than the data.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Setting(_) => true,
            Self::Storage(error) => error.is_usage(),
            _ => false,
        }
    }
}

/// Result of this module's functions.
pub type Result<T> = std::result::Result<T, DataError>;

/// An error while reading `path`.
pub(super) fn reading(path: &std::path::Path) -> impl FnOnce(io::Error) -> DataError {
    move |source| DataError::Read { path: path.to_owned(), source }
}

/// An error while writing `path`.
pub(super) fn writing(path: &std::path::Path) -> impl FnOnce(io::Error) -> DataError {
    move |source| DataError::Write { path: path.to_owned(), source }
}
