//! `digitstack predict`: of pictures or of the rows of a CSV file.

mod csv;
mod pictures;

use std::path::PathBuf;

use clap::Args;

use super::{options::Drawing, session::Session};

const HELP: &str = "\
A run answers with its stack: confidences are calibrated, and pictures that do not look like a digit are flagged. A \
single model (`digitstack train`) answers with its own uncalibrated probabilities and flags nothing.

--csv reads one digit per row, in the format of Kaggle's Digit Recognizer: 784 pixels, or a label and 784 pixels, \
with or without a header. It writes ImageId,Label with ids from 1, and with --probabilities p0 to p9 after them. Rows \
are processed in batches: memory does not grow with the length of the file. After an error in the middle (a row that \
is not a digit is named with its line; Ctrl-C), the rows before it stay in the output, the error says how many there \
are, and the exit code is 1. If the file has labels, or --answers gives them, the accuracy is printed too.

Examples:
  digitstack predict artifacts/quickstart photo.png
  digitstack predict artifacts/mnist-cpu *.png --json
  digitstack predict artifacts/quickstart-cnn photo.png    with a single model
  digitstack predict artifacts/mnist-cpu --csv test.csv --out submission.csv    a file for Kaggle
  digitstack predict artifacts/mnist-cpu --csv test.csv.gz --out - --probabilities | head
  digitstack predict artifacts/mnist-cpu --csv test.csv --out cnn.csv --model cnn
  digitstack predict artifacts/mnist-cpu --csv test.csv --out out.csv --answers test-labels.csv";

/// Recognise the digit in each picture (of any size and ink colour; PNG, JPEG, GIF, BMP, WebP, TIFF, PNM) or in each row of a CSV file
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct PredictArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    /// Pictures: PNG, JPEG, GIF, BMP, WebP, TIFF or PNM
    #[arg(required_unless_present = "csv", conflicts_with = "csv", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    table: csv::CsvArguments,
}

impl PredictArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        match &self.table.csv {
            Some(csv) => self.table.execute(&self.run, csv, session),
            None => pictures::predict(&self.run, &self.images, &self.drawing.options(), session),
        }
    }
}
