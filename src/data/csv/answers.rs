//! The labels of a file of rows, in a file of their own.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
};

use super::{
    MAX_ROWS, levels,
    records::{Records, shown},
};
use crate::data::{
    CLASSES,
    counted::counted,
    error::{DataError, Result},
    file::{Contents, FileHash},
};

/// Most bytes in the fields of a record.
const RECORD_BYTES: usize = 256;

/// A whole file of `ImageId,Label` with ids 1, 2, 3 …: the label of each row of another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    path: PathBuf,
    labels: Vec<u8>,
    /// Line of the last answer, counted from 1.
    last_line: u64,
}

impl Answers {
    /// Reads a file, plain or gzip, with or without a header.
    ///
    /// # Errors
    /// [`DataError::Read`] if it cannot be read or unpacked; [`DataError::Row`] with line and column for an id that is
    /// not the next one, a label that is no digit, or a row that has not two columns; [`DataError::Format`] if it holds
    /// no answer.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self::read_hashed(path)?.0)
    }

    pub(in crate::data) fn read_hashed(path: &Path) -> Result<(Self, FileHash)> {
        let mut contents = Contents::open(path)?;
        contents.refuse_foreign(path)?;
        let answers = Self::parse(&mut contents, path)?;
        Ok((answers, contents.finish(path)))
    }

    fn parse(bytes: impl BufRead, path: &Path) -> Result<Self> {
        let mut records = Records::new(bytes, path, RECORD_BYTES, 3, 2..=2, "2 (ImageId and Label)".into());
        let (mut labels, mut last_line) = (Vec::new(), 0);
        let mut is_first = true;
        while let Some((line, fields)) = records.next_record()? {
            let is_header = std::mem::take(&mut is_first) && !records.field(0).first().is_some_and(u8::is_ascii_digit);
            if fields != 2 {
                return Err(records.wrong_count(line, fields));
            }
            if is_header {
                check_header(&records, line)?;
                continue;
            }
            if labels.len() == MAX_ROWS {
                return Err(DataError::Format { path: path.to_owned(), problem: format!("more than {MAX_ROWS} rows") });
            }
            let (id, label) = (records.field(0), records.field(1));
            let expected = labels.len() as u64 + 1;
            if std::str::from_utf8(id).ok().and_then(|id| id.parse::<u64>().ok()) != Some(expected) {
                let problem = format!(
                    "found ImageId `{}`, expected {expected}: answers are in the order of the rows, counted from 1",
                    shown(id)
                );
                return Err(records.error(line, Some(1), problem));
            }
            let digit = levels::label(label, records.has_decimal_commas()).ok_or_else(|| {
                records.error(
                    line,
                    Some(2),
                    format!("found `{}`, expected a whole number from 0 to {}", shown(label), CLASSES - 1),
                )
            })?;
            labels.push(digit);
            last_line = line;
        }
        if labels.is_empty() {
            return Err(DataError::Format { path: path.to_owned(), problem: "holds no answer".into() });
        }
        labels.shrink_to_fit();
        Ok(Self { path: path.to_owned(), labels, last_line })
    }

    /// `[n]`, each 0 to 9.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The error that `table` has labels itself.
    pub fn not_needed(&self, table: &Path) -> DataError {
        let problem = format!("has labels itself; {} is one answer too many", self.path.display());
        DataError::Format { path: table.to_owned(), problem }
    }

    /// Checks that there is an answer for each of so many rows of `table`, and no more.
    ///
    /// # Errors
    /// [`DataError::Row`] at the last answer if there are fewer or more.
    pub fn check_rows(&self, rows: usize, table: &Path) -> Result<()> {
        if self.labels.len() == rows {
            return Ok(());
        }
        let problem = format!(
            "the last answer has ImageId {}, but {} has {}",
            self.labels.len(),
            table.display(),
            counted(rows, "row")
        );
        Err(DataError::Row { path: self.path.clone(), line: self.last_line, column: None, problem })
    }
}

/// A header says `ImageId,Label`, in upper or lower case.
fn check_header<R: BufRead>(records: &Records<R>, line: u64) -> Result<()> {
    for (column, name) in ["ImageId", "Label"].into_iter().enumerate() {
        let found = records.field(column);
        let found = found.strip_prefix(b"\xef\xbb\xbf").unwrap_or(found);
        if !found.eq_ignore_ascii_case(name.as_bytes()) {
            return Err(records.error(
                line,
                Some(column + 1),
                format!("found `{}`, expected `{name}` or a number", shown(found)),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::AnswerWriter;

    fn answers(text: &str) -> Result<Answers> {
        Answers::parse(std::io::BufReader::with_capacity(7, text.as_bytes()), Path::new("answers.csv"))
    }

    #[test]
    fn what_the_writer_writes_reads_back() {
        let mut text = Vec::new();
        let mut writer = AnswerWriter::new(&mut text, false).unwrap();
        for (id, label) in [(1, 7), (2, 0), (3, 9)] {
            writer.write(id, label, &[]).unwrap();
        }
        assert_eq!(text, b"ImageId,Label\n1,7\n2,0\n3,9\n");
        assert_eq!(answers(std::str::from_utf8(&text).unwrap()).unwrap().labels(), [7, 0, 9]);
    }

    #[test]
    fn headers_quotes_and_line_ends_are_all_the_same() {
        for text in
            ["1,7\n2,0", "\"ImageId\",\"Label\"\r\n\"1\",\"7\"\r\n2, 0\r\n", "\u{feff}imageid,label\n\n1,7\n\n2,0\n\n"]
        {
            assert_eq!(answers(text).unwrap().labels(), [7, 0], "{text:?}");
        }
    }

    #[test]
    fn errors_name_line_and_column() {
        for (text, words) in [
            ("ImageId,Label\n1,7\n\n3,0", "answers.csv, line 4, column 1: found ImageId `3`, expected 2"),
            ("1,7\n2,10", "line 2, column 2: found `10`, expected a whole number from 0 to 9"),
            ("1,7\n2,-1", "line 2, column 2: found `-1`"),
            ("1,7\n2", "line 2: 1 column, expected 2 (ImageId and Label)"),
            ("1,7,3\n", "line 1: 3 columns, expected 2"),
            ("1,7,3,4\n", "line 1: 4 columns, expected 2"),
            ("Id,Digit\n1,7", "line 1, column 1: found `Id`, expected `ImageId` or a number"),
            ("ImageId,Label\nImageId,Label\n", "line 2, column 1: found ImageId `ImageId`, expected 1"),
            ("ImageId,Label\n", "answers.csv: holds no answer"),
            ("", "answers.csv: holds no answer"),
        ] {
            let error = answers(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
        let error =
            answers("ImageId,Label\n1,7\n2,0\n").unwrap().check_rows(3, Path::new("test.csv")).unwrap_err().to_string();
        assert_eq!(error, "answers.csv, line 3: the last answer has ImageId 2, but test.csv has 3 rows");
    }
}
