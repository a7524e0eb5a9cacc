//! What lies in a folder, and how that compares with a manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{Damage, RelativePath, Sha256Digest, StorageError, read::digest, relative_path::TEMPORARY};

/// Files that file managers leave in every folder; never read, listed or removed.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Everything under a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Ordinary files.
    pub(super) files: Vec<RelativePath>,
    /// Files and folders whose names are temporary.
    pub(super) temporaries: Vec<PathBuf>,
    /// Links, devices, and names that a [`RelativePath`] cannot hold.
    pub(super) odd: Vec<Damage>,
}

/// Lists a folder and the folders in it, following no links, sorted. Whatever has one of the names in `skip` directly
/// under `root` is left out, unseen: another process may be replacing it.
pub(super) fn list(root: &Path, skip: &[&str]) -> Result<Listing, StorageError> {
    let mut listing = Listing::default();
    walk(root, "", skip, &mut listing)?;
    listing.files.sort();
    Ok(listing)
}

fn walk(folder: &Path, prefix: &str, skip: &[&str], listing: &mut Listing) -> Result<(), StorageError> {
    for entry in fs::read_dir(folder).map_err(StorageError::io("list", folder))? {
        let entry = entry.map_err(StorageError::io("list", folder))?;
        let name = entry.file_name();
        let relative = format!("{prefix}{}", name.to_string_lossy());
        let kind = entry.file_type().map_err(StorageError::io("look at", entry.path()))?;
        if LITTER.iter().chain(skip).any(|skipped| name == *skipped) {
            continue;
        }
        if name.to_string_lossy().starts_with(TEMPORARY) {
            listing.temporaries.push(entry.path());
        } else if name.to_str().is_none() {
            listing.odd.push(Damage::NotAFile { path: relative });
        } else if kind.is_dir() {
            walk(&entry.path(), &format!("{relative}/"), &[], listing)?;
        } else {
            match RelativePath::parse(&relative) {
                Ok(path) if kind.is_file() => listing.files.push(path),
                _ => listing.odd.push(Damage::NotAFile { path: relative }),
            }
        }
    }
    Ok(())
}

/// Compares a listing with the files that a manifest lists; the hashes are computed only for files that both have.
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
                let file = path.under(root);
                let (found, bytes) = digest(&file).map_err(StorageError::io("read", &file))?;
                if (found, bytes) != (expected, size) {
                    damage.push(Damage::Changed { path: path.to_string(), expected, found });
                }
            }
        }
    }
    let present: BTreeSet<_> = listing.files.iter().collect();
    damage.extend(
        expected.keys().filter(|path| !present.contains(*path)).map(|path| Damage::Missing { path: path.to_string() }),
    );
    Ok(damage)
}
