//! What can go wrong between a file and [`Digits`](super::Digits).

use std::{io, path::PathBuf};

use super::FieldError;

/// Why digits could not be read, fetched, written or divided.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused, or a compressed file is damaged.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// The operating system refused.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file's bytes are not what its format asks for.
    #[error("{path}: {problem}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// A row of a CSV file is not a digit.
    #[error("{path}, line {line}{at}: {problem}", path = path.display(), at = column.map_or(String::new(), |column| format!(", column {column}")))]
    Row {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// Counted from 1; none where the whole row is meant.
        column: Option<usize>,
        /// What was found and what was expected.
        problem: String,
    },
    /// A folder does not hold what it should.
    #[error("{path}: {problem}", path = path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// No mirror gave a file that could be verified.
    #[error(
        "could not download {file}:\n{tries}\nWithout a network, put {wanted} (plain, or gzipped with .gz added) into {folder}, or into a folder of your own and name it by --data or by the environment variable DIGITSTACK_DATA",
        tries = attempts.iter().map(|attempt| format!("  {attempt}")).collect::<Vec<_>>().join("\n"),
        wanted = wanted.join(", "),
        folder = folder.display()
    )]
    Download {
        /// The file's name.
        file: String,
        /// What happened at each mirror, in the order tried.
        attempts: Vec<String>,
        /// Every file that has to be there.
        wanted: Vec<String>,
        /// Where they are looked for.
        folder: PathBuf,
    },
    /// The system names no folder for caches.
    #[error(
        "this system names no cache folder; name a folder that holds the MNIST files by --data or by the environment variable DIGITSTACK_DATA"
    )]
    NoCacheFolder,
    /// A setting is impossible.
    #[error("setting {0}")]
    Setting(#[from] FieldError),
    /// The digits cannot be divided as asked.
    #[error("{0}")]
    Division(String),
    /// Somebody asked to stop.
    #[error("stopped; nothing was written")]
    Cancelled,
}

/// What this room's functions return.
pub type Result<T> = std::result::Result<T, DataError>;

/// An error while reading `path`.
pub(super) fn reading(path: &std::path::Path) -> impl FnOnce(io::Error) -> DataError {
    move |source| DataError::Read { path: path.to_owned(), source }
}

/// An error while writing `path`.
pub(super) fn writing(path: &std::path::Path) -> impl FnOnce(io::Error) -> DataError {
    move |source| DataError::Write { path: path.to_owned(), source }
}
