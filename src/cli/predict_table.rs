//! `digitstack predict MODEL --csv`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{UsageError, arguments::Global, output::Output};
use crate::{
    data::csv::Answers,
    nn,
    pipeline::{Destination, SavedModel, TableOrder, TableSummary, Work, predict_table},
    progress::Cancel,
};

/// The name that stands for standard output.
const STANDARD_OUTPUT: &str = "-";

/// A table instead of pictures.
#[derive(Args, Debug)]
pub(super) struct TableArguments {
    /// Instead of pictures: a CSV file of digits, one a row (pixel0…pixel783, or label,pixel0…pixel783), plain or gzip
    #[arg(long, value_name = "CSV", requires = "out")]
    pub(super) csv: Option<PathBuf>,
    /// With --csv: the CSV file to write, `ImageId,Label`; - writes to standard output
    #[arg(long, value_name = "CSV", requires = "csv")]
    out: Option<PathBuf>,
    /// With --csv: the right digits, a CSV file `ImageId,Label`, to say how many were recognised
    #[arg(long, value_name = "CSV", requires = "csv")]
    answers: Option<PathBuf>,
    /// With --csv: ask this member or meta-model of a run (cnn, booster, mean …) instead of its stack
    #[arg(long, value_name = "NAME", requires = "csv")]
    model: Option<String>,
    /// With --csv: also write the ten class probabilities, in columns p0 to p9
    #[arg(long, requires = "csv")]
    probabilities: bool,
    /// With --csv: replace the output if it is there
    #[arg(long, requires = "csv")]
    force: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    run: &'a Path,
    csv: &'a Path,
    out: &'a Path,
    #[serde(flatten)]
    summary: &'a TableSummary,
}

pub(super) fn predict(
    folder: &Path,
    csv: &Path,
    arguments: &TableArguments,
    global: &Global,
    output: &Output,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    let Some(out) = arguments.out.as_deref() else {
        return Err(UsageError("--csv needs --out".into()).into());
    };
    let to_standard_output = out == Path::new(STANDARD_OUTPUT);
    check_output(csv, out, arguments, output)?;
    let answers = arguments.answers.as_deref().map(Answers::read).transpose()?;
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let saved = SavedModel::load(folder, &work)?;
    let model = match arguments.model.as_deref() {
        Some(name) => saved.place(name).map_err(|error| UsageError(format!("--model {name}: {error}")))?,
        None => saved.believed(),
    };
    let order = TableOrder { csv, model, with_probabilities: arguments.probabilities, answers: answers.as_ref() };
    let destination = if to_standard_output {
        Destination::Stream { name: "standard output", out: Box::new(std::io::stdout().lock()) }
    } else {
        Destination::File { path: out, overwrite: arguments.force }
    };
    let summary = predict_table(&saved, &order, destination, &work)?;
    output.json(&Summary { run: folder, csv, out, summary: &summary })?;
    let counts: Vec<_> = summary.digits.iter().enumerate().map(|(digit, count)| format!("{digit}: {count}")).collect();
    let mut lines = vec![
        format!(
            "{}: {} rows by {} in {:.1} s, {:.0} rows/s",
            out.display(),
            summary.rows,
            summary.model,
            summary.seconds,
            summary.rows_per_s
        ),
        format!("  {}", counts.join(", ")),
    ];
    if let (Some(correct), Some(accuracy)) = (summary.correct, summary.accuracy) {
        let [value, low, high] = [accuracy.value, accuracy.low, accuracy.high].map(|share| 100.0 * share);
        lines
            .push(format!("  right: {correct} of {}, {value:.2} % (95 % interval {low:.2} – {high:.2})", summary.rows));
    }
    // Standard output is the table's if it goes there.
    for line in lines {
        if to_standard_output {
            output.status(&line);
        } else {
            output.line(line)?;
        }
    }
    Ok(())
}

/// Refuses outputs that cannot be meant.
fn check_output(csv: &Path, out: &Path, arguments: &TableArguments, output: &Output) -> Result<(), UsageError> {
    if out == Path::new(STANDARD_OUTPUT) {
        return match output.is_json() {
            true => Err(UsageError("--out - and --json would both write to standard output; name a file".into())),
            false => Ok(()),
        };
    }
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return Err(UsageError(format!("--out {}: the output is not packed; name it .csv", out.display())));
    }
    // By whatever name: the output is emptied before the input is read to its end.
    let same = |input: &Path| same_file::is_same_file(input, out).unwrap_or(false);
    if let Some(input) = [Some(csv), arguments.answers.as_deref()].into_iter().flatten().find(|input| same(input)) {
        return Err(UsageError(format!("--out {}: is read as well, by the name {}", out.display(), input.display())));
    }
    if !arguments.force && out.symlink_metadata().is_ok() {
        return Err(UsageError(format!("--out {}: is there already; replace it with --force", out.display())));
    }
    Ok(())
}
