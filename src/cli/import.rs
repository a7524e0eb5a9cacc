//! `digitstack import`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{
    UsageError,
    arguments::{DataDirectory, Global},
    evaluate::leaderboard,
    output::Output,
    run::overrides,
    usage,
};
use crate::{
    data::HeldOut,
    evaluation::ModelScores,
    nn::{self, WeightsFile},
    pipeline::{self, RunConfig, Work},
    progress::Cancel,
    storage::{self, RunDirectory},
};

pub(super) const HELP: &str = "\
The directory is like that of `digitstack train`: configuration, model, scores, manifest. The net is
scored on the part of the training digits that `digitstack train` would hold out, and on the test
images. Whether it was trained on that part, only its maker knows.

The architecture is that of the configuration's member. Without --config the file must come from
`digitstack export`: it says its architecture and what is done to an image first, and is scored on
the built-in digits, or on those of --data.

Arrays in the file are called
  1. as this program does: blocks.0.convolutions.0.weight, hidden.0.weight, output.weight, .bias;
  2. as PyTorch's modules are: <module>.weight and <module>.bias. Convolutions have weights of 4
     dimensions, [out, in, kernel, kernel], fully connected layers of 2, [out, in], norms
     (BatchNorm2d) of 1, or none but a running_mean and a running_var (affine=False); a convolution
     in front of a norm has no bias. There must be as many of each as the net has. In each group,
       0.weight, 3.weight (nn.Sequential) or conv1.weight, conv2.weight, which differ in one number
         alone, are the layers in the order of that number;
       fc1.weight, out.weight, other names, are told by their shapes; those of one shape must differ
         in one number alone.
Every shape must be the one that its layer needs. What fits in two ways, lacks an array or has one
too many is refused, with the names in the file. Arrays are F32; F16, BF16 and F64 are converted.

Nets see pixels from 0 to 1; the first fully connected layer behind convolutions takes their output
as PyTorch flattens it: channel, row, column. In PyTorch:
  safetensors.torch.save_file(model.state_dict(), \"net.safetensors\")

A file that is refused leaves nothing behind. Exit codes: 0 imported; 1 the file or the digits
cannot be used; 2 the arguments are wrong.

Examples:
  digitstack import net.safetensors --config configs/mnist-cpu.toml --model cnn --out artifacts/net
  digitstack import cnn.safetensors --out artifacts/again   a file that `digitstack export` wrote
  digitstack import net.safetensors --config my.toml --model dense --out artifacts/relu \\
    --set members.dense.network.activation=relu";

#[derive(Args, Debug)]
pub(super) struct ImportArguments {
    /// A safetensors file
    weights: PathBuf,
    /// A TOML file with the member whose net it is [default: what the file says, if `digitstack export` wrote it]
    #[arg(long, value_name = "CONFIG", requires = "model")]
    config: Option<PathBuf>,
    /// The name of the member of the configuration; without one, what to call the net [default: net]
    #[arg(long, value_name = "MEMBER")]
    model: Option<String>,
    /// The directory to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    data: DataDirectory,
    /// Share of the training digits to score on, as `digitstack train` holds it out
    #[arg(long, value_name = "SHARE|COUNT")]
    validation: Option<HeldOut>,
    /// Start over, deleting what an earlier run left in the directory
    #[arg(long)]
    fresh: bool,
}

#[derive(Serialize)]
struct Import<'a> {
    directory: &'a std::path::Path,
    member: &'a str,
    kind: &'a str,
    weights: &'a std::path::Path,
    weights_sha256: &'a str,
    scores: &'a ModelScores,
}

pub(super) fn import(
    arguments: &ImportArguments,
    global: &Global,
    output: &Output,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    if !arguments.fresh && storage::is_complete(&arguments.out) {
        return Err(
            UsageError(format!("{} is complete already; start over with --fresh", arguments.out.display())).into()
        );
    }
    let overrides = overrides(global)?;
    let name = arguments.model.as_deref().unwrap_or("net");
    let (mut config, weights) = match &arguments.config {
        Some(path) => (RunConfig::load(Some(path), &overrides)?, WeightsFile::read(&arguments.weights)?),
        None => {
            let weights = WeightsFile::read(&arguments.weights)?;
            let Some(config) = pipeline::config_of_file(&weights, name, &overrides) else {
                let file = arguments.weights.display();
                return Err(UsageError(format!(
                    "{file} does not say its architecture; name it with --config and --model"
                ))
                .into());
            };
            (config?, weights)
        }
    };
    if let Some(validation) = arguments.validation {
        config.single.validation = validation;
    }
    let member = config.members.iter().find(|member| member.name() == name).ok_or_else(|| {
        let names = config.member_names().join(", ");
        UsageError(format!("there is no member `{name}` in {}; it has {names}", config.name))
    })?;
    let device = nn::resolve(&global.device)?;
    output.status(&format!("{name}: {}, on {}", member.summary(), device.description()));
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let data = arguments.data.data.as_deref();
    let imported = pipeline::import_one(&config, member.as_ref(), &weights, data, &work).map_err(usage)?;
    let directory = RunDirectory::open(&arguments.out, arguments.fresh)?;
    imported.save(&config, &directory, &work)?;
    output.json(&Import {
        directory: &arguments.out,
        member: name,
        kind: member.kind(),
        weights: &arguments.weights,
        weights_sha256: imported.weights_sha256(),
        scores: imported.scores(),
    })?;
    for line in leaderboard(std::slice::from_ref(imported.scores())) {
        output.line(line)?;
    }
    output.line(format!("model: {}", arguments.out.join("model").display()))
}
