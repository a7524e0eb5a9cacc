//! Destination of the answers to many rows or pictures, and the error that ends them early.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::failure::RunFailure;
use crate::{data::DataError, storage::OutputFile};

/// Destination of the predictions.
pub enum Destination<'a> {
    /// A file, which is there when it is complete. Until then the answers are in a file beside it, from which the same
    /// request goes on.
    File {
        /// The file.
        output: &'a OutputFile,
    },
    /// Something that is open already.
    Stream {
        /// Its name in errors.
        name: &'a str,
        /// Takes the text.
        out: Box<dyn Write + 'a>,
    },
}

impl Destination<'_> {
    /// The file, or the name of the stream.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File { output } => output.target(),
            Self::Stream { name, .. } => Path::new(name),
        }
    }
}

/// Error that ended the predictions of a file early, with what was written all the same.
#[derive(Debug, thiserror::Error)]
#[error("{reason}; {kept}", kept = kept(*written, of, output, reason))]
pub struct PredictCsvError {
    /// Cause.
    #[source]
    pub reason: StopReason,
    /// Rows or pictures that were answered and written, from the first one on. They stay.
    pub written: u64,
    /// Where they are.
    pub output: PathBuf,
    /// Unit that is counted: `row` or `picture`.
    pub of: &'static str,
}

/// Cause of such an error.
#[derive(Debug, thiserror::Error)]
pub enum StopReason {
    /// The file, the answers or the models.
    #[error(transparent)]
    Failure(#[from] Box<RunFailure>),
    /// The work was cancelled.
    #[error("stopped")]
    Cancelled,
}

fn kept(written: u64, of: &str, output: &Path, reason: &StopReason) -> String {
    let kept = match written {
        0 => return format!("no {of} was written"),
        1 => format!("the first {of} is answered in {}", output.display()),
        _ => format!("the first {written} {of}s are answered in {}", output.display()),
    };
    let is_passing = match reason {
        StopReason::Cancelled => true,
        StopReason::Failure(failure) => {
            matches!(**failure, RunFailure::Data(DataError::Write { .. }) | RunFailure::Storage(_))
        }
    };
    if is_passing && output.extension().is_some_and(|end| end == "partial") {
        return format!("{kept}, and the same command goes on from there");
    }
    kept
}
