//! CSV files of digits, read row by row.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use super::{Row, Rows, no_row, rows::AHEAD};
use crate::data::{
    Polarity,
    error::{DataError, Result},
    file::Contents,
    ground::{Ground, inverted, is_stored_turned, transposed},
    labels,
};

/// Iterator over the rows of a file, plain or gzip, a few in memory at a time. Ends after the first error.
///
/// The first rows tell what holds for all of them, as they do for a whole table: images on a light background are
/// inverted, EMNIST's are turned, and a label in another place than the first is refused.
pub struct RowFile {
    path: PathBuf,
    rows: Rows<Contents>,
    ahead: VecDeque<Result<Row>>,
    is_transposed: bool,
    is_inverted: bool,
    notes: Vec<String>,
    /// True after the first row or error.
    begun: bool,
}

impl RowFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Read`](DataError::Read) if it cannot be read or is not a regular file; [`Format`](DataError::Format) if it
    /// holds something else, such as a web page.
    pub fn open(path: &Path) -> Result<Self> {
        let mut contents = Contents::open(path)?;
        contents.refuse_foreign(path)?;
        Ok(Self {
            path: path.to_owned(),
            rows: Rows::new(contents, path),
            ahead: VecDeque::new(),
            is_transposed: is_stored_turned(&path.file_name().unwrap_or_default().to_string_lossy()),
            is_inverted: false,
            notes: Vec::new(),
            begun: false,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read so far and size of the file, both as it lies on the disk, packed or not.
    pub fn position(&self) -> (u64, u64) {
        self.rows.bytes().position()
    }

    /// Unusual things of the file that somebody should know, once its first row was read: inverted images, columns in
    /// another order.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads the first rows and finds what they tell about all.
    fn begin(&mut self) {
        while self.ahead.len() < AHEAD {
            let Some(row) = self.rows.next() else { break };
            let is_error = row.is_err();
            self.ahead.push_back(row);
            if is_error {
                break;
            }
        }
        let first = || self.ahead.iter().filter_map(|row| row.as_ref().ok());
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (is_inverted, note) = Ground::of(first().map(|row| &row.pixels)).decide(Polarity::Auto, &name);
        let mut notes = self.rows.notes();
        notes.extend(note);
        let last = || first().map(|row| row.pixels[row.pixels.len() - 1]);
        let problem = match self.rows.has_named_label() {
            false => labels::misplaced(first().filter_map(|row| row.label), last()),
            true => None,
        };
        (self.is_inverted, self.notes) = (is_inverted, notes);
        match problem {
            Some(problem) => {
                let error = DataError::Format { path: self.path.clone(), problem };
                self.ahead.clear();
                self.ahead.push_back(Err(error));
                self.rows.end();
            }
            None if self.ahead.is_empty() => self.ahead.push_back(Err(no_row(&self.path))),
            None => {}
        }
    }
}

impl Iterator for RowFile {
    /// A row, or an error as of [`read`](super::read).
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin();
        }
        let mut row = self.ahead.pop_front().or_else(|| self.rows.next())?;
        if let Ok(row) = &mut row {
            if self.is_transposed {
                row.pixels = transposed(&row.pixels);
            }
            if self.is_inverted {
                row.pixels = inverted(&row.pixels);
            }
        }
        Some(row)
    }
}
