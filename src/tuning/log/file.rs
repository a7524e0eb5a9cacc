//! Open log file: locked, repaired, and extended by whole lines only.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    error::LogError,
    reader::{Reader, read_at_most},
    replay::Replay,
};
use crate::storage;

/// Incomplete last line that [`StudyLog::open`](super::StudyLog::open) removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Number of the line, counted from 1.
    pub line: usize,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Log that this process alone searches with, and its contents.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
    reader: Reader,
    pub(super) repaired: Option<Repair>,
}

impl Drop for LogFile {
    fn drop(&mut self) {
        // A child process between its fork and its exec holds the same open file for a moment, and with it the lock.
        let _ = self.file.unlock();
    }
}

impl LogFile {
    /// Opens or creates a log, locks it, and removes a last line without an end.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let file = open_alone(path)?;
        let mut log = Self { file, path: path.to_owned(), reader: Reader::default(), repaired: None };
        let bytes = read_at_most(&log.file, path)?;
        log.reader.take_in(&bytes, path)?;
        let tail = &bytes[log.reader.bytes as usize..];
        if let Some(line) = log.reader.check_tail(tail, path)? {
            log.file.cut(log.reader.bytes).map_err(LogError::io("cut the last line of", path))?;
            log.repaired = Some(Repair { line, bytes: tail.len() as u64 });
        }
        if bytes.is_empty() {
            sync_folder_of(path)?;
        }
        Ok(log)
    }

    /// Returns the path of the log.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the studies of the log.
    pub(super) fn replay(&self) -> &Replay {
        &self.reader.replay
    }

    /// Appends a line with its checksum and flushes it to the disk; returns the number of the trial in it.
    ///
    /// # Errors
    /// After [`LogError::Io`] the file ends as before, or with half a line that no reader sees and that the next call
    /// refuses to write behind.
    pub(super) fn append(&mut self, line: &str) -> Result<Option<u64>, LogError> {
        self.catch_up()?;
        let (line, end) = (self.reader.seal(line), self.reader.bytes);
        self.file.seek(SeekFrom::Start(end)).map_err(LogError::io("write", &self.path))?;
        append_whole(&mut self.file, end, line.as_bytes()).map_err(LogError::io("write", &self.path))?;
        self.catch_up()
    }

    /// Takes in the lines that were appended since the last call, whoever wrote them; returns the number of the last
    /// trial in them that this program recorded.
    pub(super) fn catch_up(&mut self) -> Result<Option<u64>, LogError> {
        let end = self.reader.bytes;
        let length = self.file.metadata().map_err(LogError::io("read", &self.path))?.len();
        if length < end {
            return Err(self.changed(format!("it has {length} bytes, expected at least {end}")));
        }
        if length == end {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(end)).map_err(LogError::io("read", &self.path))?;
        let bytes = read_at_most((&self.file).take(length - end), &self.path)?;
        let recorded = self.reader.take_in(&bytes, &self.path)?;
        if self.reader.bytes < end + bytes.len() as u64 {
            return Err(self.changed(format!("line {} has no end", self.reader.lines + 1)));
        }
        Ok(recorded)
    }

    fn changed(&self, problem: String) -> LogError {
        LogError::Changed { path: self.path.clone(), problem }
    }
}

/// Opens a file and takes an exclusive lock, which other searches respect.
///
/// The lock is on the log itself and ends with the process. It does not affect readers and other programs that append.
#[cfg(not(windows))]
fn open_alone(path: &Path) -> Result<File, LogError> {
    use std::fs::TryLockError;
    let file =
        OpenOptions::new().read(true).append(true).create(true).open(path).map_err(LogError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(LogError::io("lock", path)(error)),
    }
}

/// Opens a file that no other process may write to; a lock would exclude readers too.
#[cfg(windows)]
fn open_alone(path: &Path) -> Result<File, LogError> {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARE_READ: u32 = 1;
    const SHARING_VIOLATION: i32 = 32;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).share_mode(SHARE_READ).open(path).map_err(
        |error| {
            if error.raw_os_error() == Some(SHARING_VIOLATION) {
                LogError::Locked(path.to_owned())
            } else {
                LogError::io("open", path)(error)
            }
        },
    )
}

/// Flushes the directory entry of a new file to the disk.
fn sync_folder_of(path: &Path) -> Result<(), LogError> {
    let folder = storage::folder_of(path);
    storage::sync_folder(folder).map_err(LogError::io("flush", folder))
}

/// File, or in tests one that fails.
trait Disk: Write {
    /// Flushes what was written to the disk.
    fn flush_to_disk(&mut self) -> io::Result<()>;
    /// Shortens the file and flushes that to the disk.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Disk for File {
    fn flush_to_disk(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.sync_all()
    }
}

/// Appends a line to a file of `length` bytes; if that fails, removes it again as far as the disk permits.
fn append_whole(disk: &mut impl Disk, length: u64, line: &[u8]) -> io::Result<()> {
    let written = disk.write_all(line).and_then(|()| disk.flush_to_disk());
    if written.is_err() {
        let _ = disk.cut(length);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Disk that is full after `room` bytes.
    struct Small {
        bytes: Vec<u8>,
        room: usize,
        flushes: bool,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.bytes.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Small {
        fn flush_to_disk(&mut self) -> io::Result<()> {
            if self.flushes { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.bytes.truncate(length as usize);
            Ok(())
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_taken_back() {
        for room in 4..12 {
            let mut disk = Small { bytes: b"old\n".to_vec(), room, flushes: true };
            let error = append_whole(&mut disk, 4, b"new line\n").unwrap_err();
            assert_eq!((error.kind(), &disk.bytes[..]), (io::ErrorKind::StorageFull, &b"old\n"[..]));
        }
        let mut disk = Small { bytes: b"old\n".to_vec(), room: 13, flushes: false };
        append_whole(&mut disk, 4, b"new line\n").unwrap_err();
        assert_eq!(disk.bytes, b"old\n");
        disk.flushes = true;
        append_whole(&mut disk, 4, b"new line\n").unwrap();
        assert_eq!(disk.bytes, b"old\nnew line\n");
    }
}
