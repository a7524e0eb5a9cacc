//! `digitstack bench`.

use std::time::Duration;

use serde::Serialize;

use super::{
    arguments::{BenchArguments, BenchPart, Global},
    output::Output,
};
use crate::{
    boosting::{self, BoosterConfig},
    data::{DataConfig, Digits},
    imaging::{self, Recipe},
    nn::{self, CnnConfig, DenseConfig, NetworkConfig, OptimizerConfig},
    pipeline,
};

/// Images that the booster is trained on and that are preprocessed, unless the data set has fewer.
const IMAGES: usize = 10_000;
/// Trees a class that the booster grows.
const TREES: u32 = 30;

#[derive(Serialize)]
struct NetResult {
    net: &'static str,
    device: String,
    threads: usize,
    #[serde(flatten)]
    throughput: nn::Throughput,
}

#[derive(Serialize)]
struct ImagingResult {
    threads: usize,
    rotations: usize,
    images: u64,
    seconds: f64,
    images_per_s: f64,
}

pub(super) fn bench(arguments: &BenchArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    if !(arguments.seconds > 0.0 && arguments.seconds <= 3600.0) {
        return Err(super::UsageError(format!("--seconds {}: expected above 0 and at most 3600", arguments.seconds)).into());
    }
    match arguments.part {
        BenchPart::Cnn => {
            let optimizer = OptimizerConfig::Adadelta { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.0 };
            net("cnn", &NetworkConfig::Cnn(CnnConfig::default()), &optimizer, arguments, global, output)
        }
        BenchPart::Dense => {
            let optimizer = OptimizerConfig::Sgd { learning_rate: 0.1349, weight_decay: 0.0 };
            net("dense", &NetworkConfig::Dense(DenseConfig::default()), &optimizer, arguments, global, output)
        }
        BenchPart::Booster => booster(arguments, output),
        BenchPart::Imaging => imaging(arguments, output),
    }
}

fn net(
    name: &'static str,
    network: &NetworkConfig,
    optimizer: &OptimizerConfig,
    arguments: &BenchArguments,
    global: &Global,
    output: &Output,
) -> anyhow::Result<()> {
    let device = nn::resolve(&global.device)?;
    output.status(&format!("{name}, {} parameters, on {}", network.parameters(), device.description()));
    let throughput = nn::throughput(network, optimizer, &device, arguments.batch.get(), arguments.seconds)?;
    let result = NetResult { net: name, device: device.description().to_owned(), threads: rayon::current_num_threads(), throughput };
    output.json(&result)?;
    let throughput = &result.throughput;
    output.line(format!(
        "{name}, batch {}, {} threads: training {:.0} images/s, inference {:.0} images/s (first step {:.2} s)",
        throughput.batch, result.threads, throughput.train_images_per_s, throughput.infer_images_per_s, throughput.first_step_seconds
    ))
}

/// At most `count` training digits of `--data`, or built-in ones.
fn digits(arguments: &BenchArguments, count: usize, output: &Output) -> anyhow::Result<Digits> {
    let config = DataConfig { train: Some(count), ..DataConfig::default() };
    let source = pipeline::open_data(&config, arguments.data.data.as_deref())?;
    output.status(&format!("data: {}", source.describe()));
    Ok(source.train(output.progress().as_ref())?)
}

fn booster(arguments: &BenchArguments, output: &Output) -> anyhow::Result<()> {
    let digits = digits(arguments, IMAGES, output)?;
    let config = BoosterConfig { trees: TREES, ..BoosterConfig::default() };
    let result = boosting::throughput(&config, &digits, &digits, rayon::current_num_threads())?;
    output.json(&result)?;
    output.line(format!(
        "booster, {} images, {} trees a class, {} threads: binning {:.2} s, training {:.2} s ({:.0} rows·trees/s), prediction {:.0} images/s, one image {:.3} ms",
        result.images,
        result.trees,
        result.threads,
        result.binning_seconds,
        result.training_seconds,
        result.row_trees_per_second,
        result.predictions_per_second,
        1000.0 * result.single_prediction_seconds
    ))
}

fn imaging(arguments: &BenchArguments, output: &Output) -> anyhow::Result<()> {
    let digits = digits(arguments, IMAGES, output)?;
    let recipe = Recipe::preset("reference").unwrap_or_default().prepare()?;
    let rotations = [0.0, -24.0, 24.0];
    let measured = imaging::throughput(&recipe, &rotations, &digits.images, Duration::from_secs_f64(arguments.seconds));
    let result = ImagingResult {
        threads: rayon::current_num_threads(),
        rotations: rotations.len(),
        images: measured.images,
        seconds: measured.seconds,
        images_per_s: measured.per_second(),
    };
    output.json(&result)?;
    output.line(format!("imaging, {} rotations, {} threads: {:.0} images/s", result.rotations, result.threads, result.images_per_s))
}
