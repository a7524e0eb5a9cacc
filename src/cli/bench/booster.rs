//! `digitstack bench booster`.

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::{
    super::{options::DataDirectory, session::Session},
    digits::digits,
};
use crate::{
    boosting::{self, BoosterConfig, Dataset},
    data::{Digits, Probabilities, stratified_group_folds},
    device::{self, DeviceChoice},
    evaluation,
    fit::{Cancel, FitContext, Job, JobContext, run_jobs},
    progress::Silent,
    seed::Seed,
    stacking,
};

/// LightGBM at the reference's depth and leaves: one fit, or all fits of a cross-validation side by side
#[derive(Args, Debug)]
pub(super) struct BoosterBench {
    #[command(flatten)]
    data: DataDirectory,
    /// Number of training images
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    images: usize,
    /// Number of trees of each class
    #[arg(long, default_value_t = 30, value_name = "N")]
    trees: u32,
    /// Cross-validate over this number of folds, with as many fits at once as there are threads
    #[arg(long, value_name = "N")]
    folds: Option<usize>,
}

#[derive(Serialize)]
struct FoldsResult {
    images: usize,
    trees: u32,
    folds: usize,
    threads: usize,
    /// Binning, training and predicting, all folds.
    seconds: f64,
    /// Accuracy out of fold.
    accuracy: f64,
    log_loss: f64,
}

impl BoosterBench {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let digits = digits(self.data.path(), self.images, &session.output)?;
        let config = BoosterConfig { trees: self.trees, ..BoosterConfig::default() };
        match self.folds {
            Some(folds) => cross_validate(&config, &digits, folds, session),
            None => fit_once(&config, &digits, session),
        }
    }
}

fn fit_once(config: &BoosterConfig, digits: &Digits, session: &Session) -> anyhow::Result<()> {
    let output = &session.output;
    let (device, cancel) = (device::resolve(&DeviceChoice::Cpu)?, Cancel::default());
    let context = FitContext::new(&device, rayon::current_num_threads(), &Silent, &cancel).labelled("throughput");
    let result = boosting::throughput(config, digits, digits, &context)?;
    output.json(&result)?;
    output.line(format!(
        "booster, {} images, {} trees per class, {} threads: binning {:.2} s, training {:.2} s ({:.0} rows·trees/s), \
         prediction {:.0} images/s, one image {:.3} ms",
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

fn cross_validate(config: &BoosterConfig, digits: &Digits, count: usize, session: &Session) -> anyhow::Result<()> {
    let (global, output) = (&session.global, &session.output);
    let seed = Seed(global.seed.unwrap_or(0));
    let threads = rayon::current_num_threads();
    let started = Instant::now();
    let folds = stratified_group_folds(&digits.labels, &digits.groups, count, seed.derive("folds"))?;
    let (device, cancel) = (device::resolve(&DeviceChoice::Cpu)?, Cancel::default());
    let context = FitContext::new(&device, threads, &Silent, &cancel);
    let fit = |&fold: &usize, job: &JobContext| -> anyhow::Result<(Vec<usize>, Probabilities)> {
        let (train, left_out) = (digits.select(&folds.train_indices(fold)), folds.validation_indices(fold));
        let dataset = Dataset::new(train.images, &train.labels, config, job.threads)?;
        let name = format!("fold {}", fold + 1);
        let context = context.in_job(job).seeded(seed.index(fold as u64)).labelled(&name);
        let fit = boosting::train(config, &dataset, None, &context)?;
        let rows = fit.booster.predict_proba(&digits.images.select(&left_out));
        Ok((left_out, rows))
    };
    let jobs = (0..count).map(|fold| Job { name: format!("fold {}", fold + 1), cost: 1.0, input: fold }).collect();
    let workers = threads.min(count);
    let parts = run_jobs(jobs, workers, threads / workers, &cancel, fit)?;
    let parts: Vec<_> = parts.iter().map(|(indices, rows)| (indices.clone(), rows)).collect();
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
        "booster, {} folds of {} images, {} trees per class, {} threads: {:.2} s, out of fold {:.2} % (log-loss {:.4})",
        result.folds,
        result.images,
        result.trees,
        result.threads,
        result.seconds,
        100.0 * result.accuracy,
        result.log_loss
    ))
}
