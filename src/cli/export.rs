//! `digitstack export`.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::Serialize;

use super::session::Session;
use crate::{
    artifact::{Artifact, ModelFiles},
    device::{self, DeviceChoice},
    imaging::Recipe,
    learners::ModelFormat,
    serve,
    storage::{OutputFile, Sha256Digest},
};

const HELP: &str = "\
MODEL is a member's name if the directory has one model of it (`digitstack train`, `digitstack import`, a run with \
refitted final models), a fold's model such as cnn/fold-1, or a meta-model such as logistic. Every file of the \
directory is verified before it is read.

safetensors (dense, cnn, logistic, svm, knn): weights by PyTorch's names and in its layout: float32, convolutions \
[out, in, kernel, kernel], fully connected layers [out, in], biases [out]. The metadata entry `digitstack` holds the \
architecture as JSON. safetensors.torch.load_file opens the file; `digitstack import` reads it back, bit for bit. \
logistic: `weight` [classes, 784] and `bias`, for pixels from 0 to 1. svm: `vectors`, the support vectors as bytes, \
class by class, and `coefficients` [n, classes - 1] in LIBSVM's layout; kernel width, biases and calibration are in the \
metadata entry. knn: `images` [n, 28, 28] and `labels` [n], as bytes.

onnx (dense, cnn): a graph of operators of version 17, for ONNX Runtime and others. Input `image`: float32 [N, 1, 28, \
28], 0 = background, 1 = ink. Outputs: `probabilities` [N, 10], rows that sum to 1, and `logits` [N, 10]. N is free.

lightgbm (booster): LightGBM's model text: lightgbm.Booster(model_file=...). Features: the 784 pixels row by row, 0 to \
255.

json (dense, cnn, logistic, svm, booster, and meta-models): nested lists. dense, cnn: `architecture` and `weights` by \
the names of safetensors. logistic, svm: `model` and `arrays` by the names of safetensors. booster: `trees`, lists by \
node. From node 0 an image goes to `left_child` if its pixel `split_feature` is at most `threshold`, otherwise to \
`right_child`; a child below 0 is the leaf -1 - child, whose `leaf_value` is added to the score of the tree's `class`. \
Where `missing_type` is zero, pixels of 0 go left if `default_left` is true. Probabilities: softmax of the scores. \
meta-models: `member_names` and `meta`. logistic: for each of `classes` a row of `weights` [10 * members] and an \
intercept; weighted-mean: `weights` by member; tree: its nodes.

page (dense, cnn): one HTML file with the net, a drawing area and an interpreter of the net's layers; it reads drawn \
digits in a browser, without a server and without loading anything. Only the preprocessing steps noise, normalise-size, \
stretch and centre are possible.

Images pass the run's preprocessing (`prepare.recipe`) and the member's own before the model. Where there is any, it \
is printed, and every format except lightgbm stores it as the note `preparation`: a list of steps. The same holds for \
`predict.shifts` above 1 and the note `shifts`: what is exported is the model of one image, the run averages several.

Exit codes: 0 written; 1 the directory is damaged or the file cannot be written; 2 unknown model or format, or the \
file exists.

Examples:
  digitstack export artifacts/quickstart cnn/fold-1 --format onnx
  digitstack export artifacts/quickstart-cnn cnn --format safetensors --out cnn.safetensors
  digitstack export artifacts/quickstart booster/fold-1 --format lightgbm
  digitstack export artifacts/quickstart cnn/fold-1 --format page --out digits.html
  digitstack export artifacts/quickstart logistic --format json";

/// Write one model for other programs, or as a page: safetensors, ONNX, LightGBM text, JSON or HTML
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ExportArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    /// Name of the model: cnn, cnn/fold-1, logistic
    model: String,
    /// File format to write
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = PossibleValuesParser::new(Format::names()).try_map(|name| Format::parse(&name))
    )]
    format: Format,
    /// File to write [default: <MODEL>.<extension of the format> in the current folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Form in which a model is written.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// A file of the model alone.
    Model(ModelFormat),
    /// A page that runs the model in a browser.
    Page,
}

impl Format {
    const PAGE: &str = "page";

    fn names() -> Vec<&'static str> {
        ModelFormat::ALL.map(ModelFormat::name).into_iter().chain([Self::PAGE]).collect()
    }

    fn parse(name: &str) -> Result<Self, String> {
        if name == Self::PAGE { Ok(Self::Page) } else { name.parse().map(Self::Model) }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Model(format) => format.name(),
            Self::Page => Self::PAGE,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Model(format) => format.extension(),
            Self::Page => "html",
        }
    }
}

#[derive(Serialize)]
struct Exported<'a> {
    model: &'a str,
    format: &'static str,
    file: String,
    bytes: usize,
    sha256: Sha256Digest,
    preparation: &'a Recipe,
    /// Shifts over which the run averages the model's probabilities.
    shifts: u32,
}

impl ExportArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let Self { run, model, format, .. } = self;
        let default = || PathBuf::from(format!("{}.{}", model.replace('/', "-"), format.extension()));
        let file = self.out.clone().unwrap_or_else(default);
        let target = OutputFile::open(&file, self.force)?;
        // Weights are copied, not computed with.
        let device = device::resolve(&DeviceChoice::Cpu)?;
        let models = ModelFiles::of(Artifact::open(run)?);
        let model = models.find(model)?;
        let bytes = match format {
            Format::Model(format) => models.export(model, *format, &device)?,
            Format::Page => serve::standalone_page(&models, model, &device)?,
        };
        target.write(&bytes)?;
        let preparation = models.recipe(model);
        let shifts = models.learner(model).map_or(1, |learner| learner.shifts());
        let output = &session.output;
        output.json(&Exported {
            model: &model.name,
            format: format.name(),
            file: file.display().to_string(),
            bytes: bytes.len(),
            sha256: Sha256Digest::of(&bytes),
            preparation: &preparation,
            shifts,
        })?;
        output.line(format!("{}: {} as {}, {} bytes", file.display(), model.name, format.name(), bytes.len()))?;
        if !preparation.steps.is_empty() {
            output.line(format!("images must first pass: {}", serde_json::to_string(&preparation)?))?;
        }
        if shifts > 1 {
            output.line(format!("the run averages {shifts} shifts of an image; the file is the model of one"))?;
        }
        Ok(())
    }
}
