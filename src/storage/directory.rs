//! The run directory while its process works.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    DerivedWriter, Manifest, Part, PartWriter, RelativePath, StorageError,
    derived::{self, DERIVED},
    files,
    journal::{JOURNAL, Journal},
    json::{read_json, to_json},
    listing::list,
    lock::{self, LOCK, Lock},
    manifest::{MANIFEST, PART_MANIFEST},
    read::read_limited,
};
use crate::progress::Progress;

/// The folder for epoch checkpoints and the like; removed when the run is complete.
const SCRATCH: &str = "scratch";
/// Files of the directory itself, which no manifest lists.
const OWN: [&str; 3] = [LOCK, JOURNAL, MANIFEST];
/// Names directly in the directory that the run's manifest does not list.
const UNLISTED: [&str; 4] = [LOCK, JOURNAL, MANIFEST, DERIVED[0]];

/// Progress of a run, as its directory shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Nothing was written yet.
    New,
    /// Begun and not finished: finished parts are there and can be used.
    Interrupted,
    /// The manifest is there.
    Complete,
}

/// A run directory, locked by this process until the value is dropped. All methods may be called from several threads.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    journal: Mutex<Journal>,
    _lock: Lock,
}

impl RunDirectory {
    /// Opens a run directory or creates it; what a killed process left half written is removed.
    ///
    /// With `fresh`, everything that earlier runs of this program wrote there is removed first; files that somebody
    /// else put there stay, except inside parts and `scratch/`, which go as a whole.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if another process has it; [`StorageError::NotARunDirectory`] if it holds files but no
    /// journal of this program.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, StorageError> {
        fs::create_dir_all(path).map_err(StorageError::io("create", path))?;
        refuse_foreign(path)?;
        let lock = lock::lock(path)?;
        for temporary in list(path, &[])?.temporaries {
            files::remove(&temporary)?;
        }
        let mut journal = Journal::open(path)?;
        if fresh {
            // The manifest goes first: a run that is half removed must not look complete.
            files::remove(&path.join(MANIFEST))?;
            journal = journal.remove_all(path)?;
        }
        Ok(Self { path: path.to_owned(), journal: Mutex::new(journal), _lock: lock })
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the run is new, interrupted or complete.
    pub fn state(&self) -> RunState {
        if is_complete(&self.path) {
            RunState::Complete
        } else if self.journal().is_empty() {
            RunState::New
        } else {
            RunState::Interrupted
        }
    }

    /// Writes a file atomically; `path` is relative, with `/`. The folders on the way are created.
    ///
    /// # Errors
    /// [`StorageError::Complete`] if the run is; [`StorageError::Reserved`] for the directory's own files and for files
    /// inside finished parts.
    pub fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.writable(path)?;
        self.journal().note(&path)?;
        files::write(&self.path, &path, bytes)
    }

    /// Writes a value as indented JSON, atomically.
    pub fn write_json(&self, path: &str, value: &impl Serialize) -> Result<(), StorageError> {
        self.write_atomic(path, &to_json(value)?)
    }

    /// Reads a JSON file, or returns nothing if it is not there.
    pub fn read_json_if_there<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, StorageError> {
        let file = RelativePath::parse(path)?.under(&self.path);
        if file.exists() { read_json(&file).map(Some) } else { Ok(None) }
    }

    /// Binds the run to these bytes: writes the file, or checks that an earlier process of this run wrote the same.
    ///
    /// # Errors
    /// [`StorageError::Claimed`] if the file is there with other bytes: a run is not resumed with other settings or
    /// other data.
    pub fn claim(&self, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let file = RelativePath::parse(path)?.under(&self.path);
        match read_limited(&file, bytes.len() as u64) {
            Ok(found) if found == bytes => Ok(()),
            Ok(_) => Err(StorageError::Claimed { path: file }),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(StorageError::Claimed { path: file }),
            Err(error) if error.kind() == ErrorKind::NotFound => self.write_atomic(path, bytes),
            Err(error) => Err(StorageError::io("read", file)(error)),
        }
    }

    /// Binds the run to a value: [`RunDirectory::claim`] with its indented JSON.
    ///
    /// # Errors
    /// As [`RunDirectory::claim`].
    pub fn claim_json(&self, path: &str, value: &impl Serialize) -> Result<(), StorageError> {
        self.claim(path, &to_json(value)?)
    }

    /// A path under `scratch/` whose folder exists: for checkpoints that a finished run does not need. What is written
    /// there is not atomic.
    pub fn scratch_file(&self, path: &str) -> Result<PathBuf, StorageError> {
        let scratch = RelativePath::parse(SCRATCH)?;
        let path = self.writable(&format!("{SCRATCH}/{}", RelativePath::parse(path)?))?;
        self.journal().note(&scratch)?;
        if let (Some(folder), _) = path.split() {
            files::make_folder(&self.path, &folder)?;
        }
        Ok(path.under(&self.path))
    }

    /// The part `name` if it is there and every file of it is as it was written. A damaged part is removed, with a
    /// message, so that it is done again.
    ///
    /// # Errors
    /// Those of the operating system. Then nothing is removed, nor is a part of a complete run ever removed.
    pub fn part_if_complete(&self, name: &str, progress: &dyn Progress) -> Result<Option<Part>, StorageError> {
        let folder = RelativePath::parse(name)?.under(&self.path);
        if folder.symlink_metadata().is_err() {
            return Ok(None);
        }
        match Part::open(&folder) {
            Ok(part) => Ok(Some(part)),
            Err(error) if !error.is_damage() || self.state() == RunState::Complete => Err(error),
            Err(error) => {
                progress.message(&format!("{name} is done again: {error}"));
                files::remove(&folder)?;
                Ok(None)
            }
        }
    }

    /// Begins the part `name` ("models/cnn/fold-2"), which becomes a folder of that name when it is committed.
    ///
    /// # Errors
    /// [`StorageError::PartExists`] if it is there: ask [`RunDirectory::part_if_complete`] first.
    pub fn begin_part(&self, name: &str) -> Result<PartWriter<'_>, StorageError> {
        let name = self.writable(name)?;
        self.journal().note(&name)?;
        PartWriter::begin(&self.path, &name)
    }

    /// Begins a derived part ([`super::REPORT`]), which replaces the one of that name when it is committed. Also in a
    /// complete run: its manifest neither lists the part nor changes.
    ///
    /// # Errors
    /// [`StorageError::Reserved`] if `name` is not that of a derived part.
    pub fn begin_derived(&self, name: &str) -> Result<DerivedWriter<'_>, StorageError> {
        if !DERIVED.contains(&name) {
            return Err(StorageError::Reserved(name.to_owned()));
        }
        let name = RelativePath::parse(name)?;
        self.journal().note(&name)?;
        DerivedWriter::begin(&self.path, &name)
    }

    /// Hashes every file that is there now, as [`RunDirectory::complete`] will.
    pub fn inventory(&self) -> Result<Manifest, StorageError> {
        let listing = list(&self.path, &UNLISTED)?;
        if !listing.odd.is_empty() {
            return Err(StorageError::Damaged { directory: self.path.clone(), damage: listing.odd });
        }
        let listed = |path: &RelativePath| path.components().next() != Some(SCRATCH);
        Manifest::of(&self.path, listing.files.into_iter().filter(listed))
    }

    /// Ends the run: removes `scratch/` and writes the manifest of every file, last and atomically.
    ///
    /// # Errors
    /// [`StorageError::Unfinished`] while a part is being written.
    pub fn complete(&self) -> Result<Manifest, StorageError> {
        if self.state() == RunState::Complete {
            return Err(StorageError::Complete(self.path.clone()));
        }
        files::remove(&self.path.join(SCRATCH))?;
        if let Some(temporary) = list(&self.path, &[])?.temporaries.first() {
            return Err(StorageError::Unfinished {
                directory: self.path.clone(),
                unfinished: temporary.display().to_string(),
            });
        }
        let manifest = self.inventory()?;
        files::write(&self.path, &RelativePath::parse(MANIFEST)?, &to_json(&manifest)?)?;
        Ok(manifest)
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that `path` may be written now.
    fn writable(&self, path: &str) -> Result<RelativePath, StorageError> {
        let path = RelativePath::parse(path)?;
        if self.state() == RunState::Complete {
            return Err(StorageError::Complete(self.path.clone()));
        }
        let mut parent = path.split().0;
        while let Some(folder) = parent {
            if folder.under(&self.path).join(PART_MANIFEST).exists() {
                return Err(StorageError::Reserved(path.to_string()));
            }
            parent = folder.split().0;
        }
        let is_derived = path.components().next().is_some_and(|first| DERIVED.contains(&first));
        if OWN.contains(&path.as_str()) || path.as_str() == SCRATCH || path.split().1 == PART_MANIFEST || is_derived {
            return Err(StorageError::Reserved(path.to_string()));
        }
        Ok(path)
    }
}

/// Errors if the folder holds files and no journal.
fn refuse_foreign(path: &Path) -> Result<(), StorageError> {
    if path.join(JOURNAL).exists() {
        return Ok(());
    }
    // A process that died before it wrote the journal leaves the lock and a temporary file.
    let listing = list(path, &[])?;
    if listing.odd.is_empty() && listing.files.iter().all(|file| file.as_str() == LOCK) {
        return Ok(());
    }
    Err(StorageError::NotARunDirectory(path.to_owned()))
}

/// Tells whether there is a manifest: the run was completed. It may have been damaged since.
pub fn is_complete(directory: &Path) -> bool {
    directory.join(MANIFEST).exists()
}

/// Verifies a complete run: every file that the manifest lists is there with its size and SHA-256, there is no other,
/// and derived parts that are there are as their own manifests say. Nothing but the manifests is parsed.
///
/// # Errors
/// [`StorageError::NotComplete`] without a manifest; [`StorageError::Damaged`] names every missing, changed and extra
/// file; [`StorageError::DerivedDamaged`] if only a derived part is damaged.
pub fn verify(directory: &Path) -> Result<Manifest, StorageError> {
    let manifest = verify_without_derived(directory)?;
    derived::verify(directory)?;
    Ok(manifest)
}

/// Verifies a complete run as [`verify`] does, but for its derived parts: enough to make these again.
///
/// # Errors
/// As [`verify`].
pub fn verify_without_derived(directory: &Path) -> Result<Manifest, StorageError> {
    let file = directory.join(MANIFEST);
    if !file.exists() {
        return Err(StorageError::NotComplete(directory.to_owned()));
    }
    let manifest = Manifest::read(&file)?;
    manifest.verify(directory, &UNLISTED)?;
    Ok(manifest)
}

/// Tells whether a folder is a run directory of this program, finished or not.
pub fn is_run_directory(folder: &Path) -> bool {
    folder.join(JOURNAL).exists()
}

/// The run directories in `artifacts`, complete or not, by name; none if there is no such folder.
pub fn run_directories(artifacts: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let entries = match fs::read_dir(artifacts) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StorageError::io("list", artifacts)(error)),
    };
    let mut folders = entries
        .map(|entry| Ok(entry.map_err(StorageError::io("list", artifacts))?.path()))
        .collect::<Result<Vec<_>, StorageError>>()?;
    folders.retain(|folder| is_run_directory(folder));
    folders.sort();
    Ok(folders)
}

/// The run directory in `artifacts` that was completed last, of those that are wanted; none if there is none or no such
/// folder.
pub fn latest_complete(artifacts: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<Option<PathBuf>, StorageError> {
    let mut runs = Vec::new();
    for folder in run_directories(artifacts)? {
        let manifest = folder.join(MANIFEST);
        if manifest.exists() && is_wanted(&folder) {
            let completed = fs::metadata(&manifest)
                .and_then(|metadata| metadata.modified())
                .map_err(StorageError::io("look at", &manifest))?;
            runs.push((completed, folder));
        }
    }
    Ok(runs.into_iter().max().map(|(_, folder)| folder))
}
