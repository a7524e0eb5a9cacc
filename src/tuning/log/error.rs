//! Errors of a study log.

use std::path::{Path, PathBuf};

/// Error of a study log. Every message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Error of the operating system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// Attempted action: `open`, `read`, `write` …
        action: &'static str,
        /// Path of the log.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
    /// Another search has the file open.
    #[error("{} is in use by another search; wait for it, stop it, or choose another --out", .0.display())]
    Locked(PathBuf),
    /// The file is too large for a log.
    #[error("{} is {bytes} bytes, expected at most {limit}; choose another --out", path.display())]
    TooLarge {
        /// Path of the log.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// Largest size that is read, in bytes.
        limit: u64,
    },
    /// A line is no operation of a study log, or fails its checksum.
    #[error(
        "{}, line {line}: {problem}; restore the file from a copy, start over with --fresh, or choose another --out",
        path.display()
    )]
    Damaged {
        /// Path of the log.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// The problem in words.
        problem: String,
    },
    /// The stage was begun with other settings.
    #[error(
        "{}: stage {stage} was begun with other settings ({}, now {expected}); start over with --fresh or choose \
         another --out",
        path.display(), found.as_deref().unwrap_or("no fingerprint")
    )]
    OtherSettings {
        /// Path of the log.
        path: PathBuf,
        /// Name of the stage.
        stage: String,
        /// Fingerprint in the file, if there is one.
        found: Option<String>,
        /// Fingerprint of the present settings.
        expected: String,
    },
    /// The name of a study or stage is not allowed.
    #[error("invalid name `{name}` of a study or stage: {problem}")]
    BadName {
        /// The name, at most 80 characters of it.
        name: String,
        /// The problem in words.
        problem: &'static str,
    },
    /// A trial cannot be represented in the format.
    #[error("{}: stage {stage}: the trial cannot be recorded: {problem}", path.display())]
    BadTrial {
        /// Path of the log.
        path: PathBuf,
        /// Name of the stage.
        stage: String,
        /// The problem in words.
        problem: String,
    },
    /// An attribute that only the log itself sets.
    #[error("the attribute `{0}` is set by the study log itself")]
    Reserved(String),
    /// While the file was open, it lost its end or a stage, or half a line remained that could not be removed.
    #[error(
        "{} was changed while it was in use: {problem}; make sure that no other program edits it, and start again",
        path.display()
    )]
    Changed {
        /// Path of the log.
        path: PathBuf,
        /// The change in words.
        problem: String,
    },
}

impl LogError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
