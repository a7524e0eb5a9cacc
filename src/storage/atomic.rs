//! Files that are there entirely or not at all.
//!
//! A file is written under a temporary name in its final folder, flushed to the disk, renamed, and its folder is
//! flushed: POSIX promises that the rename is atomic, so a reader sees the old bytes or the new ones, also after `kill
//! -9`. After a power cut the same holds as far as the disk honours `fsync`; on Windows folders cannot be flushed, so
//! there a rename of the last moments may be undone. A full disk gives an error and leaves the old file.
//!
//! A killed process leaves its temporary file. Inside a run directory the next process removes it, because the
//! directory is locked. Elsewhere each temporary file is locked by its writer, and whoever writes into the folder next
//! removes those that nobody holds: see [`remove_leftovers`]. Temporary names are random, so that a leftover never
//! stands in the way of a process with the same id, as in a container.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::relative_path::TEMPORARY;

/// Beginning and end of the names of temporary files outside run directories.
const OUTSIDE: [&str; 2] = [".digitstack-", ".part"];
/// Attempts to create a temporary file that another process removes as a leftover before it is locked.
const ATTEMPTS: usize = 16;

/// A file that is being written under a temporary name. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct AtomicFile(NamedTempFile);

impl AtomicFile {
    /// Creates a temporary file in a folder that one process owns: a run directory.
    fn in_run(folder: &Path) -> io::Result<Self> {
        builder(TEMPORARY, "").tempfile_in(folder).map(Self)
    }

    /// Creates a temporary file in any folder, locked until it has its final name.
    pub(crate) fn outside(folder: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let file = builder(OUTSIDE[0], OUTSIDE[1]).tempfile_in(folder)?;
            match file.as_file().try_lock() {
                // Another process that removes leftovers has it for a moment.
                Err(TryLockError::WouldBlock) => {}
                // A file system without locks: nobody can take the file for a leftover there.
                Ok(()) | Err(TryLockError::Error(_)) if file.path().exists() => return Ok(Self(file)),
                _ => {}
            }
        }
        Err(io::Error::other("temporary files are removed by another process as soon as they are created"))
    }

    /// The temporary path.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Flushes the bytes to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.as_file().sync_all()
    }

    /// Ends the file: flushes it and gives it its final name, replacing what has that name.
    pub(crate) fn replace(self, path: &Path) -> io::Result<()> {
        self.sync()?;
        self.0.persist(path)?;
        sync_folder(folder_of(path))
    }

    /// Ends the file as [`AtomicFile::replace`] does, unless something has that name.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`]; nothing is replaced then, whatever other processes do in the meantime.
    pub(super) fn create(self, path: &Path) -> io::Result<()> {
        self.sync()?;
        self.0.persist_noclobber(path)?;
        sync_folder(folder_of(path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn builder<'a>(prefix: &'a str, suffix: &'a str) -> Builder<'a, 'a> {
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(suffix).rand_bytes(10);
    // As any other new file, less what the process's umask takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Writes a whole file of a run directory, or of a model in a folder of the caller's, atomically.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::in_run(folder_of(path))?;
    file.write_all(bytes)?;
    file.replace(path)
}

/// Creates a folder with a temporary name in a run directory.
pub(super) fn temporary_folder(parent: &Path) -> io::Result<PathBuf> {
    Builder::new().prefix(TEMPORARY).rand_bytes(10).tempdir_in(parent).map(tempfile::TempDir::keep)
}

/// The folder that a file is in; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Flushes the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Temporary files of this program in a folder outside run directories, whether a process still writes them or not.
pub(crate) fn leftovers(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(OUTSIDE[0]) && name.ends_with(OUTSIDE[1]));
        if is_ours && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes the temporary files that killed processes left in a folder; those that are being written are locked and
/// stay, as do those of other users.
pub(crate) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for path in leftovers(folder)? {
        // Some network file systems lock only what was opened for writing.
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) if file.try_lock().is_ok() => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_or_created_and_leaves_no_temporary() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let error = AtomicFile::outside(root.path()).unwrap().create(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!((std::fs::read(&path).unwrap(), names(root.path())), (b"new".to_vec(), vec!["file".to_owned()]));
    }

    #[test]
    fn leftovers_go_and_files_that_are_being_written_stay() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(".digitstack-killed.part"), "x").unwrap();
        std::fs::write(root.path().join(".digitstack-notes"), "mine").unwrap();
        let held = AtomicFile::outside(root.path()).unwrap();
        assert_eq!(leftovers(root.path()).unwrap().len(), 2);
        remove_leftovers(root.path()).unwrap();
        assert_eq!(leftovers(root.path()).unwrap(), [held.0.path()]);
        held.replace(&root.path().join("file")).unwrap();
        let mut left = names(root.path());
        left.sort();
        assert_eq!(left, [".digitstack-notes", "file"]);
    }

    #[test]
    fn a_bare_name_lies_in_the_current_folder() {
        assert_eq!([folder_of(Path::new("a")), folder_of(Path::new("b/a"))], [Path::new("."), Path::new("b")]);
    }
}
