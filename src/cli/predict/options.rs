//! Options of the answers: of pictures and of tables alike.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{
    failure::UsageError,
    options::{output_file, share},
};
use crate::{artifact::Destination, cli::output::Output, storage::OutputFile};

/// File name that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// How answers are given, and where.
#[derive(Args, Debug)]
pub(super) struct AnswerOptions {
    /// CSV file to write: file,digit,confidence,second,refusal, or with --csv ImageId,Label; - is standard output
    #[arg(long, value_name = "CSV")]
    pub(super) out: Option<PathBuf>,
    /// Confidence, 0 to 1, below which an answer is refused as `unsure` [default: the minimum that the run found]
    #[arg(long, value_name = "X", value_parser = share)]
    pub(super) min_confidence: Option<f32>,
    /// With --csv: CSV file with the true digits, ImageId,Label, to compute the accuracy
    #[arg(long, value_name = "CSV")]
    pub(super) answers: Option<PathBuf>,
    /// Answer with this member or meta-model of a run (cnn, booster, mean, …) in place of its stack
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// With --out: also write the ten class probabilities, as columns p0 to p9
    #[arg(long)]
    pub(super) probabilities: bool,
    /// Replace the file of --out if it exists
    #[arg(long)]
    pub(super) force: bool,
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// An output in words.
pub(super) fn shown(out: &Path) -> String {
    if out == Path::new(STANDARD_OUTPUT) { "standard output".to_owned() } else { out.display().to_string() }
}

/// A checked output.
pub(super) enum Target {
    StandardOutput,
    File(OutputFile),
}

impl AnswerOptions {
    pub(super) fn is_standard_output(&self) -> bool {
        self.out.as_deref() == Some(Path::new(STANDARD_OUTPUT))
    }

    /// Checks the output, before any work. `inputs`: files that the work reads.
    pub(super) fn target(&self, inputs: &[&Path]) -> Result<Option<Target>, UsageError> {
        let Some(out) = self.out.as_deref() else { return Ok(None) };
        if self.is_standard_output() {
            return Ok(Some(Target::StandardOutput));
        }
        if has_extension(out, "gz") {
            return Err(UsageError(format!("--out {}: the output is not compressed; name it .csv", out.display())));
        }
        if let Some(json) = ["json", "jsonl", "ndjson"].iter().find(|json| has_extension(out, json)) {
            let problem =
                format!("--out {}: the output is CSV; for lines of JSON use --json > NAME.{json}", out.display());
            return Err(UsageError(problem));
        }
        Ok(Some(Target::File(output_file("--out", out, inputs.iter().copied(), self.force)?)))
    }
}

impl Target {
    /// The output as the library takes it.
    pub(super) fn destination<'a>(&'a self, output: &'a Output) -> Destination<'a> {
        match self {
            Self::StandardOutput => {
                Destination::Stream { name: "standard output", out: Box::new(std::io::BufWriter::new(output.stream())) }
            }
            Self::File(file) => Destination::File { output: file },
        }
    }

    /// Prints a summary: on standard output unless that has the answers.
    pub(super) fn print(&self, lines: Vec<String>, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::StandardOutput => {
                lines.iter().for_each(|line| output.status(line));
                Ok(())
            }
            Self::File(_) => output.lines(lines),
        }
    }
}
