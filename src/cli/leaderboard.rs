//! `digitstack leaderboard`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Output;
use crate::{
    nn::{self, DeviceChoice},
    pipeline::{
        Work,
        leaderboard::{self, Row, SortBy},
    },
    progress::Cancel,
    storage,
};

/// Every run in one table.
#[derive(Args, Debug)]
pub(super) struct LeaderboardArguments {
    /// Directories of runs and of single models, or folders that hold such directories [default: artifacts]
    runs: Vec<PathBuf>,
    /// Draw it too: an .svg or a .png file; replaces one of that name
    #[arg(long, value_name = "FILE", value_parser = drawing)]
    out: Option<PathBuf>,
    /// What rows are sorted by: test, run, model, parameters, seconds, images or reported
    #[arg(long, value_name = "COLUMN", default_value = "test")]
    sort: SortBy,
}

/// A file that can be drawn into.
fn drawing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is(&path, "svg") || is(&path, "png") {
        Ok(path)
    } else {
        Err("expected a name that ends in .svg or .png".to_owned())
    }
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

pub(super) fn leaderboard(arguments: &LeaderboardArguments, output: &Output) -> anyhow::Result<()> {
    // Models are only counted: no driver is needed for that.
    let device = nn::resolve(&DeviceChoice::Cpu)?;
    let (progress, cancel) = (output.progress(), Cancel::default());
    let work =
        Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel: &cancel };
    let artifacts = [PathBuf::from("artifacts")];
    let folders = if arguments.runs.is_empty() { &artifacts[..] } else { &arguments.runs };
    let board = leaderboard::leaderboard(folders, arguments.sort, &work)?;
    for skipped in &board.skipped {
        output.status(&format!("skipped: {} {}", skipped.directory.display(), skipped.reason));
    }
    if board.rows.is_empty() {
        let named = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(anyhow::anyhow!(
            "no finished run or model in {named}; `digitstack run` and `digitstack train` make some"
        ));
    }
    output.json(&board)?;
    for line in table(&board.rows) {
        output.line(line)?;
    }
    let Some(path) = &arguments.out else { return Ok(()) };
    let bytes = board.draw(is(path, "png"))?;
    storage::write_file(path, &bytes, true)?;
    output.line(format!("drawn: {}", path.display()))
}

/// One column: its heading, whether it is flush left, its cells.
type Column = (&'static str, bool, fn(&Row) -> String);

/// What is not known.
const NONE: &str = "–";

const COLUMNS: [Column; 10] = [
    ("model", true, |row| row.model.clone()),
    ("run", true, |row| row.run.clone()),
    ("parameters", false, |row| row.parameters.map_or_else(|| NONE.to_owned(), |count| count.to_string())),
    ("training s", false, |row| {
        row.training_seconds.map_or_else(|| NONE.to_owned(), |seconds| format!("{seconds:.1}"))
    }),
    ("images", false, |row| row.train_images.map_or_else(|| NONE.to_owned(), |images| images.to_string())),
    ("held out %", false, |row| row.held_out.map_or_else(|| NONE.to_owned(), |accuracy| percent(accuracy.value))),
    ("test %", false, |row| row.accuracy.map_or_else(|| NONE.to_owned(), |accuracy| percent(accuracy.value))),
    ("95 % interval", false, |row| match (&row.seeds, row.accuracy) {
        (Some(seeds), _) => format!("± {}", percent(seeds.deviation)),
        (None, Some(accuracy)) => format!("{} – {}", percent(accuracy.low), percent(accuracy.high)),
        (None, None) => NONE.to_owned(),
    }),
    ("reported %", false, |row| match row.reported.as_slice() {
        [] => NONE.to_owned(),
        reported => reported.iter().map(|result| percent(result.accuracy)).collect::<Vec<_>>().join(", "),
    }),
    ("protocol", true, |row| match row.test_images {
        Some(images) => format!("{}, {images} test images", row.protocol),
        None => format!("{}, no test images", row.protocol),
    }),
];

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// The table as lines of text, with what others report and what the columns mean below it.
fn table(rows: &[Row]) -> Vec<String> {
    let cells: Vec<[String; COLUMNS.len()]> = rows.iter().map(|row| COLUMNS.map(|(.., cell)| cell(row))).collect();
    let width = |place: usize| {
        let heading = COLUMNS[place].0.chars().count();
        cells.iter().map(|row| row[place].chars().count()).fold(heading, usize::max)
    };
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    let line = |row: [&str; COLUMNS.len()]| {
        let cell = |place: usize| {
            let (text, width) = (row[place], widths[place]);
            if COLUMNS[place].1 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        (0..COLUMNS.len()).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(COLUMNS.map(|(heading, ..)| heading))];
    lines.extend(cells.iter().map(|row| line(std::array::from_fn(|place| row[place].as_str()))));
    let mut said: Vec<String> = Vec::new();
    for result in rows.iter().flat_map(|row| &row.reported) {
        let text = format!(
            "reported, {}: {} % by {}; {}",
            result.model,
            percent(result.accuracy),
            result.system,
            result.protocol
        );
        if !said.contains(&text) {
            said.push(text);
        }
    }
    lines.extend(said);
    lines.push(
        "training s: the fits of a model added up, of a run all of its folds; parameters: of all models that are asked"
            .to_owned(),
    );
    lines.push(
        "held out %: on training digits that the model did not see; an epoch may have been chosen by them, by the test images never"
            .to_owned(),
    );
    if rows.iter().any(|row| row.seeds.is_some()) {
        lines.push(
            "±: standard deviation over the seeds of equal configurations; test %, training s: their mean".to_owned(),
        );
    }
    lines
}

#[cfg(test)]
mod tests;
