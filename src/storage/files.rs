//! Files that are there entirely or not at all.
//!
//! A file is written under a temporary name in its final folder, flushed to the disk, renamed, and its folder is
//! flushed: POSIX promises that the rename is atomic, so a reader sees the old bytes or the new ones, also after `kill
//! -9`. After a power cut the same holds as far as the disk honours `fsync`; on Windows folders cannot be flushed, so
//! there a rename of the last moments may be undone. A full disk gives an error and leaves the old file.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{Damage, RelativePath, Sha256Digest, StorageError, relative_path::TEMPORARY};

/// Files that file managers leave in every folder; never read, listed or removed.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];
/// Largest JSON file that is read, in bytes.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// A name next to `name` that no other writer uses.
pub(super) fn temporary_name(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{TEMPORARY}{}-{}-{name}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Writes `root/path` atomically, with the folders on the way.
pub(super) fn write(root: &Path, path: &RelativePath, bytes: &[u8]) -> Result<(), StorageError> {
    let (folder, name) = path.split();
    let folder = match folder {
        Some(folder) => make_folder(root, &folder)?,
        None => root.to_owned(),
    };
    let temporary = folder.join(temporary_name(name));
    let written = write_new(&temporary, bytes).and_then(|()| rename(&temporary, &folder.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(&folder)
}

/// Writes a file outside any run directory, atomically: there is the whole file or what was there before.
///
/// # Errors
/// [`StorageError::Exists`] if the file is there and is not to be replaced.
pub fn write_file(path: &Path, bytes: &[u8], replace: bool) -> Result<(), StorageError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| StorageError::io("write", path)(ErrorKind::IsADirectory.into()))?;
    let temporary = folder.join(temporary_name(&name.to_string_lossy()));
    let written = write_new(&temporary, bytes).and_then(|()| match replace || !path.exists() {
        true => rename(&temporary, path),
        false => Err(StorageError::Exists(path.to_owned())),
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(folder)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let mut file = File::create_new(path).map_err(StorageError::io("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(StorageError::io("write", path))
}

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
    if cfg!(unix) {
        File::open(folder).and_then(|file| file.sync_all()).map_err(StorageError::io("flush", folder))?;
    }
    Ok(())
}

/// Everything under a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Ordinary files.
    pub(super) files: Vec<RelativePath>,
    /// Files and folders whose names are temporary.
    pub(super) temporaries: Vec<PathBuf>,
    /// Links, devices, names that no [`RelativePath`] can hold.
    pub(super) odd: Vec<Damage>,
}

/// Lists a folder and the folders in it, following no links. Sorted.
pub(super) fn list(root: &Path) -> Result<Listing, StorageError> {
    let mut listing = Listing::default();
    walk(root, "", &mut listing)?;
    listing.files.sort();
    Ok(listing)
}

fn walk(folder: &Path, prefix: &str, listing: &mut Listing) -> Result<(), StorageError> {
    for entry in fs::read_dir(folder).map_err(StorageError::io("list", folder))? {
        let entry = entry.map_err(StorageError::io("list", folder))?;
        let name = entry.file_name();
        let relative = format!("{prefix}{}", name.to_string_lossy());
        let kind = entry.file_type().map_err(StorageError::io("look at", entry.path()))?;
        if LITTER.iter().any(|litter| name == *litter) {
            continue;
        }
        if name.to_string_lossy().starts_with(TEMPORARY) {
            listing.temporaries.push(entry.path());
        } else if name.to_str().is_none() {
            listing.odd.push(Damage::NotAFile { path: relative });
        } else if kind.is_dir() {
            walk(&entry.path(), &format!("{relative}/"), listing)?;
        } else {
            match RelativePath::parse(&relative) {
                Ok(path) if kind.is_file() => listing.files.push(path),
                _ => listing.odd.push(Damage::NotAFile { path: relative }),
            }
        }
    }
    Ok(())
}

/// Removes a file, a link itself, or a whole folder; nothing there is fine.
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

/// SHA-256 and size of a file, read in pieces.
pub(super) fn digest(path: &Path) -> Result<(Sha256Digest, u64), StorageError> {
    let mut file = File::open(path).map_err(StorageError::io("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(StorageError::io("read", path)(error)),
        }
    }
    Ok((Sha256Digest(hash.finalize().into()), bytes))
}

/// Pretty JSON with a last newline.
pub(super) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, StorageError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a JSON file; errors name the file and the field. Files above 256 MiB are refused.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StorageError> {
    parse_json(path, &read_at_most(path, MAX_JSON_BYTES)?)
}

pub(super) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, StorageError> {
    let file = File::open(path).map_err(StorageError::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(StorageError::io("read", path))?;
    if bytes.len() as u64 > limit {
        let bytes = fs::metadata(path).map_or(limit.saturating_add(1), |metadata| metadata.len());
        return Err(StorageError::TooLarge { path: path.to_owned(), bytes, limit });
    }
    Ok(bytes)
}

pub(super) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, StorageError> {
    let refuse = |field: String, problem: String| StorageError::Json { path: path.to_owned(), field, problem };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refuse(error.path().to_string(), error.inner().to_string()))?;
    deserializer.end().map_err(|error| refuse(".".to_owned(), error.to_string()))?;
    Ok(value)
}

/// Compares a listing with what a manifest says; the hashes are computed only for files that both have.
pub(super) fn compare(
    root: &Path,
    listing: Listing,
    expected: &BTreeMap<&RelativePath, (Sha256Digest, u64)>,
) -> Result<Vec<Damage>, StorageError> {
    let mut damage = listing.odd;
    for path in &listing.files {
        match expected.get(path) {
            None => damage.push(Damage::Extra { path: path.to_string() }),
            Some(&(expected, size)) => {
                let (found, bytes) = digest(&path.under(root))?;
                if (found, bytes) != (expected, size) {
                    damage.push(Damage::Changed { path: path.to_string(), expected, found });
                }
            }
        }
    }
    let present: std::collections::BTreeSet<_> = listing.files.iter().collect();
    damage.extend(
        expected.keys().filter(|path| !present.contains(*path)).map(|path| Damage::Missing { path: path.to_string() }),
    );
    Ok(damage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::parse(text).unwrap()
    }

    #[test]
    fn writing_makes_folders_replaces_and_leaves_no_temporary() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &path("a/b/c.txt"), b"old").unwrap();
        write(root.path(), &path("a/b/c.txt"), b"new").unwrap();
        assert_eq!(fs::read(root.path().join("a/b/c.txt")).unwrap(), b"new");
        let listing = list(root.path()).unwrap();
        assert_eq!(listing.files, [path("a/b/c.txt")]);
        assert!(listing.temporaries.is_empty() && listing.odd.is_empty());
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_state() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("taken")).unwrap();
        fs::write(root.path().join("taken/inside"), b"x").unwrap();
        write(root.path(), &path("taken"), b"new").unwrap_err();
        let listing = list(root.path()).unwrap();
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
        assert_eq!(list(root.path()).unwrap().odd, [Damage::NotAFile { path: "models".to_owned() }]);
    }

    #[test]
    fn digests_are_the_published_ones() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &path("abc"), b"abc").unwrap();
        let (digest, bytes) = digest(&root.path().join("abc")).unwrap();
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(bytes, 3);
    }

    #[test]
    fn json_errors_name_the_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            #[allow(dead_code)]
            inner: Vec<u8>,
        }
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("x.json");
        fs::write(&file, r#"{"inner": [1, 2, "x"]}"#).unwrap();
        let error = read_json::<Outer>(&file).unwrap_err().to_string();
        assert!(error.contains("x.json") && error.contains("inner[2]"), "{error}");
        fs::write(&file, r#"{"inner": []} more"#).unwrap();
        assert!(matches!(read_json::<Outer>(&file), Err(StorageError::Json { .. })));
        assert!(matches!(read_at_most(&file, 4), Err(StorageError::TooLarge { limit: 4, .. })));
    }
}
