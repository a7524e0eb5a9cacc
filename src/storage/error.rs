//! What can be wrong with a run directory.

use std::{fmt, path::PathBuf};

use super::Sha256Digest;

/// Why a run directory could not be used. Every message names the file or folder and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `write`, `read`, `lock` …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
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
    #[error("{}: the first line is {found:?}, expected {expected:?}; was it written by a newer version?", path.display())]
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
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// There is no finished run.
    #[error("{} holds no finished run: manifest.json is missing; was the run interrupted?", .0.display())]
    NotComplete(PathBuf),
    /// A path inside a run directory that leads elsewhere or that some systems cannot hold.
    #[error("`{path}` is no path inside a run directory: {problem}")]
    BadPath {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file of the directory's own bookkeeping was asked to be written.
    #[error("`{0}` is written by the run directory itself")]
    Reserved(String),
    /// An earlier process began this directory with something else.
    #[error(
        "{} differs from what this run was begun with; go on with the same settings, start over with --fresh, or choose another directory",
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
        /// What is left.
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
    /// A JSON file does not hold what it should.
    #[error("{}: at `{field}`: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Dotted path of the field.
        field: String,
        /// What was found and expected.
        problem: String,
    },
    /// A bookkeeping file is larger than any this program writes.
    #[error("{} is {bytes} bytes, expected at most {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// A value could not be written as JSON.
    #[error("cannot write JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

impl StorageError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// True if files are not as they were written, rather than out of reach.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Json { .. } | Self::TooLarge { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// One thing in a folder that is not as its manifest says.
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

/// The first few, and how many more.
fn list(damage: &[Damage]) -> String {
    const SHOWN: usize = 8;
    let mut text = damage.iter().take(SHOWN).map(Damage::to_string).collect::<Vec<_>>().join("; ");
    if damage.len() > SHOWN {
        text.push_str(&format!("; and {} more", damage.len() - SHOWN));
    }
    text
}
