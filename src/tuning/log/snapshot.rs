//! Log at one moment.

use std::path::Path;

use super::{
    error::LogError,
    logged_study::LoggedStudy,
    reader::{Reader, read_at_most},
};
use crate::storage::open_regular;

/// All studies of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudySnapshot {
    /// Studies in the order in which they were created, without deleted ones.
    pub studies: Vec<LoggedStudy>,
    /// Number of the last line (counted from 1) if it has no end: it is being written at this moment, or its writer was
    /// killed. It is ignored.
    pub torn_line: Option<usize>,
}

impl StudySnapshot {
    /// Reads a log, which another process may be writing to.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::TooLarge`] above 256 MiB, [`LogError::Damaged`] with the first line that is no
    /// operation or fails its checksum.
    pub fn read(path: &Path) -> Result<Self, LogError> {
        let file = open_regular(path).map_err(LogError::io("open", path))?;
        Self::parse(&read_at_most(file, path)?, path)
    }

    /// Parses the bytes of a log; `path` names it in errors.
    ///
    /// # Errors
    /// [`LogError::Damaged`] with the first line that is no operation or fails its checksum.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, LogError> {
        let mut reader = Reader::default();
        reader.take_in(bytes, path)?;
        let torn_line = reader.check_tail(&bytes[reader.bytes as usize..], path)?;
        Ok(Self { studies: reader.replay.studies.into_iter().flatten().collect(), torn_line })
    }

    /// Returns a study by its whole name.
    pub fn study(&self, name: &str) -> Option<&LoggedStudy> {
        self.studies.iter().find(|study| study.name == name)
    }
}
