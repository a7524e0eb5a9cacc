//! `digitstack leaderboard`.

use std::path::{Path, PathBuf};

use clap::{
    Args,
    builder::{PathBufValueParser, TypedValueParser},
};

use super::{resources::Resources, session::Session};
use crate::{
    artifact::leaderboard::{self, Row, SortBy},
    device::DeviceChoice,
    evaluation::Proportion,
    fit::Cancel,
    storage::OutputFile,
};

const HELP: &str = "\
Each row is one model: a member, an ensemble or the stack of a run, or the model of `digitstack train`. Directories \
that are unfinished or differ from their manifest are skipped, with the reason. Runs on different data sets (other test \
images, or other training images where there are none for the test) are in tables of their own. Runs of one configuration that differ \
in the seed only get one row more: mean ± standard deviation of their test accuracies. Reported figures come \
from `[[reported]]` tables of the configuration:

  [[reported]]
  model = \"cnn\"
  system = \"an eight-layer Keras net\"
  accuracy = 0.9925
  protocol = \"official test set, one run\"

Examples:
  digitstack leaderboard                              every run in artifacts/
  digitstack leaderboard artifacts/mnist-* --out board.svg
  digitstack leaderboard --sort parameters --json
  for seed in 1 2 3; do digitstack run --seed $seed --out artifacts/quick-$seed; done";

/// Compare all finished runs and single models in one table and one figure
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct LeaderboardArguments {
    /// Directories of runs and single models, or folders of such directories [default: artifacts]
    runs: Vec<PathBuf>,
    /// Draw the table as a figure too: .svg or .png file, replaced if it exists
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(figure_file))]
    out: Option<PathBuf>,
    /// Column to sort by: test, run, model, parameters, seconds, images or reported
    #[arg(long, value_name = "COLUMN", default_value = "test")]
    sort: SortBy,
}

/// Checks that the extension of a path is that of a format that can be drawn.
pub(super) fn figure_file(path: PathBuf) -> Result<PathBuf, &'static str> {
    if is(&path, "svg") || is(&path, "png") { Ok(path) } else { Err("expected a name that ends in .svg or .png") }
}

pub(super) fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

impl LeaderboardArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        // Models are only counted: no driver is needed for that.
        let resources = Resources::open(&DeviceChoice::Cpu, output.progress(), Cancel::default())?;
        let artifacts = [PathBuf::from("artifacts")];
        let folders = if self.runs.is_empty() { &artifacts[..] } else { &self.runs };
        let figure = self.out.as_deref().map(|path| OutputFile::check(path, true)).transpose()?;
        let progress = resources.progress.as_ref();
        let board = leaderboard::leaderboard(folders, self.sort, &resources.device, progress)?;
        for skipped in &board.skipped {
            output.status(&format!("skipped: {} {}", skipped.directory.display(), skipped.reason));
        }
        if board.rows.is_empty() {
            let named = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(anyhow::anyhow!(
                "no finished run or single model in {named}; make one with `digitstack run` or `digitstack train`"
            ));
        }
        output.json(&board)?;
        output.lines(table(&board.rows))?;
        let (Some(path), Some(figure)) = (&self.out, figure) else { return Ok(()) };
        figure.write(&board.draw(is(path, "png"))?)?;
        output.line(format!("drawn: {}", path.display()))
    }
}

/// Heading of a column, whether it is aligned left, and its cells.
type Column = (&'static str, bool, fn(&Row) -> String);

/// Text of an unknown value.
const NONE: &str = "–";

const COLUMNS: [Column; 11] = [
    ("model", true, |row| row.model.clone()),
    ("run", true, |row| row.run.clone()),
    ("parameters", false, |row| row.parameters.map_or_else(|| NONE.to_owned(), |count| count.to_string())),
    ("training s", false, |row| {
        row.training_seconds.map_or_else(|| NONE.to_owned(), |seconds| format!("{seconds:.1}"))
    }),
    ("images", false, |row| row.train_images.map_or_else(|| NONE.to_owned(), |images| images.to_string())),
    ("out-of-fold %", false, |row| accuracy(row.out_of_fold)),
    ("validation %", false, |row| accuracy(row.validation)),
    ("test %", false, |row| accuracy(row.accuracy)),
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

fn accuracy(accuracy: Option<Proportion>) -> String {
    accuracy.map_or_else(|| NONE.to_owned(), |accuracy| percent(accuracy.value))
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// Formats the table as lines of text, with the reported figures and the meaning of the columns below it.
fn table(rows: &[Row]) -> Vec<String> {
    let cells: Vec<[String; COLUMNS.len()]> = rows.iter().map(|row| COLUMNS.map(|(.., cell)| cell(row))).collect();
    let width = |index: usize| {
        let heading = COLUMNS[index].0.chars().count();
        cells.iter().map(|row| row[index].chars().count()).fold(heading, usize::max)
    };
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    let line = |row: [&str; COLUMNS.len()]| {
        let cell = |index: usize| {
            let (text, width) = (row[index], widths[index]);
            if COLUMNS[index].1 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        (0..COLUMNS.len()).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = Vec::new();
    let mut cells = cells.iter();
    let sets: Vec<&[Row]> = leaderboard::data_sets(rows).collect();
    for (index, set) in sets.iter().enumerate() {
        // One data set needs no heading.
        if sets.len() > 1 {
            lines.extend((index > 0).then(String::new));
            lines.push(format!("data set {} of {}: {}", index + 1, sets.len(), set[0].data));
        }
        lines.push(line(COLUMNS.map(|(heading, ..)| heading)));
        lines.extend(cells.by_ref().take(set.len()).map(|row| line(std::array::from_fn(|index| row[index].as_str()))));
    }
    if sets.len() > 1 {
        lines.push(String::new());
        lines.push("accuracies on different data sets cannot be compared".to_owned());
    }
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
        "training s: sum over the fits of a model, in a run over all folds; parameters: sum over all models that \
         predict"
            .to_owned(),
    );
    lines.push(
        "out-of-fold %: on all training digits, each predicted by models that did not learn from it; validation %: on \
         the digits that `train` holds out, which may have chosen its best epoch"
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
