//! `digitstack predict`: of pictures or of the rows of a CSV file.

mod options;
mod pictures;
mod table;

use std::path::PathBuf;

use clap::Args;

use super::{options::Drawing, session::Session};
use crate::{artifact::TrainedModels, cli::failure::UsageError};
use options::AnswerOptions;

const HELP: &str = "\
A run answers with its stack: confidences are calibrated, and pictures that do not look like a digit are flagged. A \
single model (`digitstack train`) answers with its own uncalibrated probabilities and flags nothing; so does a member \
or meta-model of a run that --model names.

A folder stands for every file in it and in the folders inside, a pattern in quotes for the files that match it, both \
sorted; what is named one by one stays in that order. Without --out the answers are printed, and a picture that cannot \
be read is an error (exit code 1) after the others. With --json each picture is one line of JSON; `refusal` says why \
there is no digit, or why not to rely on it.

--out writes file,digit,confidence,second,refusal, one line for each file in order. A file that gives no digit stands \
there, too, with `unreadable: …`, `not-a-picture: …` or `blank` as its refusal; a refusal of the model's (`unsure`, \
`several-digits`, `scribble`) has the digit that it would have been beside it. The exit code is 1 only if nothing could \
be read.

--csv reads one digit per row, in the format of Kaggle's Digit Recognizer: 784 pixels, or a label and 784 pixels, \
with or without a header. It writes ImageId,Label with ids from 1, with --min-confidence confidence and refusal after \
them, and with --probabilities p0 to p9. A row that is not a digit ends it: it is named with its line, and the exit \
code is 1. If the file has labels, or --answers gives them, the accuracy is printed too.

Both work in batches: memory does not grow with the number of pictures or rows. The output has its name when it is \
complete. Until then the answers are in a file beside it, NAME.….partial: after a kill, Ctrl-C or a full disk the same \
command goes on from there, but with other models, settings or input it begins anew.

Examples:
  digitstack predict artifacts/quickstart photo.png
  digitstack predict artifacts/mnist-cpu my-pictures --out guesses.csv
  digitstack predict artifacts/mnist-cpu 'scans/*.png' --out guesses.csv --min-confidence 0.95
  digitstack predict artifacts/mnist-cpu my-pictures --json > guesses.jsonl
  digitstack predict artifacts/quickstart-cnn photo.png    with a single model
  digitstack predict artifacts/mnist-cpu --csv test.csv --out submission.csv    a file for Kaggle
  digitstack predict artifacts/mnist-cpu --csv test.csv.gz --out - --probabilities | head
  digitstack predict artifacts/mnist-cpu --csv test.csv --out cnn.csv --model cnn
  digitstack predict artifacts/mnist-cpu --csv test.csv --out out.csv --answers test-labels.csv";

/// Recognise the digits in pictures, in folders of pictures, or in the rows of a CSV file
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct PredictArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    /// Pictures (PNG, JPEG, GIF, BMP, WebP, TIFF, PNM), folders of pictures, or patterns in quotes such as
    /// 'scans/*.png'
    #[arg(required_unless_present = "csv", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// CSV file of digits in place of pictures, one per row (pixel0…pixel783 or label,pixel0…pixel783), plain or gzip
    #[arg(long, value_name = "CSV")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    answers: AnswerOptions,
}

impl PredictArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        self.check(session.output.is_json())?;
        match &self.csv {
            Some(csv) => table::predict(&self.run, csv, &self.answers, session),
            None => pictures::predict(&self.run, &self.images, &self.drawing.options(), &self.answers, session),
        }
    }

    /// Refuses options that would have no effect beside the others.
    fn check(&self, is_json: bool) -> Result<(), UsageError> {
        let answers = &self.answers;
        let is_table = self.csv.is_some();
        let out = answers.out.is_some();
        let is_file = out && !answers.is_standard_output();
        let problem = |problem: &str| Err(UsageError(problem.to_owned()));
        let wrong = [
            (is_table && !self.images.is_empty(), "--csv cannot be used with pictures: ask for one of them at a time"),
            (is_table && !out, "--csv needs --out: the CSV file to write, or - for standard output"),
            (
                is_table && self.drawing.is_given(),
                "--centre and --ink are for pictures; the rows of --csv are 28×28 images",
            ),
            (!is_table && answers.answers.is_some(), "--answers needs --csv: it names the true digits of its rows"),
            (!out && answers.probabilities, "--probabilities needs --out; without it all probabilities are printed"),
            (!is_file && answers.force, "--force needs --out with the name of a file"),
            (out && !is_file && is_json, "--out - and --json would both write to standard output; name a file"),
        ];
        wrong.iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, words)| problem(words))
    }
}

/// Index of the model that answers: the one that `name` names, or the recommended one.
pub(super) fn model_index(trained: &TrainedModels, name: Option<&str>) -> Result<usize, UsageError> {
    match name {
        Some(name) => trained.index_of(name).map_err(|error| UsageError(format!("--model {name}: {error}"))),
        None => Ok(trained.recommended()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        predict: PredictArguments,
    }

    /// The words of the refusal of a command line; empty if it is accepted.
    fn refusal(line: &str) -> String {
        let is_json = line.contains("--json");
        let words = line.split_whitespace().filter(|word| *word != "--json");
        match Alone::try_parse_from(std::iter::once("predict").chain(words)) {
            Ok(parsed) => parsed.predict.check(is_json).err().map(|error| error.0).unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_option_has_an_effect_or_is_refused() {
        let pictures = ["run a.png", "run a.png --out o.csv", "run a.png --out -"];
        let tables = ["run --csv t.csv --out o.csv", "run --csv t.csv --out -"];
        for line in pictures.iter().chain(&tables) {
            assert_eq!(refusal(line), "", "{line}");
            for more in ["--model cnn", "--min-confidence 0.9"] {
                assert_eq!(refusal(&format!("{line} {more}")), "", "{line} {more}");
            }
            let is_table = line.contains("--csv");
            let refused = |more: &str, is_refused: bool, words: &str| {
                let said = refusal(&format!("{line} {more}"));
                assert_eq!(!said.is_empty(), is_refused, "{line} {more}: {said}");
                assert!(!is_refused || said.contains(words), "{line} {more}: {said}");
            };
            refused("--ink dark", is_table, "--ink");
            refused("--centre box", is_table, "--centre");
            refused("--answers l.csv", !is_table, "--csv");
            refused("--probabilities", !line.contains("--out"), "--out");
            refused("--force", !line.contains("--out o.csv"), "--out");
            refused("--json", line.contains("--out -"), "both write to standard output");
            for wrong in ["-0.1", "1.1", "NaN", "95%", ""] {
                refused(&format!("--min-confidence={wrong}"), true, "expected a number from 0 to 1");
            }
        }
        assert!(refusal("run").contains("IMAGE"));
        assert!(refusal("run --csv t.csv").contains("--out"));
        assert!(refusal("run --csv t.csv --out o.csv a.png").contains("cannot be used with"));
    }
}
