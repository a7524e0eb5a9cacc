//! The records of a delimited text file, read one after the other through buffers of a fixed size.

use std::{
    io::{self, BufRead, Read},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use csv_core::ReadRecordResult;

use crate::data::{
    counted::counted,
    error::{DataError, Result, reading},
};

/// Separators that are tried, in this order: commas may be decimal points, and spaces stand beside all of them.
const SEPARATORS: [u8; 5] = [b'\t', b';', b'|', b',', b' '];
/// Most fields of a record that are counted for an error message.
const MOST_COUNTED: usize = 1_000_000;

/// Reads records; the fields of the last one lie in its buffers. Fields may be quoted, lines may end in LF or CRLF,
/// empty lines are passed over. The separator is found from the first line.
pub(super) struct Records<R> {
    bytes: Peeked<R>,
    path: PathBuf,
    parser: csv_core::Reader,
    separator: Option<u8>,
    /// Numbers of fields that a record may have: the separator that gives one of them is the file's.
    plausible: RangeInclusive<usize>,
    /// Lines passed over before the parser saw them.
    empty_lines: u64,
    record: Box<[u8]>,
    ends: Box<[usize]>,
    /// The columns that a record should have, for error messages.
    pub(super) expected: String,
}

/// Source of bytes of which the first were looked at.
struct Peeked<R> {
    head: Vec<u8>,
    at: usize,
    inner: R,
}

impl<R: BufRead> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Peeked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.head.len() { Ok(&self.head[self.at..]) } else { self.inner.fill_buf() }
    }

    fn consume(&mut self, amount: usize) {
        if self.at < self.head.len() {
            self.at += amount;
        } else {
            self.inner.consume(amount);
        }
    }
}

impl<R: BufRead> Peeked<R> {
    /// Reads ahead to the end of the line, `most` bytes at most, and returns what lies before it.
    fn first_line(&mut self, most: usize) -> io::Result<&[u8]> {
        self.head.clear();
        self.at = 0;
        while self.head.len() < most {
            let buffer = self.inner.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            if taken == 0 {
                break;
            }
            self.head.extend_from_slice(&buffer[..taken]);
            self.inner.consume(taken);
            if end.is_some() {
                break;
            }
        }
        Ok(self.head.trim_ascii_end())
    }
}

impl<R: BufRead> Records<R> {
    /// Reads from `bytes`; `path` names them in errors. No record may have more than `most_bytes` bytes in its fields
    /// or as many as `fields` fields; `plausible` numbers of fields tell the separator.
    pub(super) fn new(
        bytes: R,
        path: &Path,
        most_bytes: usize,
        fields: usize,
        plausible: RangeInclusive<usize>,
        expected: String,
    ) -> Self {
        Self {
            bytes: Peeked { head: Vec::new(), at: 0, inner: bytes },
            path: path.to_owned(),
            parser: csv_core::Reader::new(),
            separator: None,
            plausible,
            empty_lines: 0,
            record: vec![0; most_bytes].into(),
            ends: vec![0; fields].into(),
            expected,
        }
    }

    /// Source of the records.
    pub(super) fn bytes(&self) -> &R {
        &self.bytes.inner
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a comma inside a field is a decimal point.
    pub(super) fn has_decimal_commas(&self) -> bool {
        matches!(self.separator, Some(b';' | b'\t' | b'|'))
    }

    /// An error in a line of this file, counted from 1.
    pub(super) fn error(&self, line: u64, column: Option<usize>, problem: impl Into<String>) -> DataError {
        DataError::Row { path: self.path.clone(), line, column, problem: problem.into() }
    }

    /// The error of a record of `count` fields.
    pub(super) fn wrong_count(&self, line: u64, count: usize) -> DataError {
        let more = if count > MOST_COUNTED { "more than " } else { "" };
        let count = counted(count.min(MOST_COUNTED), "column");
        let separator = match self.separator {
            Some(b',') | None => String::new(),
            Some(b'\t') => " separated by tabs".to_owned(),
            Some(b' ') => " separated by spaces".to_owned(),
            Some(other) => format!(" separated by `{}`", char::from(other)),
        };
        self.error(line, None, format!("{more}{count}{separator}, expected {}", self.expected))
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

    /// Finds the separator from the first line.
    fn find_separator(&mut self) -> Result<()> {
        let most = self.record.len();
        let line = self.bytes.first_line(most).map_err(reading(&self.path))?;
        let separator = separator_of(line, &self.plausible);
        self.parser = csv_core::ReaderBuilder::new().delimiter(separator).build();
        self.separator = Some(separator);
        Ok(())
    }

    /// The next record's line and number of fields; none at the end of the file.
    pub(super) fn next_record(&mut self) -> Result<Option<(u64, usize)>> {
        if !self.at_record()? {
            return Ok(None);
        }
        if self.separator.is_none() {
            self.find_separator()?;
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
                    let count = self.count_fields(fields)?;
                    return Err(self.wrong_count(line, count));
                }
                ReadRecordResult::Record => return Ok(Some((line, fields))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Counts the fields of a record to its end, of which `count` were read.
    fn count_fields(&mut self, mut count: usize) -> Result<usize> {
        let mut ends = [0; 64];
        while count <= MOST_COUNTED {
            let buffer = self.bytes.fill_buf().map_err(reading(&self.path))?;
            let (state, used, _, more) = self.parser.read_record(buffer, &mut self.record, &mut ends);
            self.bytes.consume(used);
            count += more;
            if matches!(state, ReadRecordResult::Record | ReadRecordResult::End) {
                break;
            }
        }
        Ok(count)
    }

    /// A field of the last record, counted from 0, without white space around it.
    pub(super) fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.record[start..self.ends[index]].trim_ascii()
    }
}

/// The separator of a line: the first that gives a plausible number of fields, or else the most frequent one.
fn separator_of(line: &[u8], plausible: &RangeInclusive<usize>) -> u8 {
    let mut counts = [0; SEPARATORS.len()];
    let mut in_quotes = false;
    for byte in line {
        in_quotes ^= *byte == b'"';
        if let Some(index) = SEPARATORS.iter().position(|separator| separator == byte).filter(|_| !in_quotes) {
            counts[index] += 1;
        }
    }
    let is_plausible = |index: &usize| counts[*index] > 0 && plausible.contains(&(counts[*index] + 1));
    let most = || (0..SEPARATORS.len() - 1).max_by_key(|&index| counts[index]).filter(|&index| counts[index] > 0);
    let index = (0..SEPARATORS.len()).find(is_plausible).or_else(most);
    index.map_or(b',', |index| SEPARATORS[index])
}

/// The start of a cell, for an error message.
pub(super) fn shown(field: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(field).chars().take(20).collect();
    text.escape_debug().to_string()
}
