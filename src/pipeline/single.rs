//! One member by itself: no folds, no stack.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    RunConfig, RunFailure, Work,
    finish::{self, METRICS, PICTURES, TIMINGS},
    fits::HISTORY,
    predictions, prepare,
    report_input::{self, Picked},
    run::{CONFIG, DATA, DataRecord},
};
use crate::{
    data::{Digits, Images, stratified_group_split},
    evaluation::{self, FinishedTraining, ModelKind, ModelScores, TestSet},
    history::{FitTiming, History},
    learners::Learner,
    report::ReportOptions,
    runs::RunDirectory,
    seed::Seed,
};

/// Which model a directory is of: `single.json`.
pub(super) const SINGLE: &str = "single.json";
/// The model itself.
pub(super) const MODEL: &str = "model";

/// What a directory is bound to beside its configuration, from before the fit on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SingleModel {
    /// The member of the configuration that was trained.
    pub(super) model: String,
    /// Share of the training digits that was held out.
    pub(super) validation: f64,
}

/// What training one member gave. The `out_of_fold` column of its scores is the validation part that was held out.
#[derive(Clone, Debug, Serialize)]
pub struct SingleScores {
    /// Training, validation and test scores.
    pub scores: ModelScores,
    /// By epoch or tree.
    pub history: History,
    /// How long the fit took.
    pub timing: FitTiming,
}

/// Trains one member on all training digits but a validation part, scores it, and saves it in `directory` under `model/`.
pub fn train_one(
    config: &RunConfig,
    learner: &dyn Learner,
    validation_share: f64,
    data: Option<&Path>,
    directory: &RunDirectory,
    work: &Work,
) -> Result<SingleScores, RunFailure> {
    let source = prepare::open_data(&config.data, data)?;
    work.progress.message(&format!("data: {}", source.describe()));
    let original = source.train(work.progress)?;
    if original.is_empty() {
        return Err(RunFailure::NoTrainingDigits);
    }
    directory
        .claim(CONFIG, format!("{}# trained alone: {}, {validation_share} held out\n", config.to_toml()?, learner.name()).as_bytes())?;
    let bound = SingleModel { model: learner.name().to_owned(), validation: validation_share };
    directory.claim_json(SINGLE, &bound)?;
    let digits = prepare::training(&config.prepare, original)?;
    let seed = Seed(config.seed).derive("single").derive(learner.name());
    let split = stratified_group_split(&digits.labels, &digits.groups, validation_share, seed.derive("validation"))?;
    let (train, validation) = (digits.select(&split.train), digits.select(&split.validation));
    let checkpoint = directory.scratch_file("model")?;
    let context = work.fit(seed.derive("fit"), learner.name(), &checkpoint);
    let fitted = learner.fit(&train, Some(&validation), &context)?;
    let part = directory.begin_part(MODEL)?;
    fitted.classifier.save(part.folder())?;
    let model = part.commit()?;

    let models = [fitted.classifier];
    let ask = |images: &Images, what: &str| {
        let task = work.progress.task(what, images.len() as u64, "images");
        predictions::average(&models, images, work.device, task.as_ref())
    };
    let on_validation = ask(&validation.images, "predict validation part")?;
    let out_of_fold = Some(evaluation::score(&on_validation, &validation.labels)?);
    let finished = FinishedTraining::new(&[model.manifest().reproducible_hash()], None)?;
    let opened = TestSet::sealed(|| source.test(work.progress)).open(finished)?;
    let test = opened.digits.map(|test| prepare::test(&config.prepare, test)).transpose()?;
    let on_test = test.as_ref().map(|test| ask(&test.images, "predict test images")).transpose()?;
    directory.write_json(DATA, &DataRecord { train: source.train_fingerprint(), test: source.test_fingerprint() })?;
    let judged = test.as_ref().zip(on_test.as_ref()).unwrap_or((&validation, &on_validation));
    let pictures = report_input::pictures(&Picked {
        train: &train,
        test_images: test.as_ref().map(Digits::len),
        judged,
        members: Vec::new(),
        models: vec![(learner.name(), models[0].as_ref())],
    })?;
    let test = test.iter().zip(&on_test).map(|(test, rows)| evaluation::score(rows, &test.labels)).next().transpose()?;
    let scores = ModelScores { name: learner.name().to_owned(), kind: ModelKind::Member, train: None, out_of_fold, test };
    let result = SingleScores { scores, history: fitted.history, timing: fitted.timing };
    directory.write_json(METRICS, &result.scores)?;
    directory.write_json(PICTURES, &pictures)?;
    directory.write_json(HISTORY, &result.history)?;
    directory.write_json(TIMINGS, &result.timing)?;
    finish::write_environment(directory, work)?;
    finish::write_report(config, directory, report_input::read_single, ReportOptions::default())?;
    directory.complete()?;
    Ok(result)
}
