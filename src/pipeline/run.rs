//! A run from beginning to end.

use std::{path::Path, time::Instant};

use serde::Serialize;

use super::{
    Metrics, RunConfig, RunFailure, StageTiming,
    finish::{self, Evidence},
    fits, judging, predictions, prepare,
};
use crate::{
    data::{DataConfig, Digits, Fingerprint, Probabilities, Source, stratified_group_folds},
    evaluation::{FinishedTraining, TestOpening, TestSet},
    fit::FitContext,
    seed::Seed,
    stacking::{self, Metafeatures, Stack},
    storage::RunDirectory,
};

/// The resolved configuration inside a run directory.
pub(super) const CONFIG: &str = "config.toml";
/// What the run is trained on; an interrupted run goes on with the same only.
const TRAIN_DATA: &str = "train-data.json";
/// What the run was trained and tested on.
pub(super) const DATA: &str = "data.json";
/// Which models the test images were opened for.
pub(super) const TEST_OPENING: &str = "test-opening.json";
/// Predictions of all members.
const PREDICTIONS: &str = "predictions";

/// Fingerprints of the data.
#[derive(Serialize)]
pub(super) struct DataRecord {
    train: Option<Fingerprint>,
    test: Option<Fingerprint>,
}

impl DataRecord {
    /// Of what was read from a source.
    pub(super) fn of(source: &Source) -> Self {
        Self { train: source.train_fingerprint().cloned(), test: source.test_fingerprint().cloned() }
    }
}

/// Clock for the stages of a run.
struct Stages {
    started: Instant,
    stages: Vec<StageTiming>,
}

impl Stages {
    fn end(&mut self, name: &str, images: usize) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.stages.push(StageTiming { name: name.to_owned(), seconds, images: images as u64 });
        self.started = Instant::now();
    }
}

/// Does everything: data, folds, fits, meta-models, evaluation, report. Goes on where an earlier run in this directory
/// stopped.
///
/// The test images are neither needed nor opened before every model is fitted and saved.
pub fn run(
    config: &RunConfig,
    data: Option<&Path>,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<Metrics, RunFailure> {
    let begun = Instant::now();
    let mut clock = Stages { started: begun, stages: Vec::new() };
    let (source, original) = bind(&config.to_toml()?, &config.data, data, directory, work)?;
    clock.end("read training digits", original.len());

    let digits = prepare::training(&config.prepare, original.clone())?;
    clock.end("prepare", digits.len());
    let folds = stratified_group_folds(
        &digits.labels,
        &digits.groups,
        config.stacking.folds,
        Seed(config.seed).derive("folds"),
    )?;
    work.progress.message(&format!(
        "{} training images, {} folds, {} members",
        digits.len(),
        folds.count(),
        config.members.len()
    ));

    let fitted = fits::fit_all(config, &digits, &folds, directory, work)?;
    clock.end("fit members", fitted.iter().map(|fit| fit.timing.images as usize).sum());

    let members = out_of_fold(config, &digits, &folds, &fitted)?;
    let features = Metafeatures::new(&members, config.stacking.features)?;
    let mut stacks = Vec::new();
    let mut stacked = Vec::new();
    for meta in &config.stacking.meta {
        stacked.push(stacking::cross_fit(meta, &features, &digits.labels, folds.fold_of())?);
        let stack = Stack::fit(meta, &features, &digits.labels, config.member_names())?;
        directory.write_json(&finish::stack_file(meta.name()), &stack)?;
        stacks.push(stack);
    }
    clock.end("fit meta-models", digits.len());
    judging::fit(&original, (&stacked[0], &digits.labels), Seed(config.seed).derive("judge"), directory, work)?;
    clock.end("fit the judge", original.len());
    if work.cancel.is_cancelled() {
        return Err(RunFailure::Cancelled);
    }

    let models = fits::load_final(config, directory.path(), work)?;
    let ask = |images: &crate::data::Images, what: &str| -> Result<Vec<Probabilities>, RunFailure> {
        let total: usize = models.iter().map(Vec::len).sum::<usize>() * images.len();
        let task = work.progress.task(what, total as u64, "images");
        Ok(models
            .iter()
            .map(|models| predictions::average(models, images, work.device, task.as_ref()))
            .collect::<Result<_, _>>()?)
    };
    let sample = digits.select(&fits::sample(digits.len(), config.stacking.train_sample));
    let train = ask(&sample.images, "predict training sample")?;
    clock.end("predict training sample", sample.len());

    // Everything that could be chosen is chosen and saved: the test images may be looked at.
    let earlier: Option<TestOpening> = directory.read_json_if_there(TEST_OPENING)?;
    let finished = FinishedTraining::new(&fits::model_hashes(config, directory, work)?, earlier.as_ref())?;
    let opened = TestSet::sealed(|| source.test(work.progress)).open(finished)?;
    directory.write_json(TEST_OPENING, &opened.opening)?;
    let test = opened.digits.map(|test| prepare::test(&config.prepare, test)).transpose()?;
    let test_predictions = test.as_ref().map(|test| ask(&test.images, "predict test images")).transpose()?;
    clock.end("predict test images", test.as_ref().map_or(0, Digits::len));
    directory.write_json(DATA, &DataRecord::of(&source))?;

    for (name, rows) in config.member_names().iter().zip(&members) {
        directory
            .write_atomic(&format!("{PREDICTIONS}/{name}-out-of-fold.safetensors"), &predictions::encode(rows)?)?;
    }
    for (name, rows) in config.member_names().iter().zip(test_predictions.iter().flatten()) {
        directory.write_atomic(&format!("{PREDICTIONS}/{name}-test.safetensors"), &predictions::encode(rows)?)?;
    }
    let evidence = Evidence {
        digits: &digits,
        sample: &sample,
        test: test.as_ref(),
        members,
        stacked,
        train,
        test_predictions,
        stacks,
        models: &models,
    };
    let metrics = finish::evaluate(config, &evidence, directory)?;
    clock.end("evaluate", test.as_ref().map_or(0, Digits::len));
    finish::conclude(config, &fitted, clock.stages, begun.elapsed(), directory, work)?;
    Ok(metrics)
}

/// Binds a directory to a resolved configuration and to the training digits that it leads to, and reads these. `folder`
/// comes before the configuration's.
pub(super) fn bind(
    text: &str,
    data: &DataConfig,
    folder: Option<&Path>,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<(Source, Digits), RunFailure> {
    directory.claim(CONFIG, text.as_bytes()).map_err(|error| other_run(error, directory, "configuration"))?;
    let source = prepare::open_data(data, folder)?;
    work.progress.message(&format!("data: {}", source.describe()));
    let digits = source.train(work.progress)?;
    if digits.is_empty() {
        return Err(RunFailure::NoTrainingDigits);
    }
    let fingerprint = serde_json::to_vec_pretty(&source.train_fingerprint()).unwrap_or_default();
    directory.claim(TRAIN_DATA, &fingerprint).map_err(|error| other_run(error, directory, "training set"))?;
    Ok((source, digits))
}

/// Puts the folds' predictions together: for each member `[n, 10]`, every image predicted by the model that did not see
/// it.
fn out_of_fold(
    config: &RunConfig,
    digits: &Digits,
    folds: &crate::data::Folds,
    fitted: &[fits::FitResult],
) -> Result<Vec<Probabilities>, RunFailure> {
    let member = |place: usize| {
        let parts: Vec<(Vec<usize>, &Probabilities)> = fitted
            .iter()
            .filter(|result| result.fit.member == place)
            .filter_map(|result| Some((folds.validation_indices(result.fit.fold?), result.out_of_fold.as_ref()?)))
            .collect();
        stacking::assemble_out_of_fold(digits.len(), &parts)
    };
    Ok((0..config.members.len()).map(member).collect::<Result<_, _>>()?)
}

fn other_run(error: crate::storage::StorageError, directory: &RunDirectory, what: &'static str) -> RunFailure {
    match error {
        crate::storage::StorageError::Claimed { .. } => {
            RunFailure::OtherRun { directory: directory.path().to_owned(), what }
        }
        other => other.into(),
    }
}
