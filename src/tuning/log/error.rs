//! What can be wrong with a study log.

use std::path::{Path, PathBuf};

/// Why a study log could not be used. Every message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `write` …
        action: &'static str,
        /// The log.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another search writes to the file.
    #[error("{} is being written by another process; wait for it, stop it, or choose another --out", .0.display())]
    Locked(PathBuf),
    /// The file is larger than any log.
    #[error("{} is {bytes} bytes, expected at most {limit}; choose another --out", path.display())]
    TooLarge {
        /// The log.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// A line is no operation of a study log.
    #[error("{}, line {line}: {problem}; put back a copy of the file, start over with --fresh, or choose another --out", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was found and expected.
        problem: String,
    },
    /// The stage was begun with other settings.
    #[error(
        "{}: stage {stage} was begun with other settings ({}, now {expected}); start over with --fresh or choose another --out",
        path.display(), found.as_deref().unwrap_or("no fingerprint")
    )]
    OtherSettings {
        /// The log.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// The fingerprint in the file, if there is one.
        found: Option<String>,
        /// The fingerprint of the settings now.
        expected: String,
    },
    /// The name of a study or stage cannot be kept apart from others.
    #[error("`{name}` is no name of a study or stage: {problem}")]
    BadName {
        /// As it was given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A trial cannot be written so that it is read back as it is.
    #[error("{}: stage {stage}: the trial cannot be recorded: {problem}", path.display())]
    BadTrial {
        /// The log.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// What was found and expected.
        problem: String,
    },
    /// An attribute of the log's own was asked to be set.
    #[error("the attribute `{0}` is set by the study log itself")]
    Reserved(String),
    /// The file, while it was open, lost its end or a stage, or got half a line that could not be taken back.
    #[error("{} is not as it was left: {problem}; make sure that nothing else changes it and start again", path.display())]
    Changed {
        /// The log.
        path: PathBuf,
        /// What changed.
        problem: String,
    },
}

impl LogError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
