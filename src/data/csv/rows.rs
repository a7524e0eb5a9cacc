//! Rows of a table, read one after the other.

use std::{collections::VecDeque, io::BufRead, path::Path};

use super::{
    RECORD_BYTES, Row,
    columns::{Columns, expected},
    levels::{Scale, Written, decimal, label, whole},
    records::{Records, shown},
};
use crate::data::{
    CLASSES, PIXELS,
    error::{DataError, Result},
};

/// Columns beside those of a label and the pixels that a table may have, with numbers or names of its rows.
const MORE_COLUMNS: usize = 3;
/// Rows that are read ahead at most to tell what a table's numbers mean.
pub(super) const AHEAD: usize = 256;

/// The rows of a file, read one after the other. Ends after the first error.
///
/// As many rows are read ahead as it takes to tell the scale of the pixels: usually one.
pub struct Rows<R> {
    records: Records<R>,
    columns: Option<Columns>,
    scale: Option<Scale>,
    ahead: VecDeque<Result<WrittenRow>>,
    over: bool,
}

/// A row before its scale is known.
struct WrittenRow {
    line: u64,
    label: Option<u8>,
    pixels: Written,
}

impl<R: BufRead> Rows<R> {
    /// Reads from `bytes`; `path` names them in errors.
    pub fn new(bytes: R, path: &Path) -> Self {
        let most = PIXELS + 1 + MORE_COLUMNS;
        let records = Records::new(bytes, path, RECORD_BYTES, most + 1, PIXELS..=most, expected());
        Self { records, columns: None, scale: None, ahead: VecDeque::new(), over: false }
    }

    /// Source of the rows.
    pub(super) fn bytes(&self) -> &R {
        self.records.bytes()
    }

    /// Ends the rows.
    pub(super) fn end(&mut self) {
        self.over = true;
    }

    /// Whether a header names the label, rather than its place.
    pub(super) fn has_named_label(&self) -> bool {
        self.columns.as_ref().is_some_and(|columns| columns.has_names)
    }

    /// Unusual things of the file that somebody should know, once its first row was read.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let name = self.records.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.columns.as_ref().is_some_and(|columns| !columns.is_in_order()) {
            notes.push(format!("{name}: the columns of pixels are in another order and are read by their names"));
        }
        if self.scale == Some(Scale::Unit) {
            notes.push(format!("{name}: pixels from 0 to 1 are read as 0 to 255"));
        }
        notes
    }

    fn next_written(&mut self) -> Result<Option<WrittenRow>> {
        let Some((mut line, mut fields)) = self.records.next_record()? else { return Ok(None) };
        if self.columns.is_none() {
            let is_header = self.read_columns(line, fields)?;
            if is_header {
                let Some(next) = self.records.next_record()? else { return Ok(None) };
                (line, fields) = next;
            }
        }
        let Some(columns) = self.columns.as_ref().filter(|columns| columns.count == fields) else {
            return Err(self.records.wrong_count(line, fields));
        };
        let comma = self.records.has_decimal_commas();
        let wrong = |column: usize, expected: &str| {
            let problem = format!("found `{}`, expected {expected}", shown(self.records.field(column)));
            self.records.error(line, Some(column + 1), problem)
        };
        let label = match columns.label {
            Some(column) => Some(
                label(self.records.field(column), comma)
                    .ok_or_else(|| wrong(column, &format!("a whole number from 0 to {}", CLASSES - 1)))?,
            ),
            None => None,
        };
        let mut pixels = [0; PIXELS];
        let is_whole = pixels
            .iter_mut()
            .zip(&columns.pixels)
            .all(|(pixel, &column)| whole(self.records.field(column)).map(|value| *pixel = value).is_some());
        let pixels = if is_whole {
            Written::Whole(pixels)
        } else {
            let mut pixels = Box::new([0.0; PIXELS]);
            for (pixel, &column) in pixels.iter_mut().zip(&columns.pixels) {
                let field = self.records.field(column);
                *pixel = decimal(field, comma).ok_or_else(|| wrong(column, "a number from 0 to 255"))?;
            }
            Written::Decimal(pixels)
        };
        Ok(Some(WrittenRow { line, label, pixels }))
    }

    /// Finds the meaning of the columns from the first record; returns whether it is a header.
    fn read_columns(&mut self, line: u64, fields: usize) -> Result<bool> {
        let names: Vec<&[u8]> = (0..fields).map(|column| self.records.field(column)).collect();
        let is_plausible = (PIXELS..=PIXELS + 1 + MORE_COLUMNS).contains(&fields);
        let header = is_plausible.then(|| Columns::of_header(&names, self.records.has_decimal_commas())).flatten();
        let is_header = header.is_some();
        let columns = match header {
            Some(columns) => {
                columns.map_err(|problem| self.records.error(line, Some(problem.column + 1), problem.problem))?
            }
            None => Columns::by_place(fields).ok_or_else(|| self.records.wrong_count(line, fields))?,
        };
        self.records.expected = columns.count.to_string();
        self.columns = Some(columns);
        Ok(is_header)
    }

    /// Reads on until a row tells the scale, or enough rows could not.
    fn find_scale(&mut self) -> Scale {
        let mut may_be_unit = false;
        while self.ahead.len() < AHEAD {
            match self.next_written().transpose() {
                Some(Ok(row)) => {
                    let scale = row.pixels.scale();
                    may_be_unit |= row.pixels.may_be_unit();
                    self.ahead.push_back(Ok(row));
                    if let Some(scale) = scale {
                        return scale;
                    }
                }
                Some(Err(error)) => {
                    self.ahead.push_back(Err(error));
                    break;
                }
                None => break,
            }
        }
        if may_be_unit { Scale::Unit } else { Scale::Levels }
    }

    fn next_row(&mut self) -> Result<Option<Row>> {
        let scale = match self.scale {
            Some(scale) => scale,
            None => {
                let scale = self.find_scale();
                *self.scale.insert(scale)
            }
        };
        let row = match self.ahead.pop_front() {
            Some(row) => row?,
            None => match self.next_written()? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let pixels = row.pixels.pixels(scale).map_err(|at| self.beyond_unit(&row, at))?;
        Ok(Some(Row { label: row.label, pixels }))
    }

    /// The error of a value above 1 in a table whose first rows have none.
    fn beyond_unit(&self, row: &WrittenRow, pixel: usize) -> DataError {
        let found = match &row.pixels {
            Written::Whole(pixels) => f32::from(pixels[pixel]),
            Written::Decimal(pixels) => pixels[pixel],
        };
        let column = self.columns.as_ref().map(|columns| columns.pixels[pixel] + 1);
        let problem = format!("found {found}, but the rows before it have pixels from 0 to 1");
        self.records.error(row.line, column, problem)
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
