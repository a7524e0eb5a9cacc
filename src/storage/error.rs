//! Errors of run directories and of files.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{Sha256Digest, read::is_wrong_file};

/// Error of a run directory or of a file. Every message names the file or folder and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system reports an error.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// Action that failed: `write`, `read`, `lock` …
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Another process works in the directory.
    #[error("{} is in use by {}; wait for it, stop it, or choose another directory", directory.display(), holder(*pid))]
    Locked {
        /// The run directory.
        directory: PathBuf,
        /// The other process, if it could be read.
        pid: Option<u32>,
    },
    /// The directory holds files but none that says it is a run directory.
    #[error("{} holds files but is no run directory of this program; choose an empty or new directory", .0.display())]
    NotARunDirectory(PathBuf),
    /// The directory was written by another version of the layout.
    #[error(
        "{}: the first line is {found:?}, expected {expected:?}; was it written by a newer version?",
        path.display()
    )]
    Format {
        /// The file that says it.
        path: PathBuf,
        /// Its first line, shortened.
        found: String,
        /// The first line this version writes.
        expected: &'static str,
    },
    /// A run that is complete is not written to.
    #[error("{} is complete; start over with --fresh or choose another directory", .0.display())]
    Complete(PathBuf),
    /// A file is there that is not to be replaced.
    #[error("{} exists already; replace it with --force, or name another one", .0.display())]
    Exists(PathBuf),
    /// The directory holds no finished run.
    #[error("{}", no_finished_run(.0))]
    NotComplete(PathBuf),
    /// A path inside a run directory that leads elsewhere or that some systems cannot hold.
    #[error("`{path}` is not a valid path inside a run directory: {problem}")]
    BadPath {
        /// The path as it was given.
        path: String,
        /// Problem with it.
        problem: &'static str,
    },
    /// A name that only the run directory itself writes, or that does not belong to the kind of part asked for.
    #[error("`{0}` is reserved: the run directory writes it itself")]
    Reserved(String),
    /// An earlier process began this directory with something else.
    #[error(
        "{} differs from what this run was begun with; go on with the same settings, start over with --fresh, or \
         choose another directory",
        path.display()
    )]
    Claimed {
        /// The file that was claimed.
        path: PathBuf,
    },
    /// A part that is complete was begun a second time.
    #[error("part {} is complete already", .0.display())]
    PartExists(PathBuf),
    /// Writers of parts are still open.
    #[error("{} cannot be completed: {unfinished} is still being written", directory.display())]
    Unfinished {
        /// The run directory.
        directory: PathBuf,
        /// File or folder that is still being written.
        unfinished: String,
    },
    /// Files are not as the manifest says.
    #[error("{} is damaged: {}", directory.display(), list(damage))]
    Damaged {
        /// The folder that was verified.
        directory: PathBuf,
        /// Everything that is wrong.
        damage: Vec<Damage>,
    },
    /// A JSON file has other contents than expected.
    #[error("{}: at `{field}`: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Dotted path of the field.
        field: String,
        /// Found and expected contents.
        problem: String,
    },
    /// A derived part, such as the report, is not as it was written.
    #[error("{} is damaged ({problem}); the rest of the run is as it was written: draw the report again with \
             `digitstack report`", folder.display())]
    DerivedDamaged {
        /// The part's folder.
        folder: PathBuf,
        /// The damage.
        problem: String,
    },
    /// A file outside run directories cannot be written where it was asked for.
    #[error("cannot write to {}: {problem}", path.display())]
    Output {
        /// The path as it was given.
        path: PathBuf,
        /// Problem, and what to do.
        problem: String,
    },
    /// A value could not be written as JSON.
    #[error("cannot write JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

impl StorageError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Tells whether the user named a file or folder that cannot be written to.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Exists(_) | Self::Output { .. })
    }

    /// Tells whether files are not as they were written, rather than out of reach.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Json { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound || is_wrong_file(source),
            _ => false,
        }
    }
}

/// One difference between a folder and its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The manifest lists it, the folder lacks it.
    Missing {
        /// Relative to the folder.
        path: String,
    },
    /// The folder holds it, the manifest does not list it.
    Extra {
        /// Relative to the folder.
        path: String,
    },
    /// Its size or its bytes changed.
    Changed {
        /// Relative to the folder.
        path: String,
        /// SHA-256 that the manifest lists.
        expected: Sha256Digest,
        /// SHA-256 of the file.
        found: Sha256Digest,
    },
    /// A link, a device, or a name that is not UTF-8: nothing this program writes.
    NotAFile {
        /// Relative to the folder.
        path: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{path} is missing"),
            Self::Extra { path } => write!(f, "{path} is not in the manifest"),
            Self::Changed { path, expected, found } => {
                write!(f, "{path} changed (SHA-256 {found}, expected {expected})")
            }
            Self::NotAFile { path } => write!(f, "{path} is a link or no ordinary file"),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// The first few in words, and how many more.
pub(super) fn list(damage: &[Damage]) -> String {
    const SHOWN: usize = 8;
    let mut text = damage.iter().take(SHOWN).map(Damage::to_string).collect::<Vec<_>>().join("; ");
    if damage.len() > SHOWN {
        text.push_str(&format!("; and {} more", damage.len() - SHOWN));
    }
    text
}

/// Why a directory is no finished run.
fn no_finished_run(path: &Path) -> String {
    let named = path.display();
    if path.exists() {
        format!("{named} holds no finished run: manifest.json is missing; was the run interrupted?")
    } else {
        format!("{named}: there is no such directory")
    }
}
