//! `digitstack export`.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::Serialize;

use super::{UsageError, output::Output, usage};
use crate::{
    imaging::Recipe,
    learners::ModelFormat,
    nn::{self, DeviceChoice},
    pipeline::ModelFiles,
    storage,
};

pub(super) const HELP: &str = "\
MODEL is a member's name if there is one model of it (`digitstack train`, `digitstack import`, a
run whose final models were refitted), otherwise that of a fold's model, such as cnn/fold-1, or the
name of a meta-model, such as logistic. Every file of
the directory is verified before it is read.

Formats, and the kinds of model that have them:

safetensors (dense, cnn, logistic, svm)
  The weights by PyTorch's names and in its layout: float32, convolutions [out, in, kernel, kernel],
  fully connected layers [out, in], biases [out]; the metadata entry `digitstack` holds the
  architecture as JSON. safetensors.torch.load_file opens it; `digitstack import` reads it back, bit
  for bit. logistic: `weight` [classes, 784] and `bias`, for pixels from 0 to 1. svm: `vectors`, the
  support vectors as bytes, class by class, and `coefficients` [n, classes - 1] as LIBSVM has them;
  the kernel's width, the biases and the calibration are in the metadata entry.
onnx (dense, cnn)
  A graph for ONNX Runtime and others, of operators of version 17. Input `image`: float32
  [N, 1, 28, 28], 0 = background, 1 = ink. Outputs: `probabilities` [N, 10], whose rows add up to 1,
  and `logits` [N, 10]. N is free.
lightgbm (booster)
  LightGBM's model text: lightgbm.Booster(model_file=...). Features: the 784 pixels row by row, 0 to
  255.
json (all of these, and meta-models)
  dense, cnn: `architecture` and `weights`, nested lists by the names of safetensors.
  logistic, svm: `model` and `arrays`, nested lists by the names of safetensors.
  booster: `trees`, lists by node. From node 0 an image goes to `left_child` if its pixel
  `split_feature` is at most `threshold`, otherwise to `right_child`; a child below 0 is the leaf
  -1 - child, whose `leaf_value` is added to the score of the tree's `class`. Where `missing_type`
  is zero, pixels of 0 go left if `default_left` says so. Probabilities are the softmax of scores.
  meta-models: `member_names` and, under `meta`, what is made of their probabilities. logistic: for
  each of `classes` a row of `weights` [10 * members] and an intercept; weighted-mean: `weights` by
  member; tree: its nodes.

A member sees images after the run's preparation (`prepare.recipe`) and its own. It is printed if there is one,
and the file, unless it is LightGBM's, holds it as the note `preparation`: a list of steps.

Exit codes: 0 written; 1 the directory is damaged or the file cannot be written; 2 no such model or
format, or the file is there already.

Examples:
  digitstack export artifacts/quickstart cnn/fold-1 --format onnx
  digitstack export artifacts/quickstart-cnn cnn --format safetensors --out cnn.safetensors
  digitstack export artifacts/quickstart booster/fold-1 --format lightgbm
  digitstack export artifacts/quickstart logistic --format json";

#[derive(Args, Debug)]
pub(super) struct ExportArguments {
    /// A complete run directory, or that of a single model
    run: PathBuf,
    /// Which model: cnn, cnn/fold-1, logistic
    model: String,
    /// What to write
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = PossibleValuesParser::new(ModelFormat::ALL.map(ModelFormat::name)).try_map(|name| name.parse::<ModelFormat>())
    )]
    format: ModelFormat,
    /// The file [default: <MODEL>.<extension of the format> in the current folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Exported<'a> {
    model: &'a str,
    format: &'static str,
    file: &'a std::path::Path,
    bytes: usize,
    sha256: String,
    preparation: &'a Recipe,
}

pub(super) fn export(arguments: &ExportArguments, output: &Output) -> anyhow::Result<()> {
    let ExportArguments { run, model, format, .. } = arguments;
    let default = || PathBuf::from(format!("{}.{}", model.replace('/', "-"), format.extension()));
    let file = arguments.out.clone().unwrap_or_else(default);
    if !arguments.force && file.exists() {
        return Err(UsageError(format!(
            "{} is there already; replace it with --force, or choose another file with --out",
            file.display()
        ))
        .into());
    }
    // Weights are copied, not computed with.
    let device = nn::resolve(&DeviceChoice::Cpu)?;
    let models = ModelFiles::open(run)?;
    let model = models.find(model).map_err(usage)?;
    let bytes = models.export(model, *format, &device).map_err(usage)?;
    storage::write_file(&file, &bytes, arguments.force)?;
    let preparation = models.preparation(model);
    let sha256 = storage::hash(&bytes);
    output.json(&Exported {
        model: &model.name,
        format: format.name(),
        file: &file,
        bytes: bytes.len(),
        sha256,
        preparation: &preparation,
    })?;
    output.line(format!("{}: {} as {format}, {} bytes", file.display(), model.name, bytes.len()))?;
    if !preparation.steps.is_empty() {
        output.line(format!("images must first pass: {}", serde_json::to_string(&preparation)?))?;
    }
    Ok(())
}
