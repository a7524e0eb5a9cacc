//! Files and folders of a run directory.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    RelativePath, StorageError,
    atomic::{self, write_whole},
};

/// Writes `root/path` atomically, with the folders on the way.
pub(super) fn write(root: &Path, path: &RelativePath, bytes: &[u8]) -> Result<(), StorageError> {
    let (folder, name) = path.split();
    let folder = match folder {
        Some(folder) => make_folder(root, &folder)?,
        None => root.to_owned(),
    };
    let file = folder.join(name);
    write_whole(&file, bytes).map_err(StorageError::io("write", file))
}

/// Renames a file or folder.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).map_err(StorageError::io("rename into place", to))
}

/// Creates `root/path` and the folders on the way. A link among them is refused: it would lead out of the run
/// directory.
pub(super) fn make_folder(root: &Path, path: &RelativePath) -> Result<PathBuf, StorageError> {
    let mut folder = root.to_owned();
    for component in path.components() {
        folder.push(component);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => refuse_link(&folder)?,
            Err(error) => return Err(StorageError::io("create", &folder)(error)),
        }
    }
    Ok(folder)
}

/// Errors unless `folder` is a folder itself.
fn refuse_link(folder: &Path) -> Result<(), StorageError> {
    let metadata = fs::symlink_metadata(folder).map_err(StorageError::io("look at", folder))?;
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(StorageError::io("use as a folder", folder)(ErrorKind::NotADirectory.into()))
    }
}

/// Flushes the names in a folder to the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StorageError> {
    atomic::sync_folder(folder).map_err(StorageError::io("flush", folder))
}

/// Removes a file, a link itself, or a whole folder; it is no error if there is nothing.
pub(super) fn remove(path: &Path) -> Result<(), StorageError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StorageError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Damage, super::listing::list, *};

    fn path(text: &str) -> RelativePath {
        RelativePath::parse(text).unwrap()
    }

    #[test]
    fn writing_makes_folders_replaces_and_leaves_no_temporary() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &path("a/b/c.txt"), b"old").unwrap();
        write(root.path(), &path("a/b/c.txt"), b"new").unwrap();
        assert_eq!(fs::read(root.path().join("a/b/c.txt")).unwrap(), b"new");
        let listing = list(root.path(), &[]).unwrap();
        assert_eq!(listing.files, [path("a/b/c.txt")]);
        assert!(listing.temporaries.is_empty() && listing.odd.is_empty());
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_state() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("taken")).unwrap();
        fs::write(root.path().join("taken/inside"), b"x").unwrap();
        write(root.path(), &path("taken"), b"new").unwrap_err();
        let listing = list(root.path(), &[]).unwrap();
        assert_eq!(listing.files, [path("taken/inside")]);
        assert!(listing.temporaries.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_folder_is_not_written_through() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("models")).unwrap();
        write(root.path(), &path("models/x"), b"new").unwrap_err();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert_eq!(list(root.path(), &[]).unwrap().odd, [Damage::NotAFile { path: "models".to_owned() }]);
    }
}
