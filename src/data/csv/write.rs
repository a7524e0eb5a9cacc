//! CSV out, in the spelling of Kaggle's Digit Recognizer.

use std::io::{self, Write};

use crate::data::{CLASSES, PIXELS};

/// Writes a header and one line for each row: `label,pixel0…pixel783`, or `pixel0…pixel783` if no row has a label.
///
/// All rows have a label or none has: `with_labels` says which, and `rows` gives an image `[28, 28]` and its label,
/// which is left out if need be.
///
/// # Errors
/// Those of `out`.
pub fn write_rows<'a>(
    out: &mut dyn Write,
    with_labels: bool,
    rows: impl IntoIterator<Item = (&'a [u8; PIXELS], u8)>,
) -> io::Result<()> {
    let mut line = String::with_capacity(8 * PIXELS);
    if with_labels {
        line.push_str("label,");
    }
    for pixel in 0..PIXELS {
        line.push_str(&format!("pixel{pixel},"));
    }
    let numbers: Vec<String> = (0..=u8::MAX).map(|value| format!("{value},")).collect();
    end_line(&mut line, out)?;
    for (image, label) in rows {
        if with_labels {
            line.push_str(&numbers[usize::from(label)]);
        }
        for &pixel in image {
            line.push_str(&numbers[usize::from(pixel)]);
        }
        end_line(&mut line, out)?;
    }
    Ok(())
}

/// Writes a line of cells, each with a comma behind it, and empties it.
fn end_line(line: &mut String, out: &mut dyn Write) -> io::Result<()> {
    line.pop();
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

/// Writes `ImageId,Label` and a line for each image, with the ten class probabilities behind them if so wished:
/// `p0…p9`, each the shortest decimal number that reads back as the same 32-bit float.
pub struct AnswerWriter<W> {
    out: W,
}

impl<W: Write> AnswerWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Those of `out`, here and below.
    pub fn new(mut out: W, with_probabilities: bool) -> io::Result<Self> {
        out.write_all(b"ImageId,Label")?;
        for class in (0..CLASSES).filter(|_| with_probabilities) {
            write!(out, ",p{class}")?;
        }
        out.write_all(b"\n")?;
        Ok(Self { out })
    }

    /// Writes a line; `probabilities` are ten if the header names them, otherwise none.
    pub fn write(&mut self, id: u64, label: u8, probabilities: &[f32]) -> io::Result<()> {
        write!(self.out, "{id},{label}")?;
        for probability in probabilities {
            write!(self.out, ",{probability:?}")?;
        }
        self.out.write_all(b"\n")
    }

    /// Hands everything written so far to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::data::csv::Rows;

    #[test]
    fn probabilities_read_back_bit_by_bit() {
        let row = [0.0, 1.0, 0.1, 1e-20, f32::MIN_POSITIVE, 0.333_333_34, 1e-6, 0.5, 0.999_999_94, 1e-45];
        let mut text = Vec::new();
        AnswerWriter::new(&mut text, true).unwrap().write(12, 1, &row).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (header, line) = text.trim_end().split_once('\n').unwrap();
        assert_eq!(header, "ImageId,Label,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9");
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[..4], ["12", "1", "0.0", "1.0"]);
        assert_eq!(cells[2..].iter().map(|cell| cell.parse::<f32>().unwrap()).collect::<Vec<_>>(), row);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn rows_read_back(
            rows in prop::collection::vec((0u8..10, prop::collection::vec(any::<u8>(), PIXELS)), 1..5),
            with_labels: bool,
        ) {
            let rows: Vec<([u8; PIXELS], u8)> =
                rows.into_iter().map(|(label, pixels)| (pixels.try_into().unwrap(), label)).collect();
            let mut text = Vec::new();
            write_rows(&mut text, with_labels, rows.iter().map(|(image, label)| (image, *label))).unwrap();
            let head: &[u8] = if with_labels { b"label,pixel0,pixel1," } else { b"pixel0,pixel1," };
            prop_assert!(text.starts_with(head) && text.ends_with(b"\n"));
            let read = Rows::new(&text[..], Path::new("rows.csv")).collect::<Result<Vec<_>, _>>().unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (read, (image, label)) in read.iter().zip(&rows) {
                prop_assert_eq!((read.label, &read.pixels), (with_labels.then_some(*label), image));
            }
        }
    }
}
