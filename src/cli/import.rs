//! `digitstack import`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{
    failure::UsageError,
    options::TrainingData,
    score_table::{next_steps, score_table},
    session::Session,
};
use crate::{
    artifact::Artifact,
    config::RunConfig,
    data::HeldOut,
    evaluation::ModelScores,
    nn::WeightsFile,
    storage::RunDirectory,
    training::{self, Imported, Inputs},
};

const HELP: &str = "\
The directory is like one of `digitstack train`: configuration, model, scores, manifest. The net is scored on the \
training digits that `digitstack train` would hold out, and on the test images. Only its maker knows whether it was \
trained on the held-out digits.

The architecture is that of the configuration's member. Without --config the file must come from `digitstack export`: \
it names its architecture and preprocessing, and is scored on the built-in digits or on those of --data.

Arrays in the file are named as this program names them: blocks.0.convolutions.0.weight, hidden.0.weight, \
output.weight, and .bias; or as PyTorch's modules are: <module>.weight and <module>.bias. There convolutions have \
weights of 4 dimensions, [out, in, kernel, kernel], fully connected layers of 2, [out, in], norms (BatchNorm2d) of 1, \
or only running_mean and running_var (affine=False). A convolution before a norm has no bias. There must be as many of \
each as the net has. Names that differ in one number only, such as 0.weight and 3.weight (nn.Sequential) or conv1.weight \
and conv2.weight, are layers in the order of that number; other names, such as fc1.weight and out.weight, are matched by \
shape; names of equal shape must differ in one number only.

Every array must have the shape that its layer needs. A file that fits in two ways, lacks an array or has one too \
many is refused, with the names in the file. Arrays are F32; F16, BF16 and F64 are converted.

Nets see pixels from 0 to 1; the first fully connected layer after convolutions takes their output as PyTorch \
flattens it: channel, row, column. In PyTorch:
  safetensors.torch.save_file(model.state_dict(), \"net.safetensors\")

A file that is refused leaves nothing behind. Exit codes: 0 imported; 1 the file or the digits cannot be used; 2 the \
arguments are wrong.

Examples:
  digitstack import net.safetensors --config configs/mnist-cpu.toml --model cnn --out artifacts/net
  digitstack import cnn.safetensors --out artifacts/again    a file written by `digitstack export`
  digitstack import net.safetensors --config my.toml --model dense --out artifacts/relu \\
    --set members.dense.network.activation=relu";

/// Import a net trained elsewhere, such as a PyTorch state dict, and score it
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ImportArguments {
    /// Safetensors file
    weights: PathBuf,
    /// TOML file with the member that has the net's architecture [default: the architecture in the file, if
    /// `digitstack export` wrote it]
    #[arg(long, value_name = "CONFIG", requires = "model")]
    config: Option<PathBuf>,
    /// Name of the configuration's member; without a configuration, name to give the net [default: net]
    #[arg(long, value_name = "MEMBER")]
    model: Option<String>,
    /// Directory to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    data: TrainingData,
    /// Training digits to score on, as `digitstack train` holds them out: a fraction below 1 or a number of digits
    #[arg(long, value_name = "FRACTION|COUNT")]
    validation: Option<HeldOut>,
    /// Start over: delete what an earlier import left in the directory
    #[arg(long)]
    fresh: bool,
}

#[derive(Serialize)]
struct Import<'a> {
    directory: String,
    member: &'a str,
    kind: &'a str,
    weights: String,
    weights_sha256: &'a str,
    scores: &'a ModelScores,
}

impl ImportArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let name = self.model.as_deref().unwrap_or("net");
        let (mut config, weights) = self.open(name, session)?;
        let (overrides, title) = (session.overrides()?, config.experiment.name.clone());
        self.data.apply(
            &mut config.experiment,
            |experiment| &mut experiment.data,
            |experiment, folder| experiment.use_folder(folder, "", &overrides),
            Some(output),
        );
        // The net does not come from these digits.
        config.experiment.name = title;
        let member = config.experiment.members.iter().find(|member| member.name() == name).ok_or_else(|| {
            let available = config.experiment.member_names().join(", ");
            UsageError(format!("unknown member `{name}` of {}; available: {available}", config.experiment.name))
        })?;
        let resources = session.resources(cancel)?;
        output.status(&format!("{name}: {}, on {}", member.summary(), resources.device.description()));
        let imported = Imported::new(&config, member.as_ref(), &weights, &resources.device)?;
        let inputs = Inputs::read(&config.experiment.data, self.data.path(), resources.progress.as_ref())?;
        let directory = RunDirectory::open(&self.out, self.fresh)?;
        session.report_state(&directory);
        let metrics = imported.save(&config, &inputs, &directory, &resources.context())?;
        output.json(&Import {
            directory: self.out.display().to_string(),
            member: name,
            kind: member.kind(),
            weights: self.weights.display().to_string(),
            weights_sha256: imported.weights_sha256(),
            scores: &metrics.models[0],
        })?;
        output.lines(score_table(&metrics.models))?;
        let artifact = Artifact::open(&self.out)?;
        output.line(format!("model: {}", artifact.path_of(artifact.fits()[0]).display()))?;
        output.lines(next_steps(&self.out))
    }

    /// Reads the configuration, or makes one of what the file says about itself, and the weights.
    fn open(&self, name: &str, session: &Session) -> anyhow::Result<(RunConfig, WeightsFile)> {
        let overrides = session.overrides()?;
        let (mut config, weights) = match &self.config {
            Some(path) => (RunConfig::load(Some(path), &overrides)?, WeightsFile::read(&self.weights)?),
            None => {
                let weights = WeightsFile::read(&self.weights)?;
                let config = training::config_of_weights(&weights, name, &overrides).ok_or_else(|| {
                    let file = self.weights.display();
                    UsageError(format!("{file} does not name its architecture; give it with --config and --model"))
                })?;
                (config?, weights)
            }
        };
        if let Some(validation) = self.validation {
            config.hold_out.validation = validation;
        }
        Ok((config, weights))
    }
}
