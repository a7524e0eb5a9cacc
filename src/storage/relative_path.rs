//! Paths that cannot leave the run directory.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StorageError;

/// Begins the names of files and folders that are still being written.
pub(super) const TEMPORARY: &str = ".partial-";

/// A path inside a run directory, with `/` between its components on every system.
///
/// Manifests come from disks that others can write to, so the type refuses what would lead elsewhere (`..`, absolute
/// paths, drive letters) and what only some systems can hold (control characters, `\ : * ? " < > |`, a trailing dot or
/// space). A link on the way is refused when the path is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

impl RelativePath {
    /// Longest path in bytes.
    const MAX_BYTES: usize = 512;

    /// Checks a path.
    pub fn parse(text: &str) -> Result<Self, StorageError> {
        let refuse = |problem| Err(StorageError::BadPath { path: text.chars().take(80).collect(), problem });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > Self::MAX_BYTES {
            return refuse("it is longer than 512 bytes");
        }
        if text.starts_with('/') {
            return refuse("it is absolute");
        }
        for component in text.split('/') {
            match component {
                "" => return refuse("it has an empty component"),
                "." | ".." => return refuse("`.` and `..` are not allowed"),
                name if name.starts_with(TEMPORARY) => return refuse("names beginning with `.partial-` are reserved"),
                name if name.ends_with(['.', ' ']) => return refuse("a component ends with a dot or a space"),
                name if name.contains(|c: char| c.is_control() || r#"\:*?"<>|"#.contains(c)) => {
                    return refuse(r#"control characters and \ : * ? " < > | are not allowed"#);
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// With `/` between the components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of this file under `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        self.components().fold(root.to_owned(), |path, component| path.join(component))
    }

    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders on the way, and the last component.
    pub(super) fn split(&self) -> (Option<Self>, &str) {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => (Some(Self(folder.to_owned())), name),
            None => (None, &self.0),
        }
    }
}

impl TryFrom<String> for RelativePath {
    type Error = StorageError;

    fn try_from(text: String) -> Result<Self, StorageError> {
        Self::parse(&text)
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl std::fmt::Display for RelativePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_taken_as_they_are() {
        for path in
            ["metrics.json", "models/cnn/fold-1/model.safetensors", "report/leaderboard.svg", "a b/ü.txt", ".hidden"]
        {
            assert_eq!(RelativePath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let long = "x/".repeat(300) + "x";
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            "C:\\x",
            "C:/x",
            "\\\\host\\share",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "a.",
            "a /b",
            ".partial-x",
            "a/.partial-x/b",
            &long,
        ] {
            assert!(matches!(RelativePath::parse(path), Err(StorageError::BadPath { .. })), "{path:?}");
        }
    }
}
