//! Tables: one digit a row, as Kaggle and others hand MNIST out, separated by commas, semicolons, tabs or bars.
//!
//! | columns | header | what |
//! |---|---|---|
//! | 785 | none | label, then 784 pixels |
//! | 785 | `label,pixel0…pixel783`, `1x1…28x28,class`, … in any order | the same, by the names |
//! | 784 | none, or `pixel0…pixel783`, … | pixels without a label |
//!
//! Columns called `id`, `index` and the like beside these are passed over. [`RowFile`] reads such a file row by row,
//! [`write_rows`] writes one. [`AnswerWriter`] writes and [`Answers`] reads
//! what goes with it in Kaggle's competitions: `ImageId,Label`, one line for each row, counted from 1.
//!
//! Without a header pixels are row-major. They are numbers from 0 (background) to 255, or from 0 to 1 in the whole file.
//! Rows are read one at a time through buffers of a fixed size, so that no row, however long, costs memory; fields may
//! be quoted, lines may end in LF or CRLF, empty lines are passed over.

mod answers;
mod columns;
mod levels;
mod records;
mod row_file;
mod rows;
mod write;

use std::{io::BufRead, path::Path};

use super::{
    Digits, Images, PIXELS,
    error::{DataError, Result},
    file::{Contents, FileHash},
    labels,
};

pub use answers::Answers;
pub use row_file::RowFile;
pub use rows::Rows;
pub use write::{AnswerWriter, write_rows};

/// Most bytes in a record: a quoted Kaggle header takes 9,060, decimal numbers with all their digits 18,840.
const RECORD_BYTES: usize = 32 << 10;
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
/// that does not belong; [`DataError::Format`] if it holds no row, something else than a table, or its label in another
/// place than the first without a header that says so.
pub fn read(path: &Path) -> Result<Table> {
    Ok(read_hashed(path)?.0)
}

/// Parses a whole table; `path` names it in errors. The rows are as they are written, without a change of polarity.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Table> {
    if let Some(what) = super::sniff::foreign_content(bytes) {
        return Err(DataError::Format { path: path.to_owned(), problem: format!("is {what}") });
    }
    Ok(collect(bytes, path)?.0)
}

/// Reads a file as [`read`] does, with its hash and the unusual things that somebody should know.
pub(super) fn read_hashed(path: &Path) -> Result<(Table, FileHash, Vec<String>)> {
    let mut contents = Contents::open(path)?;
    contents.refuse_foreign(path)?;
    let (table, notes) = collect(&mut contents, path)?;
    Ok((table, contents.finish(path), notes))
}

fn collect(bytes: impl BufRead, path: &Path) -> Result<(Table, Vec<String>)> {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    let mut rows = Rows::new(bytes, path);
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
    if !rows.has_named_label()
        && let Some(problem) = labels::misplaced(labels.iter().copied(), images.iter().map(|image| image[PIXELS - 1]))
    {
        return Err(DataError::Format { path: path.to_owned(), problem });
    }
    let labels = (labels.len() == images.len()).then_some(labels);
    Ok((Table { images, labels }, rows.notes()))
}

fn no_row(path: &Path) -> DataError {
    DataError::Format { path: path.to_owned(), problem: "holds no row of pixels".into() }
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
            "digits.csv, line 3, column 2: found `256`, expected a number from 0 to 255",
        );
        refused(format!("{head}\r\n\r\n{good}\r\n{}", line(Some(1), "-1")), "line 4, column 2: found `-1`");
        refused(
            format!("{head}\n{}", line(Some(12), "0")),
            "line 2, column 1: found `12`, expected a whole number from 0 to 9",
        );
        refused(line(Some(1), "0.5.5"), "line 1, column 2: found `0.5.5`");
        refused(line(Some(1), ""), "line 1, column 2: found ``");
        refused(line(None, "-1"), "line 1, column 1: found `-1`");
        refused(format!("{good}\n{}", line(None, "0")), "line 2: 784 columns, expected 785");
        refused(format!("{good},5"), "line 1: 786 columns, expected 785 (label and pixels) or 784 (pixels)");
        refused(format!("{good}\n{good},5,6"), "line 2: 787 columns, expected 785");
        refused(format!("{good},{good}"), "line 1: 1570 columns, expected 785");
        refused("1\n", "line 1: 1 column, expected 785");
        refused("1;2;3\n", "line 1: 3 columns separated by `;`, expected 785");
        refused("1,2,3\n", "line 1: 3 columns, expected 785 (label and pixels) or 784 (pixels)");
        refused(
            format!("{},ink\n{good}", header("", "")),
            "column 1: the first of 785 columns is called `pixel0`, expected `label`",
        );
        refused(format!("{head}\n{head}\n"), "line 2, column 1: found `label`");
        refused(format!("{good}\n\"{}", "1,".repeat(40_000)), "line 2: the row is longer than 32768 bytes");
    }

    #[test]
    fn a_file_without_rows_is_refused_and_a_packed_one_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.csv");
        std::fs::write(&path, header("label", "")).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("train.csv: holds no row of pixels"));
        let packed = folder.path().join("train.csv.gz");
        crate::data::file::write_whole(&packed, |out| out.write_all(line(Some(4), "9").as_bytes())).unwrap();
        let (table, hash, _) = read_hashed(&packed).unwrap();
        assert_eq!((table.labels, hash.name.as_str()), (Some(vec![4]), "train.csv"));
    }

    #[test]
    fn separators_scales_and_orders_of_columns_are_all_the_same() {
        let text = format!("{}\n{}\n{}\n", header("label", ""), line(Some(7), "255"), line(Some(0), "1"));
        let plain = rows(&text).unwrap();
        for separator in [";", "\t", "|", " "] {
            assert_eq!(rows(text.replace(',', separator)).unwrap(), plain, "{separator}");
        }
        let scaled = |scale: f32, point: &str, separator: &str| {
            let row = |row: &Row| {
                let cells = row.pixels.iter().map(|&pixel| format!("{:?}", f32::from(pixel) / scale));
                let cells = std::iter::once(format!("{}.0", row.label.unwrap())).chain(cells);
                cells.map(|cell| cell.replace('.', point)).collect::<Vec<_>>().join(separator)
            };
            plain.iter().map(row).collect::<Vec<_>>().join("\n")
        };
        for text in [scaled(255.0, ".", ","), scaled(1.0, ".", ","), scaled(255.0, ",", ";"), scaled(1.0, ",", "\t")] {
            assert_eq!(rows(&text).unwrap(), plain, "{}", &text[..40]);
        }
        let blank = format!("3{}\n", ",0".repeat(PIXELS));
        assert_eq!(rows(format!("{blank}{}", scaled(255.0, ".", ","))).unwrap()[1..], plain);
        let binary = format!("3{}\n4,1{}\n", ",0".repeat(PIXELS), ",0".repeat(PIXELS - 1));
        assert_eq!(rows(&binary).unwrap()[1].pixels[0], 255, "black and white as 0 and 1");
        let mixed = format!("3{}\n", ",0.5".repeat(PIXELS)).repeat(rows::AHEAD) + &line(Some(1), "7");
        refused(&mixed, "line 257, column 2: found 7, but the rows before it have pixels from 0 to 1");

        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let reordered = |order: &[usize]| {
            let line = |cells: &Vec<&str>| order.iter().map(|&at| cells[at]).collect::<Vec<_>>().join(",");
            lines.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let mut by_name: Vec<usize> = (1..=PIXELS).collect();
        by_name.sort_by_key(|&at| lines[0][at]);
        for order in [[&[0][..], &by_name].concat(), [&by_name[..], &[0]].concat()] {
            assert_eq!(rows(reordered(&order)).unwrap(), plain);
        }
    }

    #[test]
    fn a_label_at_the_end_is_read_by_its_name_and_refused_without() {
        let cells = |row: usize| std::iter::repeat_n("0", PIXELS).map(String::from).chain([(row % 10).to_string()]);
        let text: String = (0..40).map(|row| cells(row).collect::<Vec<_>>().join(",") + "\n").collect();
        let error = parse(text.as_bytes(), Path::new("t.csv")).unwrap_err().to_string();
        assert!(error.contains("the last one looks like the label"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), &text).unwrap();
        let mut file = RowFile::open(&folder.path().join("t.csv")).unwrap();
        assert!(file.next().unwrap().unwrap_err().to_string().contains("the last one looks like the label"));
        assert!(file.next().is_none());
        let named = format!("{},class\n{text}", header("", ""));
        let table = parse(named.as_bytes(), Path::new("t.csv")).unwrap();
        assert_eq!(table.labels.unwrap()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    }

    #[test]
    fn other_contents_are_named_and_row_files_invert_light_tables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.csv");
        std::fs::write(&path, "<!DOCTYPE html><html>not found</html>").unwrap();
        for error in [read(&path).unwrap_err(), RowFile::open(&path).err().unwrap()] {
            assert!(error.to_string().contains("train.csv: is a web page"), "{error}");
        }
        let row = |first: u8, rest: u8| format!("1,{first}{}\n", format!(",{rest}").repeat(PIXELS - 1));
        std::fs::write(&path, row(0, 255).repeat(3)).unwrap();
        let mut file = RowFile::open(&path).unwrap();
        let first = file.next().unwrap().unwrap();
        assert_eq!(first.pixels[..2], [255, 0]);
        assert!(file.notes()[0].contains("the background is light: inverted"), "{:?}", file.notes());
        assert_eq!(file.count(), 2);
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
