//! Derived parts: folders that are made from the rest of a run and can be made again, such as its report.
//!
//! A run's manifest does not list them, so drawing a report again neither removes nor changes the manifest: whatever
//! happens on the way (`kill -9`, a full disk, a file that cannot be read), the run stays complete and verifiable, the
//! old report or none is there, and the report can be drawn again. A derived part has a manifest of its own
//! (`part.json`) and is replaced as a whole: the new folder is written and flushed under a temporary name, then swapped
//! with the old one. On Linux the swap is one step (`renameat2` with `RENAME_EXCHANGE`); where the system or the file
//! system lacks that, the old folder is renamed away before the new one is renamed in, and between the two there is
//! none for a moment.

use std::{io::ErrorKind, path::Path};

use serde::Serialize;

use super::{Part, PartWriter, RelativePath, StorageError, atomic, error::list, files};

/// The folder of the report.
pub const REPORT: &str = "report";
/// Every folder of a run directory that is a derived part.
pub(super) const DERIVED: [&str; 1] = [REPORT];

/// A derived part being written in a folder with a temporary name; see [`super::RunDirectory::begin_derived`].
///
/// [`DerivedWriter::commit`] puts it in the place of the old one. Dropped before that, or killed, it leaves the old
/// one.
#[derive(Debug)]
pub struct DerivedWriter<'run>(PartWriter<'run>);

impl DerivedWriter<'_> {
    pub(super) fn begin(root: &Path, name: &RelativePath) -> Result<Self, StorageError> {
        PartWriter::begin_replacement(root, name).map(Self)
    }

    /// Writes one file of the part; `file` may lie in folders.
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.write(file, bytes)
    }

    /// Writes one file of the part as JSON.
    pub fn write_json(&self, file: &str, value: &impl Serialize) -> Result<(), StorageError> {
        self.0.write_json(file, value)
    }

    /// Finishes the part and replaces the old one.
    pub fn commit(self) -> Result<Part, StorageError> {
        let writer = self.0;
        let target = writer.target();
        if target.symlink_metadata().is_err() {
            return writer.commit();
        }
        writer.seal()?;
        let parent = atomic::folder_of(target);
        if exchange(writer.folder(), target)? {
            files::sync_folder(parent)?;
        } else {
            let old = atomic::temporary_folder(parent).map_err(StorageError::io("create a folder in", parent))?;
            let moved = old.join("old");
            files::rename(target, &moved)?;
            if let Err(error) = files::rename(writer.folder(), target) {
                let _ = std::fs::rename(&moved, target);
                return Err(error);
            }
            files::sync_folder(parent)?;
            files::remove(&old)?;
        }
        // The writer removes the temporary name, which is now that of the old folder.
        Part::open(target)
    }
}

/// Swaps two folders in one step. False if the system cannot do that.
#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> Result<bool, StorageError> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP | Errno::PERM) => Ok(false),
        Err(error) => Err(StorageError::io("replace", old)(error.into())),
    }
}

/// Swaps two folders in one step. False if the system cannot do that.
#[cfg(not(target_os = "linux"))]
fn exchange(_new: &Path, _old: &Path) -> Result<bool, StorageError> {
    Ok(false)
}

/// Verifies the derived parts of a run directory that are there.
pub(super) fn verify(directory: &Path) -> Result<(), StorageError> {
    DERIVED.iter().try_for_each(|name| verify_one(&directory.join(name)))
}

fn verify_one(folder: &Path) -> Result<(), StorageError> {
    loop {
        let damaged = |problem| StorageError::DerivedDamaged { folder: folder.to_owned(), problem };
        match folder.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(damaged("it is not a folder".to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StorageError::io("look at", folder)(error)),
        }
        let before = same_file::Handle::from_path(folder).ok();
        let Err(error) = Part::open(folder) else { return Ok(()) };
        // Another process may have replaced the folder while it was being read. The open handle keeps the old folder's
        // number from being given to the new one.
        if before.is_some() && before != same_file::Handle::from_path(folder).ok() {
            continue;
        }
        return Err(match error {
            StorageError::Damaged { damage, .. } => damaged(list(&damage)),
            error if error.is_damage() => damaged(error.to_string()),
            error => error,
        });
    }
}
