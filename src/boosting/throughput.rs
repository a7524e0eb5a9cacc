//! How fast boosters train and predict on this machine.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{BoosterConfig, BoosterJob, BoostingError, Dataset, train};
use crate::{
    data::Digits,
    progress::{Cancel, Silent},
    seed::Seed,
};

/// Speeds of one fit and of its predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Images trained on.
    pub images: usize,
    /// Boosting rounds.
    pub trees: u32,
    /// Threads of the fit.
    pub threads: usize,
    /// Seconds spent on binning.
    pub binning_seconds: f64,
    /// Seconds spent on growing trees.
    pub training_seconds: f64,
    /// Images times rounds, a second.
    pub row_trees_per_second: f64,
    /// Images predicted a second, all at once, on the caller's rayon pool.
    pub predictions_per_second: f64,
    /// Seconds for one image alone, on one thread.
    pub single_prediction_seconds: f64,
}

/// Trains on `training` once, then predicts `test` at once and its images one by one, and takes the time of each.
///
/// # Errors
/// As [`Dataset::new`] and [`train`]; [`BoostingError::Empty`] if `test` is empty.
pub fn throughput(
    config: &BoosterConfig,
    training: &Digits,
    test: &Digits,
    threads: usize,
) -> Result<Throughput, BoostingError> {
    if test.is_empty() {
        return Err(BoostingError::Empty);
    }
    let seconds = |start: Instant| start.elapsed().as_secs_f64().max(1e-9);
    let start = Instant::now();
    let threads = config.threads(threads);
    let dataset = Dataset::new(training.images.clone(), &training.labels, config, threads)?;
    let binning_seconds = seconds(start);
    let cancel = Cancel::default();
    let job = BoosterJob {
        seed: Seed(0),
        threads,
        progress: &Silent,
        name: "throughput",
        cancel: &cancel,
        checkpoint: None,
        observe: None,
    };
    let start = Instant::now();
    let fit = train(config, &dataset, None, &job)?;
    let training_seconds = seconds(start);
    let start = Instant::now();
    let all = fit.booster.predict_proba(&test.images);
    let predicting_seconds = seconds(start);
    let alone = test.images.as_slice();
    let alone = &alone[..alone.len().min(1000)];
    let start = Instant::now();
    for image in alone {
        std::hint::black_box(fit.booster.predict_one(image));
    }
    Ok(Throughput {
        images: dataset.len(),
        trees: fit.booster.trees(),
        threads,
        binning_seconds,
        training_seconds,
        row_trees_per_second: dataset.len() as f64 * f64::from(fit.booster.trees()) / training_seconds,
        predictions_per_second: all.len() as f64 / predicting_seconds,
        single_prediction_seconds: seconds(start) / alone.len() as f64,
    })
}
