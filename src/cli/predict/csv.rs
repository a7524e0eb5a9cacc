//! `digitstack predict MODEL --csv`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::{failure::UsageError, output::Output, session::Session};
use crate::{
    artifact::{CsvRequest, CsvSummary, Destination, TrainedModels, predict_csv},
    data::csv::Answers,
    storage::OutputFile,
};

/// File name that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// Options of a table in place of pictures.
#[derive(Args, Debug)]
pub(super) struct CsvArguments {
    /// CSV file of digits in place of pictures, one per row (pixel0…pixel783 or label,pixel0…pixel783), plain or gzip
    #[arg(long, value_name = "CSV", requires = "out")]
    pub(super) csv: Option<PathBuf>,
    /// With --csv: CSV file to write, ImageId,Label; - is standard output
    #[arg(long, value_name = "CSV", requires = "csv")]
    out: Option<PathBuf>,
    /// With --csv: CSV file with the true digits, ImageId,Label, to compute the accuracy
    #[arg(long, value_name = "CSV", requires = "csv")]
    answers: Option<PathBuf>,
    /// With --csv: predict with this member or meta-model of a run (cnn, booster, mean, …) in place of its stack
    #[arg(long, value_name = "NAME", requires = "csv")]
    model: Option<String>,
    /// With --csv: also write the ten class probabilities, as columns p0 to p9
    #[arg(long, requires = "csv")]
    probabilities: bool,
    /// With --csv: replace the output if it exists
    #[arg(long, requires = "csv")]
    force: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    run: String,
    csv: String,
    out: String,
    #[serde(flatten)]
    summary: &'a CsvSummary,
}

impl CsvArguments {
    /// Classifies each row of `csv` with the models in `folder`.
    pub(super) fn execute(&self, folder: &Path, csv: &Path, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let Some(out) = self.out.as_deref() else {
            return Err(UsageError("--csv needs --out".into()).into());
        };
        let file = check_output(csv, out, self, output)?;
        let answers = self.answers.as_deref().map(Answers::read).transpose()?;
        let resources = session.resources(cancel)?;
        let trained = TrainedModels::load(folder, &resources.device)?;
        let model = match self.model.as_deref() {
            Some(name) => trained.index_of(name).map_err(|error| UsageError(format!("--model {name}: {error}")))?,
            None => trained.recommended(),
        };
        let request = CsvRequest { csv, model, with_probabilities: self.probabilities, answers: answers.as_ref() };
        let destination = match &file {
            None => Destination::Stream { name: "standard output", out: Box::new(output.stream()) },
            Some(file) => Destination::File { path: file.target(), overwrite: self.force },
        };
        let summary = predict_csv(&trained, &request, destination, &resources.context())?;
        output.json(&Summary {
            run: folder.display().to_string(),
            csv: csv.display().to_string(),
            out: out.display().to_string(),
            summary: &summary,
        })?;
        let lines = summary_lines(&summary, out);
        if file.is_none() {
            lines.iter().for_each(|line| output.status(line));
            return Ok(());
        }
        output.lines(lines)
    }
}

fn summary_lines(summary: &CsvSummary, out: &Path) -> Vec<String> {
    let CsvSummary { model, rows, seconds, rows_per_s, digits, .. } = summary;
    let counts: Vec<_> = digits.iter().enumerate().map(|(digit, count)| format!("{digit}: {count}")).collect();
    let mut lines = vec![
        format!("{}: {rows} rows by {model} in {seconds:.1} s, {rows_per_s:.0} rows/s", out.display()),
        format!("  {}", counts.join(", ")),
    ];
    if let (Some(correct), Some(accuracy)) = (summary.correct, summary.accuracy) {
        let [value, low, high] = [accuracy.value, accuracy.low, accuracy.high].map(|share| 100.0 * share);
        lines.push(format!("  right: {correct} of {rows}, {value:.2} % (95 % interval {low:.2} – {high:.2})"));
    }
    lines
}

/// Refuses an output that is also an input, exists already, or would mix with other output. Returns no file for
/// standard output.
fn check_output(
    csv: &Path,
    out: &Path,
    arguments: &CsvArguments,
    output: &Output,
) -> Result<Option<OutputFile>, UsageError> {
    if out == Path::new(STANDARD_OUTPUT) {
        return match output.is_json() {
            true => Err(UsageError("--out - and --json would both write to standard output; name a file".into())),
            false => Ok(None),
        };
    }
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return Err(UsageError(format!("--out {}: the output is not compressed; name it .csv", out.display())));
    }
    // Compared as files, not as names: writing would destroy the input before it is read to its end.
    let same = |input: &Path| same_file::is_same_file(input, out).unwrap_or(false);
    if let Some(input) = [Some(csv), arguments.answers.as_deref()].into_iter().flatten().find(|input| same(input)) {
        return Err(UsageError(format!("--out {}: is also an input, named {}", out.display(), input.display())));
    }
    OutputFile::check(out, arguments.force).map(Some).map_err(|error| UsageError(format!("--out: {error}")))
}
