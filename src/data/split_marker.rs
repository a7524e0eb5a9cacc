//! `split.json`: the record of the files that `digitstack data split` writes into a folder.
//!
//! The record lists name, size and SHA-256 of each file. It is written when all files are complete under temporary
//! names, before the first of them takes its final name. So a split that is interrupted between two renames is
//! recognised: a file is missing or is not the one that the record lists. Such a folder is not read, because its test
//! digits may be training digits of another split; writing the same split again completes it.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::file::FileHash;
use crate::storage::{self, Manifest, Sha256Digest, StorageError};

/// Name of the record.
pub(super) const MARKER: &str = "split.json";

/// Advice for a folder that differs from its record.
const ADVICE: &str = "`digitstack data split` was interrupted, or files were changed afterwards: run the same command \
                      again, or remove split.json if the change is yours";

/// Name, size in bytes and digest of a file.
pub(super) type FileRecord = (&'static str, u64, Sha256Digest);

/// The record of a finished or interrupted split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SplitMarker(Manifest);

impl SplitMarker {
    /// Reads the record of a folder; none if there is none, or if the file of that name is not such a record: a data
    /// set of another origin may hold one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, StorageError> {
        let path = folder.join(MARKER);
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        match Manifest::read(&path) {
            Ok(manifest) => Ok(Some(Self(manifest))),
            Err(StorageError::Json { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first file that cannot be the one that was written, in words: it is missing (also packed), or its size
    /// differs. The file `optional` may have been taken away. Opens no file, unless temporary files in the folder tell
    /// of an interrupted command: then the contents are compared too.
    pub(super) fn first_difference(&self, folder: &Path, optional: &str) -> io::Result<Option<String>> {
        let is_interrupted = !storage::leftovers(folder)?.is_empty();
        Ok(self.0.files().iter().find_map(|entry| {
            let name = entry.path.as_str();
            match folder.join(name).metadata() {
                Ok(found) if found.len() == entry.bytes && !is_interrupted => None,
                Ok(_) if self.holds(folder, name).unwrap_or(false) => None,
                Ok(found) => {
                    let bytes = found.len();
                    Some(format!(
                        "{name}, {bytes} bytes, is not the file that {MARKER} lists ({} bytes); {ADVICE}",
                        entry.bytes
                    ))
                }
                Err(_) if folder.join(format!("{name}.gz")).exists() => None,
                Err(_) if name == optional && !is_interrupted => None,
                Err(_) => Some(format!("{name} is missing, but {MARKER} lists it; {ADVICE}")),
            }
        }))
    }

    /// Compares the contents of a file that was read with the record. The problem in words if they differ.
    pub(super) fn check(&self, file: &FileHash) -> Result<(), String> {
        match self.0.get(&file.name) {
            Some(entry) if entry.sha256 != file.sha256 => {
                Err(format!("{} is not the file that {MARKER} lists (its SHA-256 differs); {ADVICE}", file.name))
            }
            _ => Ok(()),
        }
    }

    /// Tells whether a file has the contents that the record lists.
    fn holds(&self, folder: &Path, name: &str) -> io::Result<bool> {
        let Some(entry) = self.0.get(name) else { return Ok(false) };
        let (sha256, bytes) = storage::digest(&folder.join(name))?;
        Ok((sha256, bytes) == (entry.sha256, entry.bytes))
    }
}

/// The problem, in words, of a folder with files of an interrupted split and without a record.
pub(super) fn leftovers_beside(folder: &Path) -> io::Result<Option<String>> {
    let found = storage::leftovers(folder)?;
    let name = found.first().and_then(|path| path.file_name());
    Ok(name.map(|name| {
        format!(
            "holds {}, a file that `digitstack data split` or another command is writing or was interrupted in \
             writing: run the same command again, or remove the file",
            name.to_string_lossy()
        )
    }))
}

/// Bytes of the record of files with these names, sizes and digests.
pub(super) fn record(files: &[FileRecord]) -> Result<Vec<u8>, StorageError> {
    storage::to_json(&Manifest::of_entries(files)?)
}

/// The first file that no split wrote and that a new one would replace; none in a folder with a record.
///
/// # Errors
/// If the record cannot be read.
pub(super) fn foreign_file(folder: &Path, names: &[&str]) -> Result<Option<PathBuf>, StorageError> {
    if SplitMarker::read(folder)?.is_some() {
        return Ok(None);
    }
    let mut paths = names.iter().chain(&[MARKER]).map(|name| folder.join(name));
    Ok(paths.find(|path| path.symlink_metadata().is_ok()))
}

/// The first file that a new split would replace by other contents and that is not left by an interrupted split.
/// `files`: names, sizes and digests of the new ones.
///
/// # Errors
/// If the record or a file cannot be read.
pub(super) fn in_the_way(folder: &Path, files: &[FileRecord]) -> Result<Option<PathBuf>, StorageError> {
    let names: Vec<&str> = files.iter().map(|(name, ..)| *name).collect();
    if let Some(path) = foreign_file(folder, &names)? {
        return Ok(Some(path));
    }
    let new = SplitMarker(Manifest::of_entries(files)?);
    // A record that fits every file is that of a finished split.
    let interrupted = SplitMarker::read(folder)?
        .filter(|marker| names.iter().any(|name| !marker.holds(folder, name).unwrap_or(false)));
    for name in names {
        let path = folder.join(name);
        if path.symlink_metadata().is_err() {
            continue;
        }
        let holds = |marker: &SplitMarker| marker.holds(folder, name).map_err(StorageError::io("read", &path));
        if !holds(&new)? && !interrupted.as_ref().map_or(Ok(false), holds)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
