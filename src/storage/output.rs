//! Files that a command writes where its user says: outside run directories.
//!
//! A file is written whole or not at all, and never in the place of something else by accident:
//!
//! - A name that is taken is refused unless the file is to be replaced, or holds the very same bytes: so the same
//!   command succeeds after a kill at its last moment.
//! - A symbolic link is followed: it counts as a taken name, and if the file is to be replaced, the file that it leads
//!   to is (or is created, if there is none) and the link stays.
//! - A device, FIFO, socket or folder is never replaced, and never written into.
//! - A path inside a run directory is refused: a file that the run's manifest does not list would count as damage.
//!
//! What killed processes of this program left in the folder is removed first. Two processes may write into one folder.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{
    StorageError,
    atomic::{AtomicFile, folder_of, remove_leftovers, sync_folder},
    journal::has_journal,
    read::{not_regular, read_limited},
};

/// Symbolic links that are followed one after the other, as many as Linux follows.
const MAX_LINKS: usize = 40;

/// A path outside run directories that was checked and may be written to.
#[derive(Clone, Debug)]
pub struct OutputFile {
    /// The path as it was given.
    path: PathBuf,
    /// The path that links lead to.
    target: PathBuf,
    replace: bool,
}

impl OutputFile {
    /// Checks a path before the work whose result goes there; creates nothing.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the name is taken and `replace` is false; otherwise as [`OutputFile::open`].
    pub fn check(path: &Path, replace: bool) -> Result<Self, StorageError> {
        let output = Self::open(path, replace)?;
        if !replace && path.symlink_metadata().is_ok() {
            return Err(StorageError::Exists(path.to_owned()));
        }
        Ok(output)
    }

    /// Checks a path as [`OutputFile::check`] does, but leaves it to [`OutputFile::write`] to refuse a name that is
    /// taken: a file with the same bytes is not refused.
    ///
    /// # Errors
    /// [`StorageError::Output`] for devices, folders, circles of links, paths inside run directories and folders that
    /// do not exist; [`StorageError::Exists`] for a dangling link if `replace` is false.
    pub fn open(path: &Path, replace: bool) -> Result<Self, StorageError> {
        let refuse = |problem: String| StorageError::Output { path: path.to_owned(), problem };
        let target = follow_links(path).ok_or_else(|| refuse("its symbolic links lead in a circle".to_owned()))?;
        match std::fs::metadata(path) {
            Ok(found) => {
                if let Some(kind) = not_regular(found.file_type()) {
                    return Err(refuse(format!("it is {kind}; name a file")));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StorageError::io("look at", path)(error)),
        }
        if !replace && path.is_symlink() && !target.exists() {
            return Err(StorageError::Exists(path.to_owned()));
        }
        if target.file_name().is_none() {
            return Err(refuse("it is a folder; name a file".to_owned()));
        }
        let folder = folder_of(&target);
        let real = match folder.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(refuse(format!("the folder {} does not exist", folder.display())));
            }
            Err(error) => return Err(StorageError::io("look at", folder)(error)),
        };
        if let Some(run) = real.ancestors().find(|ancestor| has_journal(ancestor)) {
            return Err(refuse(format!(
                "it is inside the run directory {}, which would count as damaged; name a file elsewhere",
                run.display()
            )));
        }
        Ok(Self { path: path.to_owned(), target, replace })
    }

    /// The path where the file will be: the one that was given, or where its links lead.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// True if a file that is there is to be replaced.
    pub(crate) fn replaces(&self) -> bool {
        self.replace
    }

    /// Writes the whole file: there are all bytes, or what was there before.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the name is taken by a file with other bytes; [`StorageError::Io`].
    pub fn write(&self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut file = self.begin()?;
        file.write_all(bytes).map_err(StorageError::io("write", &self.path))?;
        let is_there = || read_limited(&self.target, bytes.len() as u64).is_ok_and(|found| found == bytes);
        match self.finish(file) {
            Err(StorageError::Exists(_)) if is_there() => {
                sync_folder(folder_of(&self.target)).map_err(StorageError::io("flush", &self.path))
            }
            finished => finished,
        }
    }

    /// Begins the file under a temporary name.
    pub(crate) fn begin(&self) -> Result<AtomicFile, StorageError> {
        let folder = folder_of(&self.target);
        remove_leftovers(folder)
            .and_then(|()| AtomicFile::outside(folder))
            .map_err(StorageError::io("write", &self.path))
    }

    /// Flushes a file that was begun and gives it its name.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the name is taken and the file is not to be replaced; [`StorageError::Io`].
    pub(crate) fn finish(&self, file: AtomicFile) -> Result<(), StorageError> {
        let finished = if self.replace { file.replace(&self.target) } else { file.create(&self.target) };
        finished.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StorageError::Exists(self.path.clone()),
            _ => StorageError::io("write", &self.path)(error),
        })
    }
}

/// Writes a file outside any run directory, whole or not at all: [`OutputFile::open`] and [`OutputFile::write`].
///
/// # Errors
/// Those of the two.
pub fn write_file(path: &Path, bytes: &[u8], replace: bool) -> Result<(), StorageError> {
    OutputFile::open(path, replace)?.write(bytes)
}

/// Creates a folder for files of the user's, with those on the way, unless it is there.
///
/// # Errors
/// [`StorageError::Output`] inside a run directory; [`StorageError::Io`].
pub fn create_output_folder(folder: &Path) -> Result<(), StorageError> {
    refuse_run_directory(folder)?;
    std::fs::create_dir_all(folder).map_err(StorageError::io("create", folder))
}

/// Refuses a folder that is a run directory or lies in one; a folder that does not exist yet is judged by the one that
/// it would be created in.
///
/// # Errors
/// [`StorageError::Output`].
pub(crate) fn refuse_run_directory(folder: &Path) -> Result<(), StorageError> {
    let existing = folder.ancestors().find_map(|ancestor| {
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        ancestor.canonicalize().ok()
    });
    match existing.as_deref().and_then(|real| real.ancestors().find(|ancestor| has_journal(ancestor))) {
        None => Ok(()),
        Some(run) => Err(StorageError::Output {
            path: folder.to_owned(),
            problem: format!(
                "it is inside the run directory {}, which would count as damaged; name a folder elsewhere",
                run.display()
            ),
        }),
    }
}

/// The path that a chain of symbolic links ends at, whether something is there or not; the path itself if it is no
/// link.
fn follow_links(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Some(path),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(path: &Path, replace: bool) -> String {
        write_file(path, b"new", replace).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_replaced_only_if_asked_and_leftovers_of_any_process_go() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::write(at(".digitstack-0123456789.part"), "killed").unwrap();
        write_file(&at("a"), b"old", false).unwrap();
        write_file(&at("a"), b"old", false).unwrap();
        assert!(matches!(OutputFile::check(&at("a"), false), Err(StorageError::Exists(_))));
        assert!(matches!(write_file(&at("a"), b"new", false), Err(StorageError::Exists(_))));
        assert_eq!(std::fs::read(at("a")).unwrap(), b"old");
        write_file(&at("a"), b"new", true).unwrap();
        assert_eq!(std::fs::read(at("a")).unwrap(), b"new");
        assert_eq!(root.path().read_dir().unwrap().count(), 1);
        assert!(problem(&at("b/c"), true).contains("does not exist"));
        assert!(problem(root.path(), true).contains("a folder"));
    }

    #[test]
    fn a_name_that_is_taken_after_the_check_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        let output = OutputFile::check(&path, false).unwrap();
        std::fs::write(&path, "of somebody else").unwrap();
        assert!(matches!(output.write(b"new"), Err(StorageError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"of somebody else");
    }

    #[test]
    fn a_path_inside_a_run_directory_is_refused_however_it_is_spelled() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("run");
        drop(crate::storage::RunDirectory::open(&run, false).unwrap());
        std::fs::create_dir(run.join("models")).unwrap();
        for path in [run.join("a"), run.join("models/a"), run.join("models/../../run/a")] {
            assert!(problem(&path, true).contains("inside the run directory"), "{}", path.display());
        }
        write_file(&run.join("../a"), b"new", false).unwrap();
        assert!(refuse_run_directory(&run.join("new/folder")).is_err());
        refuse_run_directory(&root.path().join("new/folder")).unwrap();
        // Somebody's diary is no run directory.
        std::fs::write(root.path().join("journal.txt"), "Dear diary").unwrap();
        write_file(&root.path().join("b"), b"new", false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_special_files_refused() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        symlink("target", at("link")).unwrap();
        assert!(matches!(write_file(&at("link"), b"new", false), Err(StorageError::Exists(_))), "a dangling link");
        assert!(at("link").is_symlink() && !at("target").exists());
        write_file(&at("link"), b"first", true).unwrap();
        write_file(&at("link"), b"second", true).unwrap();
        assert!(at("link").is_symlink());
        assert_eq!(std::fs::read(at("target")).unwrap(), b"second");

        symlink("circle", at("circle")).unwrap();
        assert!(problem(&at("circle"), true).contains("circle"));
        assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        symlink("/dev/null", at("null")).unwrap();
        for (name, kind) in [("fifo", "FIFO"), ("null", "a device")] {
            assert!(problem(&at(name), true).contains(kind), "{}", problem(&at(name), true));
        }
        assert!(problem(Path::new("/dev/null"), true).contains("a device"));
        let run = at("run");
        drop(crate::storage::RunDirectory::open(&run, false).unwrap());
        symlink("run/inside", at("sly")).unwrap();
        assert!(problem(&at("sly"), true).contains("inside the run directory"));
    }
}
