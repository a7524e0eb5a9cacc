//! A part of a run: a folder that appears whole, the finished work of one job.

use std::{
    fs::File,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Manifest, RelativePath, StorageError, atomic, files,
    json::{parse_json, to_json},
    listing::list,
    manifest::PART_MANIFEST,
};

/// A finished part whose files were verified.
#[derive(Clone, Debug)]
pub struct Part {
    folder: PathBuf,
    manifest: Manifest,
}

impl Part {
    /// Opens a finished part and verifies every file in it.
    pub(super) fn open(folder: &Path) -> Result<Self, StorageError> {
        let manifest = Manifest::read(&folder.join(PART_MANIFEST))?;
        manifest.verify(folder, &[PART_MANIFEST])?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// The folder that holds its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its files and their hashes.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads one of its files; the bytes that were read are checked against the part's manifest.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, StorageError> {
        self.manifest.read_file(&self.folder, file)
    }

    /// Reads one of its files as JSON, as [`Part::read`] does.
    pub fn read_json<T: DeserializeOwned>(&self, file: &str) -> Result<T, StorageError> {
        parse_json(&self.folder.join(file), &self.read(file)?)
    }
}

/// A part being written in a folder with a temporary name.
///
/// [`PartWriter::commit`] flushes the files, writes `part.json` with their hashes, and renames the folder. Dropped
/// before that, or killed, it leaves nothing that could be taken for a finished part.
#[derive(Debug)]
pub struct PartWriter<'run> {
    folder: PathBuf,
    target: PathBuf,
    /// The directory stays locked while a part is written.
    _run: PhantomData<&'run ()>,
}

impl PartWriter<'_> {
    /// Begins the part `name` of the run directory `root`.
    pub(super) fn begin(root: &Path, name: &RelativePath) -> Result<Self, StorageError> {
        let writer = Self::begin_replacement(root, name)?;
        if writer.target.symlink_metadata().is_ok() {
            return Err(StorageError::PartExists(writer.target.clone()));
        }
        Ok(writer)
    }

    /// Begins the part `name`, whether there is one or not.
    pub(super) fn begin_replacement(root: &Path, name: &RelativePath) -> Result<Self, StorageError> {
        let (parent, last) = name.split();
        let parent = match parent {
            Some(parent) => files::make_folder(root, &parent)?,
            None => root.to_owned(),
        };
        let folder = atomic::temporary_folder(&parent).map_err(StorageError::io("create a folder in", &parent))?;
        Ok(Self { folder, target: parent.join(last), _run: PhantomData })
    }

    /// The folder to write into, for code that writes files by itself. It is renamed on commit: keep no path in it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the folder once it is committed.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Writes one file of the part; `file` may lie in folders.
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<(), StorageError> {
        files::write(&self.folder, &RelativePath::parse(file)?, bytes)
    }

    /// Writes one file of the part as JSON.
    pub fn write_json(&self, file: &str, value: &impl Serialize) -> Result<(), StorageError> {
        self.write(file, &to_json(value)?)
    }

    /// Finishes the part: from here on it survives.
    pub fn commit(self) -> Result<Part, StorageError> {
        let manifest = self.seal()?;
        files::rename(&self.folder, &self.target)?;
        if let Some(parent) = self.target.parent() {
            files::sync_folder(parent)?;
        }
        Ok(Part { folder: self.target.clone(), manifest })
    }

    /// Flushes every file and writes `part.json`: the folder is complete under its temporary name.
    pub(super) fn seal(&self) -> Result<Manifest, StorageError> {
        let listing = list(&self.folder, &[])?;
        if !listing.odd.is_empty() {
            return Err(StorageError::Damaged { directory: self.folder.clone(), damage: listing.odd });
        }
        let mut folders = std::collections::BTreeSet::new();
        for path in &listing.files {
            let file = path.under(&self.folder);
            // Files may come from code that does not flush. Windows flushes only what was opened for writing.
            File::options()
                .read(true)
                .write(true)
                .open(&file)
                .and_then(|file| file.sync_all())
                .map_err(StorageError::io("flush", &file))?;
            folders.extend(path.split().0);
        }
        for folder in folders {
            files::sync_folder(&folder.under(&self.folder))?;
        }
        let manifest = Manifest::of(&self.folder, listing.files)?;
        self.write(PART_MANIFEST, &to_json(&manifest)?)?;
        Ok(manifest)
    }
}

impl Drop for PartWriter<'_> {
    /// Removes the temporary folder of a part that was not committed; after a commit there is nothing by that name.
    /// If it cannot be removed now, the next opening of the run does it.
    fn drop(&mut self) {
        let _ = files::remove(&self.folder);
    }
}
