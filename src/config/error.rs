//! Errors of a configuration.

use std::path::PathBuf;

use crate::data::FieldError;

/// Error in a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// There is neither a file nor a shipped configuration of that name.
    #[error(
        "cannot read the configuration {}: there is no such file, and no {kind} of that name inside the program: {names}",
        path.display()
    )]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
        /// `run` or `search`.
        kind: &'static str,
        /// Names of the shipped configurations of that kind.
        names: String,
    },
    /// The file is not TOML.
    #[error("{file} is not valid TOML: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, column and what was expected.
        source: toml::de::Error,
    },
    /// An override is not `key=value`, or its key leads to no field.
    #[error("--set {text}: {problem}")]
    Override {
        /// The override as typed.
        text: String,
        /// Reason why it is not accepted.
        problem: String,
    },
    /// A field is missing, unknown, of the wrong type or out of range.
    #[error("{location}: {error}")]
    Field {
        /// `file:line`, or the override that set the field.
        location: String,
        /// The field and its valid values.
        error: FieldError,
    },
}
