//! A log as it was at one moment.

use std::{fs::File, io::Read, path::Path};

use serde_json::{Map, Value};

use super::{
    LogError, LoggedTrial,
    operation::{BEGINNING, Operation},
    replay::Replay,
};

/// Largest log that is read, in bytes: about 200,000 trials.
const MAX_BYTES: u64 = 256 << 20;

/// All studies of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudySnapshot {
    /// In the order in which they were created, without those that were deleted.
    pub studies: Vec<LoggedStudy>,
    /// The last line (counted from 1), if it has no end: it is being written this moment, or its writer died. It was
    /// passed over.
    pub torn_line: Option<usize>,
}

/// One Optuna study: a stage of a search, or the work of another program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedStudy {
    /// `<study>/<stage>` if this program wrote it.
    pub name: String,
    /// What is known about it, by name.
    pub attributes: Map<String, Value>,
    /// By number.
    pub trials: Vec<LoggedTrial>,
    /// Optuna's numbers for them.
    pub(super) directions: Vec<u64>,
}

impl LoggedStudy {
    /// The name's part before the first `/`; all of it if there is none.
    pub fn study(&self) -> &str {
        self.name.split_once('/').map_or(&self.name, |(study, _)| study)
    }

    /// The name's part after the first `/`; nothing if there is none.
    pub fn stage(&self) -> &str {
        self.name.split_once('/').map_or("", |(_, stage)| stage)
    }
}

impl StudySnapshot {
    /// Reads a log; another process may be writing to it.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::TooLarge`] above 256 MiB, [`LogError::Damaged`] with the first line that is no
    /// operation.
    pub fn read(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(LogError::io("open", path))?;
        Self::parse(&read_at_most(file, path)?, path)
    }

    /// Reads the bytes of a log; `path` names them in errors.
    ///
    /// # Errors
    /// [`LogError::Damaged`] with the first line that is no operation.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, LogError> {
        let mut replay = Replay::default();
        let read = take_in(&mut replay, bytes, 0, path)?;
        let torn_line = check_tail(&bytes[read.bytes..], read.lines, path)?;
        Ok(Self { studies: replay.studies.into_iter().flatten().collect(), torn_line })
    }

    /// A study by its whole name.
    pub fn study(&self, name: &str) -> Option<&LoggedStudy> {
        self.studies.iter().find(|study| study.name == name)
    }
}

pub(super) fn read_at_most(file: impl Read, path: &Path) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(LogError::io("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        let bytes = std::fs::metadata(path).map_or(MAX_BYTES + 1, |metadata| metadata.len());
        return Err(LogError::TooLarge { path: path.to_owned(), bytes, limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// What [`take_in`] took in.
#[derive(Debug)]
pub(super) struct TakenIn {
    /// Of whole lines.
    pub(super) bytes: usize,
    /// Whole lines.
    pub(super) lines: usize,
    /// Number of the last trial that this program wrote.
    pub(super) recorded: Option<u64>,
}

/// Replays all whole lines of `bytes`, which follow `lines_before` others; none of them if one is no operation.
pub(super) fn take_in(
    replay: &mut Replay,
    bytes: &[u8],
    lines_before: usize,
    path: &Path,
) -> Result<TakenIn, LogError> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut operations = Vec::new();
    for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
        let operation = Operation::parse(line.strip_suffix(b"\n").unwrap_or(line));
        let damaged =
            |problem| LogError::Damaged { path: path.to_owned(), line: lines_before + operations.len() + 1, problem };
        let operation = operation.map_err(damaged)?;
        operations.push(operation);
    }
    let lines = operations.len();
    let recorded = operations.into_iter().filter_map(|operation| replay.apply(operation)).last();
    Ok(TakenIn { bytes: whole, lines, recorded })
}

/// The number of the last line if it is the beginning of one; errors if it is something else, so that no foreign file
/// is cut.
///
/// A file system may leave zeros where a power cut came before the bytes of a line.
pub(super) fn check_tail(tail: &[u8], lines_before: usize, path: &Path) -> Result<Option<usize>, LogError> {
    let line = lines_before + 1;
    if tail.is_empty() {
        return Ok(None);
    }
    if tail.starts_with(BEGINNING) || BEGINNING.starts_with(tail) || tail.iter().all(|byte| *byte == 0) {
        return Ok(Some(line));
    }
    Err(LogError::Damaged { path: path.to_owned(), line, problem: "is no line of a study log".to_owned() })
}
