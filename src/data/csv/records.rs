//! The records of a CSV file, read one after the other through buffers of a fixed size.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
};

use csv_core::ReadRecordResult;

use crate::data::error::{DataError, Result, reading};

/// Reads records; the fields of the last one lie in its buffers. Fields may be quoted, lines may end in LF or CRLF,
/// empty lines are passed over.
pub(super) struct Records<R> {
    bytes: R,
    path: PathBuf,
    parser: csv_core::Reader,
    /// Lines passed over before the parser saw them.
    empty_lines: u64,
    record: Box<[u8]>,
    ends: Box<[usize]>,
    /// The columns that a record should have, for error messages.
    pub(super) expected: String,
}

impl<R: BufRead> Records<R> {
    /// Reads from `bytes`; `path` names them in errors. No record may have more than `most_bytes` bytes in its fields
    /// or as many as `fields` fields.
    pub(super) fn new(bytes: R, path: &Path, most_bytes: usize, fields: usize, expected: String) -> Self {
        Self {
            bytes,
            path: path.to_owned(),
            parser: csv_core::Reader::new(),
            empty_lines: 0,
            record: vec![0; most_bytes].into(),
            ends: vec![0; fields].into(),
            expected,
        }
    }

    /// Source of the records.
    pub(super) fn bytes(&self) -> &R {
        &self.bytes
    }

    /// An error in a line of this file, counted from 1.
    pub(super) fn error(&self, line: u64, column: Option<usize>, problem: impl Into<String>) -> DataError {
        DataError::Row { path: self.path.clone(), line, column, problem: problem.into() }
    }

    /// Passes over line ends; false at the end of the file.
    fn at_record(&mut self) -> Result<bool> {
        loop {
            let buffer = self.bytes.fill_buf().map_err(reading(&self.path))?;
            let Some(&first) = buffer.first() else { return Ok(false) };
            if !matches!(first, b'\n' | b'\r') {
                return Ok(true);
            }
            self.empty_lines += u64::from(first == b'\n');
            self.bytes.consume(1);
        }
    }

    /// The next record's line and number of fields; none at the end of the file.
    pub(super) fn next_record(&mut self) -> Result<Option<(u64, usize)>> {
        if !self.at_record()? {
            return Ok(None);
        }
        let line = self.parser.line() + self.empty_lines;
        let (mut written, mut fields) = (0, 0);
        loop {
            let buffer = self.bytes.fill_buf().map_err(reading(&self.path))?;
            let (state, used, bytes, ends) =
                self.parser.read_record(buffer, &mut self.record[written..], &mut self.ends[fields..]);
            self.bytes.consume(used);
            written += bytes;
            fields += ends;
            match state {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    let problem = format!("the row is longer than {} bytes (is a quote left open?)", self.record.len());
                    return Err(self.error(line, None, problem));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(self.error(
                        line,
                        None,
                        format!("more than {} columns, expected {}", self.ends.len(), self.expected),
                    ));
                }
                ReadRecordResult::Record => return Ok(Some((line, fields))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// A field of the last record, counted from 0, without white space around it.
    pub(super) fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.record[start..self.ends[index]].trim_ascii()
    }
}

/// The start of a cell, for an error message.
pub(super) fn shown(field: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(field).chars().take(20).collect();
    text.escape_debug().to_string()
}
