//! `digitstack bench`.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{
    UsageError,
    arguments::{
        BenchCommand, BenchTime, BoosterBench, DataDirectory, Global, ImagingBench, NetBench, OperationsBench,
        ServiceBench,
    },
    output::Output,
};
use crate::{
    boosting::{self, BoosterConfig, BoosterJob, Dataset},
    data::{DataConfig, Digits, Probabilities, stratified_group_folds},
    evaluation,
    imaging::{self, Recipe},
    nn::{self, CnnConfig, DenseConfig, NetworkConfig, OptimizerConfig},
    pipeline,
    progress::{Cancel, Silent},
    seed::Seed,
    serve,
    stacking::{self, Job, JobContext},
    storage,
};

/// Images that are preprocessed, unless the data set has fewer.
const IMAGES: usize = 10_000;

#[derive(Serialize)]
struct NetResult {
    net: &'static str,
    device: String,
    threads: usize,
    /// Most memory that the process has held at once.
    peak_memory_bytes: Option<u64>,
    #[serde(flatten)]
    throughput: nn::Throughput,
}

#[derive(Serialize)]
struct OperationsResult {
    device: String,
    /// Vector instructions of the fused operations, if they run.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'static str>,
    threads: usize,
    batch: usize,
    operations: Vec<nn::OperationSpeed>,
}

#[derive(Serialize)]
struct FoldsResult {
    images: usize,
    trees: u32,
    folds: usize,
    threads: usize,
    /// Binning, training and predicting, all folds.
    seconds: f64,
    /// Out of fold.
    accuracy: f64,
    log_loss: f64,
}

#[derive(Serialize)]
struct ImagingResult {
    threads: usize,
    rotations: usize,
    images: u64,
    seconds: f64,
    images_per_s: f64,
}

pub(super) fn bench(command: &BenchCommand, global: &Global, output: &Output) -> anyhow::Result<()> {
    match command {
        BenchCommand::Cnn(arguments) => {
            let optimizer =
                OptimizerConfig::Adadelta { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.0 };
            net("cnn", &NetworkConfig::Cnn(CnnConfig::default()), &optimizer, arguments, global, output)
        }
        BenchCommand::Dense(arguments) => {
            let optimizer = OptimizerConfig::Sgd { learning_rate: 0.1349, weight_decay: 0.0 };
            net("dense", &NetworkConfig::Dense(DenseConfig::default()), &optimizer, arguments, global, output)
        }
        BenchCommand::Operations(arguments) => operations(arguments, global, output),
        BenchCommand::Booster(arguments) => match arguments.folds {
            Some(folds) => booster_folds(arguments, folds, global, output),
            None => booster(arguments, output),
        },
        BenchCommand::Service(arguments) => service(arguments, output),
        BenchCommand::Imaging(arguments) => imaging(arguments, output),
    }
}

fn checked(seconds: f64) -> anyhow::Result<f64> {
    if seconds > 0.0 && seconds <= 3600.0 {
        return Ok(seconds);
    }
    Err(UsageError(format!("--seconds {seconds}: expected above 0 and at most 3600")).into())
}

fn net(
    name: &'static str,
    network: &NetworkConfig,
    optimizer: &OptimizerConfig,
    arguments: &NetBench,
    global: &Global,
    output: &Output,
) -> anyhow::Result<()> {
    let seconds = checked(arguments.time.seconds)?;
    let device = nn::resolve(&global.device)?;
    output.status(&format!("{name}, {} parameters, on {}", network.parameters(), device.description()));
    let throughput = nn::throughput(network, optimizer, &device, arguments.batch.get(), seconds)?;
    let result = NetResult {
        net: name,
        device: device.description().to_owned(),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: storage::peak_memory(),
        throughput,
    };
    output.json(&result)?;
    let throughput = &result.throughput;
    output.line(format!(
        "{name}, batch {}, {} threads: training {:.0} images/s, inference {:.0} images/s (first step {:.2} s)",
        throughput.batch,
        result.threads,
        throughput.train_images_per_s,
        throughput.infer_images_per_s,
        throughput.first_step_seconds
    ))
}

fn operations(arguments: &OperationsBench, global: &Global, output: &Output) -> anyhow::Result<()> {
    let (seconds, batch) = (checked(arguments.seconds)?, arguments.batch.get());
    let device = nn::resolve(&global.device)?;
    let instructions = nn::fused::available(device.device()).then(nn::fused::instructions);
    let on = instructions.map_or_else(String::new, |instructions| format!(", {instructions}"));
    output.status(&format!("operations of the reference nets on {}{on}", device.description()));
    let result = OperationsResult {
        device: device.description().to_owned(),
        instructions,
        threads: rayon::current_num_threads(),
        batch,
        operations: nn::operation_speeds(&device, batch, seconds)?,
    };
    output.json(&result)?;
    output.line(format!(
        "batch {batch}, {} threads{on}; microseconds a batch, and GFLOP/s by the operation's definition",
        result.threads
    ))?;
    for speed in &result.operations {
        let pass = match speed.pass {
            nn::Pass::Inference => "inference",
            nn::Pass::Training => "training",
            nn::Pass::Update => "update",
        };
        let rate = if speed.flop > 0.0 { format!("{:10.1}", speed.flop / speed.seconds / 1e9) } else { String::new() };
        output.line(format!(
            "{:<6} {:<22} {pass:<10} {:12.1} {rate}",
            speed.net,
            speed.operation,
            1e6 * speed.seconds
        ))?;
    }
    Ok(())
}

/// At most `count` training digits of `--data`, or built-in ones.
fn digits(data: &DataDirectory, count: usize, output: &Output) -> anyhow::Result<Digits> {
    let config = DataConfig { train: Some(count), ..DataConfig::default() };
    let source = pipeline::open_data(&config, data.data.as_deref())?;
    output.status(&format!("data: {}", source.describe()));
    Ok(source.train(output.progress().as_ref())?)
}

fn booster(arguments: &BoosterBench, output: &Output) -> anyhow::Result<()> {
    let digits = digits(&arguments.data, arguments.images, output)?;
    let config = BoosterConfig { trees: arguments.trees, ..BoosterConfig::default() };
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

fn booster_folds(arguments: &BoosterBench, count: usize, global: &Global, output: &Output) -> anyhow::Result<()> {
    let digits = digits(&arguments.data, arguments.images, output)?;
    let config = BoosterConfig { trees: arguments.trees, ..BoosterConfig::default() };
    let seed = Seed(global.seed.unwrap_or(0));
    let threads = rayon::current_num_threads();
    let started = Instant::now();
    let folds = stratified_group_folds(&digits.labels, &digits.groups, count, seed.derive("folds"))?;
    let fit = |&fold: &usize, context: &JobContext| -> anyhow::Result<(Vec<usize>, Probabilities)> {
        let (train, left_out) = (digits.select(&folds.train_indices(fold)), folds.validation_indices(fold));
        let dataset = Dataset::new(train.images, &train.labels, &config, context.threads)?;
        let name = format!("fold {}", fold + 1);
        let job = BoosterJob {
            seed: seed.index(fold as u64),
            threads: context.threads,
            progress: &Silent,
            name: &name,
            cancel: &context.cancel,
            observe: None,
            checkpoint: None,
        };
        let fit = boosting::train(&config, &dataset, None, &job)?;
        let rows = fit.booster.predict_proba(&digits.images.select(&left_out));
        Ok((left_out, rows))
    };
    let jobs = (0..count).map(|fold| Job { name: format!("fold {}", fold + 1), cost: 1.0, input: fold }).collect();
    let workers = threads.min(count);
    let parts = stacking::run_jobs(jobs, workers, threads / workers, &Cancel::default(), fit)?;
    let parts: Vec<_> = parts.iter().map(|(places, rows)| (places.clone(), rows)).collect();
    let scores = evaluation::score(&stacking::assemble_out_of_fold(digits.len(), &parts)?, &digits.labels)?;
    let result = FoldsResult {
        images: digits.len(),
        trees: config.trees,
        folds: count,
        threads,
        seconds: started.elapsed().as_secs_f64(),
        accuracy: scores.accuracy.value,
        log_loss: scores.log_loss,
    };
    output.json(&result)?;
    output.line(format!(
        "booster, {} folds of {} images, {} trees a class, {} threads: {:.2} s, out of fold {:.2} % (log-loss {:.4})",
        result.folds,
        result.images,
        result.trees,
        result.threads,
        result.seconds,
        100.0 * result.accuracy,
        result.log_loss
    ))
}

fn imaging(arguments: &ImagingBench, output: &Output) -> anyhow::Result<()> {
    let seconds = checked(arguments.time.seconds)?;
    let digits = digits(&arguments.data, IMAGES, output)?;
    let recipe = Recipe::preset("reference").unwrap_or_default().prepare()?;
    let rotations = [0.0, -24.0, 24.0];
    let measured = imaging::throughput(&recipe, &rotations, &digits.images, Duration::from_secs_f64(seconds));
    let result = ImagingResult {
        threads: rayon::current_num_threads(),
        rotations: rotations.len(),
        images: measured.images,
        seconds: measured.seconds,
        images_per_s: measured.per_second(),
    };
    output.json(&result)?;
    output.line(format!(
        "imaging, {} rotations, {} threads: {:.0} images/s",
        result.rotations, result.threads, result.images_per_s
    ))
}

/// Drawings that the clients send in turn.
const DRAWINGS: usize = 200;

fn service(arguments: &ServiceBench, output: &Output) -> anyhow::Result<()> {
    let BenchTime { seconds } = arguments.time;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| UsageError(format!("--seconds: {error}")))?;
    let load = serve::load(
        arguments.address,
        pipeline::sample_drawings(DRAWINGS, Seed(1)),
        arguments.connections.get(),
        duration,
    )?;
    output.json(&load)?;
    output.line(format!(
        "{:.0} answers/s over {} connections: half within {:.2} ms, 99 % within {:.2} ms, the slowest {:.2} ms; {} answers, {} errors in {:.1} s",
        load.answers_per_s, load.connections, load.p50_ms, load.p99_ms, load.max_ms, load.answers, load.errors, load.seconds
    ))?;
    match load.first_error {
        Some(error) if load.answers == 0 => Err(anyhow::anyhow!("{} answered nothing: {error}", arguments.address)),
        Some(error) => output.line(format!("the first error: {error}")),
        None => Ok(()),
    }
}
