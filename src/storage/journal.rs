//! Journal of the paths that this program creates in a run directory, so that starting over removes these and nothing
//! else.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use super::{
    RelativePath, StorageError, files,
    read::{open_regular, read_limited},
};

/// The journal's file; its presence makes a folder a run directory.
pub(super) const JOURNAL: &str = "journal.txt";
/// Its first line.
const HEADER: &str = "digitstack run directory 1";
/// Largest journal that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Paths of files and folders, each noted and flushed before it is created.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    noted: BTreeSet<RelativePath>,
}

impl Journal {
    /// Opens the journal of a directory, or begins it.
    pub(super) fn open(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(JOURNAL);
        if !path.exists() {
            Self::begin(directory)?;
        }
        let bytes = read_limited(&path, MAX_BYTES).map_err(StorageError::io("read", &path))?;
        let text = String::from_utf8_lossy(&bytes);
        // A process that died while it noted a path leaves a last line without an end: that path was not created yet.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let first = lines.next().unwrap_or_default();
        if first != HEADER {
            return Err(StorageError::Format { path, found: first.chars().take(60).collect(), expected: HEADER });
        }
        let noted = lines.map(RelativePath::parse).collect::<Result<_, _>>()?;
        let file = OpenOptions::new().append(true).open(&path).map_err(StorageError::io("open", &path))?;
        if whole < text.len() {
            file.set_len(whole as u64).map_err(StorageError::io("shorten", &path))?;
        }
        Ok(Self { path, file, noted })
    }

    fn begin(directory: &Path) -> Result<(), StorageError> {
        files::write(directory, &RelativePath::parse(JOURNAL)?, format!("{HEADER}\n").as_bytes())
    }

    /// Notes a path that is about to be created.
    pub(super) fn note(&mut self, path: &RelativePath) -> Result<(), StorageError> {
        if self.noted.contains(path) {
            return Ok(());
        }
        writeln!(self.file, "{path}")
            .and_then(|()| self.file.sync_data())
            .map_err(StorageError::io("write", &self.path))?;
        self.noted.insert(path.clone());
        Ok(())
    }

    /// Tells whether nothing was ever put into the directory.
    pub(super) fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Removes everything that was noted, then the folders that this leaves empty, and begins again.
    pub(super) fn remove_all(self, directory: &Path) -> Result<Self, StorageError> {
        let mut folders = BTreeSet::new();
        for path in &self.noted {
            if !is_behind_a_link(directory, path) {
                files::remove(&path.under(directory))?;
            }
            let mut parent = path.split().0;
            while let Some(folder) = parent {
                parent = folder.split().0;
                folders.insert(folder);
            }
        }
        for folder in folders.iter().rev() {
            // Fails where somebody put a file of his own: it stays.
            let _ = std::fs::remove_dir(folder.under(directory));
        }
        files::sync_folder(directory)?;
        Self::begin(directory)?;
        Self::open(directory)
    }
}

/// Tells whether a folder holds a journal that begins as this program's do.
pub(super) fn has_journal(folder: &Path) -> bool {
    let mut begins = vec![0; HEADER.len()];
    open_regular(&folder.join(JOURNAL))
        .and_then(|mut file| file.read_exact(&mut begins))
        .is_ok_and(|()| begins == HEADER.as_bytes())
}

/// Tells whether a folder on the way to `path` is a link: files behind it are not ours.
fn is_behind_a_link(directory: &Path, path: &RelativePath) -> bool {
    let mut parent = path.split().0;
    while let Some(folder) = parent {
        if folder.under(directory).is_symlink() {
            return true;
        }
        parent = folder.split().0;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let path = |text| RelativePath::parse(text).unwrap();
        Journal::open(root.path()).unwrap().note(&path("a/b")).unwrap();
        let file = root.path().join(JOURNAL);
        let torn = std::fs::read_to_string(&file).unwrap() + "c/half";
        std::fs::write(&file, torn).unwrap();
        let mut journal = Journal::open(root.path()).unwrap();
        assert_eq!(journal.noted, BTreeSet::from([path("a/b")]));
        journal.note(&path("d")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{HEADER}\na/b\nd\n"));
    }

    #[test]
    fn a_journal_of_another_kind_or_with_a_path_out_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(JOURNAL);
        std::fs::write(&file, "shopping list\n").unwrap();
        assert!(matches!(Journal::open(root.path()), Err(StorageError::Format { .. })));
        std::fs::write(&file, format!("{HEADER}\n../precious\n")).unwrap();
        assert!(matches!(Journal::open(root.path()), Err(StorageError::BadPath { .. })));
    }
}
