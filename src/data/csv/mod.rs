//! CSV: one digit a row, as Kaggle and others hand MNIST out.
//!
//! | columns | header | what |
//! |---|---|---|
//! | 785 | none | label, then 784 pixels |
//! | 785 | `label,pixel0…pixel783`, `label,1x1…28x28`, … | the same |
//! | 784 | none, or `pixel0…pixel783`, … | pixels without a label |
//!
//! [`RowFile`] reads such a file row by row, [`write_rows`] writes one. [`AnswerWriter`] writes and [`Answers`] reads
//! what goes with it in Kaggle's competitions: `ImageId,Label`, one line for each row, counted from 1.
//!
//! Pixels are row-major whole numbers from 0 (background) to 255. The first record is a header unless it begins with a
//! number. Rows are read one at a time through buffers of a fixed size, so that no row, however long, costs memory;
//! fields may be quoted, lines may end in LF or CRLF, empty lines are passed over.

mod answers;
mod records;
mod row_file;
mod write;

use std::{io::BufRead, path::Path};

use records::{Records, shown};

use super::{
    CLASSES, Digits, Images, PIXELS,
    error::{DataError, Result},
    file::{Contents, FileHash},
};

pub use answers::Answers;
pub use row_file::RowFile;
pub use write::{AnswerWriter, write_rows};

/// Most bytes in a record: a quoted Kaggle header takes 9,060.
const RECORD_BYTES: usize = 16 << 10;
/// Most rows in a file.
const MAX_ROWS: usize = 10_000_000;

/// One row of a CSV file of digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 0 to 9; none in a file without labels.
    pub label: Option<u8>,
    /// `[28, 28]`.
    pub pixels: [u8; PIXELS],
}

/// Contents of a CSV file of digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// `[n, 28, 28]`.
    pub images: Images,
    /// `[n]`, each 0 to 9; none if the file has no labels.
    pub labels: Option<Vec<u8>>,
}

impl Table {
    /// The digits, each its own group; none if the file has no labels.
    pub fn into_digits(self) -> Option<Digits> {
        self.labels.map(|labels| Digits::new(self.images, labels))
    }
}

/// Reads a whole file, plain or gzip.
///
/// # Errors
/// [`DataError::Read`] if it cannot be read or unpacked; [`DataError::Row`] with line and column for the first cell
/// that does not belong; [`DataError::Format`] if it holds no row.
pub fn read(path: &Path) -> Result<Table> {
    Ok(read_hashed(path)?.0)
}

pub(super) fn read_hashed(path: &Path) -> Result<(Table, FileHash)> {
    let mut contents = Contents::open(path)?;
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    let mut rows = Rows::new(&mut contents, path);
    for row in &mut rows {
        let row = row?;
        if pixels.len() / PIXELS == MAX_ROWS {
            return Err(DataError::Format { path: path.to_owned(), problem: format!("more than {MAX_ROWS} rows") });
        }
        pixels.extend_from_slice(&row.pixels);
        labels.extend(row.label);
    }
    if pixels.is_empty() {
        return Err(no_row(path));
    }
    pixels.shrink_to_fit();
    let images = Images::new(pixels).expect("every row has 784 pixels");
    let labels = (labels.len() == images.len()).then_some(labels);
    Ok((Table { images, labels }, contents.finish(path)))
}

fn no_row(path: &Path) -> DataError {
    DataError::Format { path: path.to_owned(), problem: "holds no row of pixels".into() }
}

/// The rows of a file, read one after the other. Ends after the first error.
pub struct Rows<R> {
    records: Records<R>,
    columns: Option<usize>,
    over: bool,
}

impl<R: BufRead> Rows<R> {
    /// Reads from `bytes`; `path` names them in errors.
    pub fn new(bytes: R, path: &Path) -> Self {
        let expected = format!("{} (label and pixels) or {PIXELS} (pixels)", PIXELS + 1);
        Self { records: Records::new(bytes, path, RECORD_BYTES, PIXELS + 2, expected), columns: None, over: false }
    }

    fn error(&self, line: u64, column: Option<usize>, problem: impl Into<String>) -> DataError {
        self.records.error(line, column, problem)
    }

    fn field(&self, index: usize) -> &[u8] {
        self.records.field(index)
    }

    fn next_row(&mut self) -> Result<Option<Row>> {
        let Some((mut line, mut fields)) = self.records.next_record()? else { return Ok(None) };
        if self.columns.is_none() {
            if fields != PIXELS && fields != PIXELS + 1 {
                return Err(self.error(line, None, format!("{fields} columns, expected {}", self.records.expected)));
            }
            self.columns = Some(fields);
            self.records.expected = fields.to_string();
            if !self.field(0).first().is_some_and(u8::is_ascii_digit) || self.field(0).contains(&b'x') {
                self.check_header(line, fields)?;
                let Some(next) = self.records.next_record()? else { return Ok(None) };
                (line, fields) = next;
            }
        }
        if Some(fields) != self.columns {
            return Err(self.error(line, None, format!("{fields} columns, expected {}", self.records.expected)));
        }
        let number = |column: usize, most: u8| {
            let field = self.field(column);
            number(field).filter(|&value| value <= most).ok_or_else(|| {
                let problem = format!("found `{}`, expected a whole number from 0 to {most}", shown(field));
                self.error(line, Some(column + 1), problem)
            })
        };
        let first = fields - PIXELS;
        let label = if first == 1 { Some(number(0, CLASSES as u8 - 1)?) } else { None };
        let mut pixels = [0; PIXELS];
        for (index, pixel) in pixels.iter_mut().enumerate() {
            *pixel = number(first + index, u8::MAX)?;
        }
        Ok(Some(Row { label, pixels }))
    }

    /// A header holds names only, and one with a label has it first.
    fn check_header(&self, line: u64, fields: usize) -> Result<()> {
        if (1..fields).any(|column| number(self.field(column)).is_some()) {
            let problem = format!("found `{}`, expected a whole number", shown(self.field(0)));
            return Err(self.error(line, Some(1), problem));
        }
        let label = |column: usize| self.field(column).eq_ignore_ascii_case(b"label");
        if fields == PIXELS + 1 && !label(0) {
            let problem =
                format!("the first of {fields} columns is called `{}`, expected `label`", shown(self.field(0)));
            return Err(self.error(line, Some(1), problem));
        }
        match (fields - PIXELS..fields).find(|&column| label(column)) {
            Some(column) => {
                Err(self.error(line, Some(column + 1), "`label` among the pixels; it must be the first of 785 columns"))
            }
            None => Ok(()),
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let row = self.next_row().transpose();
        self.over = !matches!(row, Some(Ok(_)));
        row
    }
}

/// One to three decimal digits, at most 255.
fn number(field: &[u8]) -> Option<u8> {
    if field.is_empty() || field.len() > 3 {
        return None;
    }
    let value = field
        .iter()
        .try_fold(0u16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u16::from(byte - b'0')))?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<Row>> {
        // A tiny buffer puts every boundary between reads somewhere inside a row.
        Rows::new(std::io::BufReader::with_capacity(7, text.as_ref()), Path::new("digits.csv")).collect()
    }

    fn line(label: Option<u8>, first_pixel: &str) -> String {
        let cells = label.map(|label| label.to_string()).into_iter().chain([first_pixel.to_owned()]);
        cells.chain((1..PIXELS).map(|pixel| (pixel % 256).to_string())).collect::<Vec<_>>().join(",")
    }

    fn header(label: &str, quote: &str) -> String {
        let label = if label.is_empty() { String::new() } else { format!("{quote}{label}{quote},") };
        label + &(0..PIXELS).map(|pixel| format!("{quote}pixel{pixel}{quote}")).collect::<Vec<_>>().join(",")
    }

    #[track_caller]
    fn refused(text: impl AsRef<[u8]>, words: &str) {
        let error = rows(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn every_layout() {
        let labelled = format!("{}\n{}\n", line(Some(7), "255"), line(Some(0), "\"1\""));
        let plain = rows(&labelled).unwrap();
        assert_eq!(plain.iter().map(|row| row.label).collect::<Vec<_>>(), [Some(7), Some(0)]);
        assert_eq!([plain[0].pixels[0], plain[1].pixels[0], plain[0].pixels[300]], [255, 1, 44]);

        let sizes = (1..=28)
            .flat_map(|row| (1..=28).map(move |column| format!("{row}x{column}")))
            .collect::<Vec<_>>()
            .join(",");
        for head in [
            header("label", ""),
            header("Label", "\""),
            format!("\u{feff}{}", header("label", "")),
            format!("label,{sizes}"),
        ] {
            assert_eq!(rows(format!("{head}\n{labelled}")).unwrap(), plain, "{}", &head[..20]);
            assert_eq!(rows(format!("{head}\n\n{labelled}\n\n").replace('\n', "\r\n")).unwrap(), plain);
        }
        let bare = format!("{}\n{}", line(None, "255"), line(None, "1"));
        for text in [bare.clone(), format!("{}\n{bare}", header("", "")), format!("{sizes}\n{bare}")] {
            let unlabelled = rows(text).unwrap();
            assert!(
                unlabelled
                    .iter()
                    .zip(&plain)
                    .all(|(row, labelled)| row.label.is_none() && row.pixels == labelled.pixels)
            );
            assert_eq!(unlabelled.len(), 2);
        }
    }

    #[test]
    fn errors_name_line_and_column() {
        let (good, head) = (line(Some(1), "0"), header("label", ""));
        refused(
            format!("{good}\n\n{}", line(Some(1), "256")),
            "digits.csv, line 3, column 2: found `256`, expected a whole number from 0 to 255",
        );
        refused(format!("{head}\r\n\r\n{good}\r\n{}", line(Some(1), "-1")), "line 4, column 2: found `-1`");
        refused(
            format!("{head}\n{}", line(Some(12), "0")),
            "line 2, column 1: found `12`, expected a whole number from 0 to 9",
        );
        refused(line(Some(1), "0.5"), "line 1, column 2: found `0.5`");
        refused(line(Some(1), ""), "line 1, column 2: found ``");
        refused(line(None, "-1"), "line 1, column 1: found `-1`");
        refused(format!("{good}\n{}", line(None, "0")), "line 2: 784 columns, expected 785");
        refused(format!("{good},5"), "line 1: 786 columns, expected 785 (label and pixels) or 784 (pixels)");
        refused(format!("{good}\n{good},5,6"), "line 2: more than 786 columns, expected 785");
        refused("1,2,3\n", "line 1: 3 columns, expected 785 (label and pixels) or 784 (pixels)");
        refused(
            format!("{},label\n{good}", header("", "")),
            "column 1: the first of 785 columns is called `pixel0`, expected `label`",
        );
        refused(format!("{head}\n{head}\n"), "line 2, column 1: found `label`");
        refused(format!("{good}\n\"{}", "1,".repeat(20_000)), "line 2: the row is longer than 16384 bytes");
    }

    #[test]
    fn a_file_without_rows_is_refused_and_a_packed_one_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.csv");
        std::fs::write(&path, header("label", "")).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("train.csv: holds no row of pixels"));
        let packed = folder.path().join("train.csv.gz");
        crate::data::file::write_whole(&packed, |out| out.write_all(line(Some(4), "9").as_bytes())).unwrap();
        let (table, hash) = read_hashed(&packed).unwrap();
        assert_eq!((table.labels, hash.name.as_str()), (Some(vec![4]), "train.csv"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn round_trip(label in 0u8..10, pixels in proptest::collection::vec(any::<u8>(), PIXELS)) {
            let cells: Vec<_> =
                std::iter::once(label).chain(pixels.iter().copied()).map(|cell| cell.to_string()).collect();
            let text = cells.join(",");
            let read = rows(&text).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].label, Some(label));
            prop_assert_eq!(&read[0].pixels[..], &pixels[..]);
        }

        #[test]
        fn any_change_is_read_or_refused(at in 0usize..3000, value: u8, cut in 0usize..3000) {
            let mut text = format!("{}\n{}\n", line(Some(3), "0"), line(Some(4), "0")).into_bytes();
            let at = at.min(text.len() - 1);
            text[at] = value;
            let cut = cut.min(text.len());
            for text in [&text[..], &text[..cut]] {
                if let Ok(rows) = rows(text) {
                    prop_assert!(rows.len() <= 2);
                }
            }
        }

        #[test]
        fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
            prop_assert!(rows(&bytes).is_err() || bytes.iter().all(|byte| matches!(byte, b'\n' | b'\r')));
        }
    }
}
