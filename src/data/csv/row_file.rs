//! CSV files of digits, read row by row.

use std::path::{Path, PathBuf};

use super::{Row, Rows, no_row};
use crate::data::{error::Result, file::Contents};

/// Iterator over the rows of a file, plain or gzip, one in memory at a time. Ends after the first error.
pub struct RowFile {
    path: PathBuf,
    rows: Rows<Contents>,
    /// True after the first row or error.
    begun: bool,
}

impl RowFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Read`](crate::data::DataError::Read) if it cannot be read or is not a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), rows: Rows::new(Contents::open(path)?, path), begun: false })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read so far and size of the file, both as it lies on the disk, packed or not.
    pub fn position(&self) -> (u64, u64) {
        self.rows.records.bytes().position()
    }
}

impl Iterator for RowFile {
    /// A row, or an error as of [`read`](super::read).
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.rows.next();
        let begun = std::mem::replace(&mut self.begun, true);
        if next.is_none() && !begun { Some(Err(no_row(&self.path))) } else { next }
    }
}
