//! A run from beginning to end.

use std::time::Instant;

use super::{
    claim::{claim, same_record},
    evaluate::{self, Evidence},
    fits::{Division, FitResult, Fitting, model_hashes, record_finished},
    inputs::Inputs,
    report,
    stacked::{self, Stacked},
    verdict,
};
use crate::{
    artifact::{
        self, Artifact, RunFailure, encode_predictions,
        layout::{
            ArtifactKind, DATA, DataRecord, ENVIRONMENT, Fit, Metrics, NamedTiming, StageTiming, TEST_OPENING, TIMINGS,
            Timings, fits, predictions_file,
        },
    },
    config::RunConfig,
    data::{Digits, Images, Probabilities},
    evaluation::{FinishedTraining, TestOpening, TestSet},
    fit::FitContext,
    learners::Classifier,
    seed::Seed,
    stacking::evenly_spread,
    storage::{self, Environment, RunDirectory, RunState},
    verdict::JudgeParameters,
};

/// Trains every member of a configuration on every fold, stacks them, and evaluates everything, in `directory`; returns
/// the scores. Continues where an earlier run in this directory stopped; a finished one is verified, compared with the
/// settings and the data, and its scores are returned. `context.seed` is not used: the configuration has one.
///
/// The test images are neither needed nor opened before every model is fitted and saved.
///
/// # Errors
/// [`RunFailure::OtherSettings`] if the directory was begun with other settings or data; whatever fails in between,
/// after which the same call continues.
pub fn run_stack(
    config: &RunConfig,
    inputs: &Inputs,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Metrics, RunFailure> {
    run(config, &ArtifactKind::Stack {}, inputs, None, directory, context)
}

/// Trains one member, by its name, on all training digits but the configuration's hold-out, and evaluates it: a run of
/// one member without meta-models and verdict, otherwise as [`run_stack`].
///
/// # Errors
/// As [`run_stack`]; [`RunFailure::UnknownMember`] if the configuration has no such member.
pub fn train_member(
    config: &RunConfig,
    member: &str,
    inputs: &Inputs,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Metrics, RunFailure> {
    let kind = ArtifactKind::Member { member: member.to_owned(), imported_sha256: None };
    run(config, &kind, inputs, None, directory, context)
}

/// Does everything: claims, fits, meta-models, verdict, evaluation, report. `imported`: the model of the only fit, if
/// it was not trained here.
pub(super) fn run(
    config: &RunConfig,
    kind: &ArtifactKind,
    inputs: &Inputs,
    imported: Option<&dyn Classifier>,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Metrics, RunFailure> {
    let fits = fits(kind, config)?;
    if directory.state() == RunState::Complete {
        return finished(config, kind, &fits, inputs, directory, context);
    }
    claim(directory, kind, &config.to_toml()?, inputs)?;
    inputs.record_skipped(directory, context.progress)?;
    let begun = Instant::now();
    let mut clock = Stages { started: begun, stages: Vec::new() };
    let experiment = &config.experiment;
    let digits = experiment.preprocessing.training(inputs.train.clone())?;
    clock.end("prepare", digits.len());

    let division = Division::of(&fits, config, &digits)?;
    context.progress.message(&format!("{} training images, {} fits", digits.len(), fits.len()));
    let fitting = Fitting { config, digits: &digits, division: &division, imported, directory, context };
    let fitted = fitting.fit_all(&fits)?;
    clock.end("fit members", fitted.iter().map(|fit| fit.timing.images as usize).sum());
    let (scored, mut rows) = division.held_out(&digits, experiment.members.len(), &fitted)?;

    let (mut stacked, mut calibration) = (Stacked::default(), JudgeParameters::default());
    if let Division::Folds(folds) = &division {
        stacked = Stacked::fit(config, folds.fold_of(), &mut rows, &scored.labels, directory, context.progress)?;
        clock.end("fit meta-models", scored.len());
        let seed = Seed(experiment.seed).derive("judge");
        let answers = stacked.answering_rows(&experiment.member_names(), &rows);
        calibration = verdict::fit(&inputs.train, (answers, &scored.labels), directory, &context.seeded(seed))?;
        clock.end("fit verdict", inputs.train.len());
    }
    if context.cancel.is_cancelled() {
        return Err(RunFailure::Cancelled);
    }

    let models = artifact::load_models(directory.path(), config, &fits, context.device)?;
    let is_stack = !stacked.stacks.is_empty();
    let predict = |images: &Images, what: &str| -> Result<Vec<Probabilities>, RunFailure> {
        let mut rows = predict(&models, images, what, context)?;
        if is_stack {
            stacked::replace_invalid_rows(&mut rows, &experiment.member_names(), what, context.progress);
        }
        Ok(rows)
    };
    let train_digits = division.training_digits(&digits);
    let sample = train_digits.select(&evenly_spread(train_digits.len(), experiment.stacking.train_sample));
    let train = predict(&sample.images, "predict training sample")?;
    clock.end("predict training sample", sample.len());

    // Everything that could be selected is selected and saved: the test images may be opened.
    let test = open_test(config, &fits, inputs, directory, context)?;
    inputs.record_skipped(directory, context.progress)?;
    let test_rows = test.as_ref().map(|test| predict(&test.images, "predict test images")).transpose()?;
    clock.end("predict test images", test.as_ref().map_or(0, Digits::len));
    directory.write_json(DATA, &DataRecord::of(&inputs.source))?;
    let part = if is_stack { "out-of-fold" } else { "held-out" };
    let names = members_of(&fits).map(|member| experiment.members[member].name());
    for ((index, name), rows) in names.enumerate().zip(&rows) {
        directory.write_atomic(&predictions_file(name, part), &encode_predictions(rows)?)?;
        if let Some(rows) = test_rows.as_ref().map(|rows| &rows[index]) {
            directory.write_atomic(&predictions_file(name, "test"), &encode_predictions(rows)?)?;
        }
    }
    let evidence = Evidence {
        members: members_of(&fits).map(|member| experiment.members[member].as_ref()).collect(),
        train_digits: &train_digits,
        sample: &sample,
        scored: &scored,
        test: test.as_ref(),
        scored_rows: rows,
        train_rows: train,
        test_rows,
        stacked,
        calibration: calibration.temperature(),
        models: &models,
    };
    let metrics = evaluate::evaluate(config, &evidence, directory)?;
    clock.end("evaluate", test.as_ref().map_or(0, Digits::len));
    let timings = Timings {
        seconds: begun.elapsed().as_secs_f64(),
        stages: clock.stages,
        fits: fitted.iter().map(|FitResult { fit, timing, .. }| named(*fit, timing, config)).collect(),
    };
    directory.write_json(TIMINGS, &timings)?;
    let environment = Environment::collect(context.device.description(), storage::command_line());
    directory.write_json(ENVIRONMENT, &environment)?;
    report::write(kind, config, &fits, directory)?;
    directory.complete()?;
    Ok(metrics)
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

/// Scores of a finished directory, after it was verified and compared with the settings and the data.
fn finished(
    config: &RunConfig,
    kind: &ArtifactKind,
    fits: &[Fit],
    inputs: &Inputs,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Metrics, RunFailure> {
    let artifact = Artifact::open(directory.path())?;
    claim(directory, kind, &config.to_toml()?, inputs)?;
    open_test(config, fits, inputs, directory, context)?;
    same_record(directory, "test set", &artifact.data()?, &DataRecord::of(&inputs.source))?;
    for (&fit, NamedTiming { timing, .. }) in fits.iter().zip(artifact.timings()?.fits) {
        record_finished(fit, config, &artifact.history(fit)?, &timing, context);
    }
    artifact.metrics()
}

/// Opens the test images for the finished models, and records it; returns them preprocessed, or none if there are none.
fn open_test(
    config: &RunConfig,
    fits: &[Fit],
    inputs: &Inputs,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Option<Digits>, RunFailure> {
    let earlier: Option<TestOpening> = directory.read_json_if_there(TEST_OPENING)?;
    let training = FinishedTraining::new(&model_hashes(fits, config, directory, context)?, earlier.as_ref())?;
    let opened = TestSet::sealed(|| inputs.source.test(context.progress)).open(training)?;
    if earlier.is_none() {
        directory.write_json(TEST_OPENING, &opened.opening)?;
    }
    if let Some(test) = &opened.digits {
        inputs.record_shared(test, directory, context.progress)?;
    }
    Ok(opened.digits.map(|test| config.experiment.preprocessing.test(test)).transpose()?)
}

/// Mean predictions `[n, 10]` of each member's models.
fn predict(
    models: &[Vec<Box<dyn Classifier>>],
    images: &Images,
    what: &str,
    context: &FitContext,
) -> Result<Vec<Probabilities>, RunFailure> {
    let total: usize = models.iter().map(Vec::len).sum::<usize>() * images.len();
    let task = context.progress.task(what, total as u64, "images");
    let average = |models: &Vec<_>| artifact::average(models, images, context.device, task.as_ref());
    Ok(models.iter().map(average).collect::<Result<_, _>>()?)
}

/// Indices of the members that fits belong to, each once.
fn members_of(fits: &[Fit]) -> impl Iterator<Item = usize> {
    let mut members: Vec<usize> = fits.iter().map(|fit| fit.member).collect();
    members.dedup();
    members.into_iter()
}

fn named(fit: Fit, timing: &crate::fit::FitTiming, config: &RunConfig) -> NamedTiming {
    NamedTiming { name: fit.folder(config), timing: timing.clone() }
}
