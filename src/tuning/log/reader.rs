//! Lines of a log → checked operations → studies.

use std::{
    io::{ErrorKind, Read},
    path::Path,
};

use super::{
    checksum::Chain,
    error::LogError,
    operation::{BEGINNING, Entry},
    replay::Replay,
};
use crate::storage;

/// Largest log that is read, in bytes: about 200,000 trials.
const MAX_BYTES: u64 = 256 << 20;

/// State of a log after its whole lines so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) replay: Replay,
    chain: Chain,
    /// Bytes of the lines.
    pub(super) bytes: u64,
    /// Number of lines.
    pub(super) lines: usize,
}

impl Reader {
    /// Takes in the whole lines of `bytes`, which follow those so far; returns the number of the last trial that this
    /// program recorded in them. `path` names the log in errors.
    ///
    /// # Errors
    /// [`LogError::Damaged`] with the first line that is no operation or fails its checksum; no line is taken in then.
    pub(super) fn take_in(&mut self, bytes: &[u8], path: &Path) -> Result<Option<u64>, LogError> {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut chain = self.chain.clone();
        let mut entries = Vec::new();
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let entry = Entry::parse(line.strip_suffix(b"\n").unwrap_or(line))
                .and_then(|entry| chain.take(line, entry.ours).map(|()| entry))
                .map_err(|problem| self.damaged(entries.len(), problem, path))?;
            entries.push(entry);
        }
        self.chain = chain;
        self.bytes += whole as u64;
        self.lines += entries.len();
        Ok(entries.into_iter().filter_map(|entry| self.replay.apply(entry)).last())
    }

    /// Adds the checksum to a line that is to be appended.
    pub(super) fn seal(&self, line: &str) -> String {
        self.chain.seal(line)
    }

    /// Returns the number of the last line if `tail` is the beginning of one.
    ///
    /// A file system may leave zeros where a power cut came before the bytes of a line.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if `tail` is anything else, so that no other kind of file is shortened.
    pub(super) fn check_tail(&self, tail: &[u8], path: &Path) -> Result<Option<usize>, LogError> {
        if tail.is_empty() {
            return Ok(None);
        }
        if tail.starts_with(BEGINNING) || BEGINNING.starts_with(tail) || tail.iter().all(|byte| *byte == 0) {
            return Ok(Some(self.lines + 1));
        }
        Err(self.damaged(0, "not a line of a study log".to_owned(), path))
    }

    /// Returns the error about a line, counted from 0 after those so far.
    fn damaged(&self, index: usize, problem: String, path: &Path) -> LogError {
        LogError::Damaged { path: path.to_owned(), line: self.lines + index + 1, problem }
    }
}

/// Reads all bytes of a log.
///
/// # Errors
/// [`LogError::Io`], [`LogError::TooLarge`] above 256 MiB.
pub(super) fn read_at_most(file: impl Read, path: &Path) -> Result<Vec<u8>, LogError> {
    storage::read_at_most(file, MAX_BYTES).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            let bytes = std::fs::metadata(path).map_or(MAX_BYTES + 1, |metadata| metadata.len());
            LogError::TooLarge { path: path.to_owned(), bytes, limit: MAX_BYTES }
        }
        _ => LogError::io("read", path)(error),
    })
}
