//! Speed of boosters on this machine.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{config::BoosterConfig, dataset::Dataset, error::BoostingError, train::train};
use crate::{data::Digits, fit::FitContext};

/// Speed of one fit and of its predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Training images.
    pub images: usize,
    /// Boosting rounds.
    pub trees: u32,
    /// Threads of the fit.
    pub threads: usize,
    /// Time of binning, in seconds.
    pub binning_seconds: f64,
    /// Time of growing the trees, in seconds.
    pub training_seconds: f64,
    /// Training images times boosting rounds per second.
    pub row_trees_per_second: f64,
    /// Images predicted per second in one batch on the caller's rayon pool.
    pub predictions_per_second: f64,
    /// Time of predicting one image alone on one thread, in seconds.
    pub single_prediction_seconds: f64,
}

/// Times one fit on `training`, the prediction of `test` at once, and that of its first 1,000 images one by one.
///
/// # Errors
/// As [`Dataset::new`] and [`train`]; [`BoostingError::Empty`] if `test` is empty.
pub fn throughput(
    config: &BoosterConfig,
    training: &Digits,
    test: &Digits,
    context: &FitContext,
) -> Result<Throughput, BoostingError> {
    if test.is_empty() {
        return Err(BoostingError::Empty);
    }
    let seconds = |start: Instant| start.elapsed().as_secs_f64().max(1e-9);
    let start = Instant::now();
    let threads = config.threads(context.threads);
    let dataset = Dataset::new(training.images.clone(), &training.labels, config, threads)?;
    let binning_seconds = seconds(start);
    let start = Instant::now();
    let fit = train(config, &dataset, None, context)?;
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
