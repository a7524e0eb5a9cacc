//! Lock of a run directory: one process at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::StorageError;

/// The file that is locked; holds the process id of who locked it last.
pub(super) const LOCK: &str = "run.lock";

/// A locked run directory; dropped, it is free.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child process between its fork and its exec, which holds the same
        // open file for a moment.
        let _ = self.0.unlock();
    }
}

/// Locks a run directory.
///
/// The lock is the operating system's (`flock`, `LockFileEx`): it ends with the process, however that dies, so that no
/// lock is ever stale. It keeps out processes on this machine; whether it keeps out those of other machines on a
/// network file system depends on that system. The file stays: removing it would let two processes lock two files of
/// one name.
pub(super) fn lock(directory: &Path) -> Result<Lock, StorageError> {
    let path = directory.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StorageError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StorageError::Locked { directory: directory.to_owned(), pid: holder(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(StorageError::io("lock", path)(error)),
    }
    let write = |mut file: &File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&file).map_err(StorageError::io("write", path))?;
    Ok(Lock(file))
}

/// Windows lets nobody read a locked file: the process is then unknown.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
