//! The open file: locked, repaired, and longer by whole lines only.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    LogError,
    replay::Replay,
    snapshot::{check_tail, read_at_most, take_in},
};

/// What [`StudyLog::open`](super::StudyLog::open) cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The line that had no end, counted from 1.
    pub line: usize,
    /// How much of it there was.
    pub bytes: u64,
}

/// A log that this process alone writes to, and what it holds.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
    /// Bytes of the lines that `replay` has taken in.
    end: u64,
    lines: usize,
    pub(super) replay: Replay,
    pub(super) repaired: Option<Repair>,
}

impl Drop for LogFile {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child process between its fork and its exec, which holds the same
        // open file for a moment.
        let _ = self.file.unlock();
    }
}

impl LogFile {
    /// Opens or creates a log, locks it, and cuts off a last line without an end.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let file = open_alone(path)?;
        let mut log = Self { file, path: path.to_owned(), end: 0, lines: 0, replay: Replay::default(), repaired: None };
        let bytes = read_at_most(&log.file, path)?;
        let read = take_in(&mut log.replay, &bytes, 0, path)?;
        (log.end, log.lines) = (read.bytes as u64, read.lines);
        if let Some(line) = check_tail(&bytes[read.bytes..], read.lines, path)? {
            log.file.cut(log.end).map_err(LogError::io("cut the last line of", path))?;
            log.repaired = Some(Repair { line, bytes: (bytes.len() - read.bytes) as u64 });
        }
        if bytes.is_empty() {
            sync_folder_of(path)?;
        }
        Ok(log)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line and flushes it to the disk; the number of the trial in it.
    ///
    /// # Errors
    /// After [`LogError::Io`] the file ends as before, or with half a line that no reader sees and that the next call
    /// refuses to write behind.
    pub(super) fn append(&mut self, line: &str) -> Result<Option<u64>, LogError> {
        self.catch_up()?;
        self.file.seek(SeekFrom::Start(self.end)).map_err(LogError::io("write", &self.path))?;
        append_whole(&mut self.file, self.end, line.as_bytes()).map_err(LogError::io("write", &self.path))?;
        self.catch_up()
    }

    /// Takes in what the file holds beyond `end`, whoever wrote it; the number of the last trial in it that this
    /// program wrote.
    pub(super) fn catch_up(&mut self) -> Result<Option<u64>, LogError> {
        let length = self.file.metadata().map_err(LogError::io("read", &self.path))?.len();
        if length < self.end {
            return Err(self.changed(format!("it has {length} bytes, expected at least {}", self.end)));
        }
        if length == self.end {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(self.end)).map_err(LogError::io("read", &self.path))?;
        let bytes = read_at_most((&self.file).take(length - self.end), &self.path)?;
        let taken = take_in(&mut self.replay, &bytes, self.lines, &self.path)?;
        self.end += taken.bytes as u64;
        self.lines += taken.lines;
        if taken.bytes < bytes.len() {
            return Err(self.changed(format!("line {} has no end", self.lines + 1)));
        }
        Ok(taken.recorded)
    }

    fn changed(&self, problem: String) -> LogError {
        LogError::Changed { path: self.path.clone(), problem }
    }
}

/// Opens a file that no other process of this kind has open.
///
/// The lock is on the log itself and ends with the process. Readers, and other programs that append, are not kept out.
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

/// Opens a file that no other process may write to; a lock would keep out readers too.
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

/// Flushes the name of a new file to the disk.
fn sync_folder_of(path: &Path) -> Result<(), LogError> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|file| file.sync_all()).map_err(LogError::io("flush", folder))?;
    }
    Ok(())
}

/// A file, or in tests one that fails.
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

/// Appends a line to a file of `length` bytes; takes it back, as far as the disk lets it, if that fails.
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

    /// Holds `room` bytes, then it is full.
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
