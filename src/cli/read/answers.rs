//! Output of the numbers of a picture: in words, as a line of JSON, as rows of a table.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::output::Output,
    data,
    imaging::{InkBox, PagePicture},
    reading::{Number, NumberRecord, NumberRefusal},
};

/// First line of the table.
pub(super) const HEADER: &str = "file,line,text,confidence,left,top,width,height,refusal\n";

/// One line of JSON.
#[derive(Serialize)]
struct Line {
    image: String,
    /// Size of the upright picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    numbers: Vec<NumberRecord>,
    /// Reason why the picture could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Prints the numbers of a picture, for people or as a line of JSON.
pub(super) fn show(
    path: &Path,
    page: &PagePicture,
    numbers: &[Number],
    is_table: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let image = path.display().to_string();
    if !is_table {
        let read = numbers.iter().filter(|number| number.refusal.is_none()).count();
        let refused = numbers.len() - read;
        output.line(match (read, refused) {
            (0, 0) => format!("{image}: no digits found"),
            (read, 0) => format!("{image}: {read} number{}", if read == 1 { "" } else { "s" }),
            (read, refused) => format!("{image}: {read} number{}, {refused} refused", if read == 1 { "" } else { "s" }),
        })?;
        for number in numbers {
            output.lines(words(number))?;
        }
    }
    output.json_line(&Line {
        image,
        width: Some(page.width),
        height: Some(page.height),
        numbers: numbers.iter().map(NumberRecord::from).collect(),
        problem: None,
    })
}

/// Lines of text for a number.
fn words(number: &Number) -> Vec<String> {
    let InkBox { left, top, width, height } = number.area;
    let text = if number.digits.is_empty() { "–".to_owned() } else { number.text() };
    let mut lines =
        vec![format!("  {text:<12} {:>5.1} %  at {left}, {top}: {width}×{height}", 100.0 * number.confidence)];
    let Some(refusal) = number.refusal else { return lines };
    lines.push(format!("    refused: {}", refusal.message()));
    for (place, digit) in number.digits.iter().enumerate() {
        if let Some(reason) = digit.refusal {
            lines.push(format!("    digit {}: {} (perhaps {})", place + 1, reason.message(), digit.digit));
        }
    }
    lines
}

/// Prints why a picture could not be read, with `--json` only: for people it is in the error at the end.
pub(super) fn show_problem(path: &Path, problem: &str, output: &Output) -> anyhow::Result<()> {
    output.json_line(&Line {
        image: path.display().to_string(),
        width: None,
        height: None,
        numbers: Vec::new(),
        problem: Some(problem.to_owned()),
    })
}

/// Adds the rows of a picture to a table: one for each number, or one that says that there is none.
pub(super) fn add_rows(rows: &mut String, path: &Path, numbers: &[Number]) {
    let file = data::quoted(&path.display().to_string());
    if numbers.is_empty() {
        rows.push_str(&format!("{file},,,,,,,,no-digits\n"));
    }
    for (line, number) in numbers.iter().enumerate() {
        let InkBox { left, top, width, height } = number.area;
        let (text, confidence) = (number.text(), number.confidence);
        let refusal = number.refusal.map_or("", NumberRefusal::name);
        let line = line + 1;
        rows.push_str(&format!("{file},{line},{text},{confidence:.4},{left},{top},{width},{height},{refusal}\n"));
    }
}

/// Adds the row of a picture that could not be read to a table.
pub(super) fn add_problem(rows: &mut String, path: &Path, problem: &str) {
    let file = data::quoted(&path.display().to_string());
    rows.push_str(&format!("{file},,,,,,,,{}\n", data::quoted(&format!("unreadable: {problem}"))));
}
