//! One member by itself: no folds, no stack.

use std::path::Path;

use serde::Serialize;

use super::{
    RunConfig, RunFailure, Work,
    finish::{METRICS, TIMINGS},
    predictions, prepare,
    run::{CONFIG, DATA, DataRecord},
};
use crate::{
    data::{Digits, stratified_group_hold_out},
    evaluation::{self, FinishedTraining, ModelKind, ModelScores, TestSet},
    history::{FitTiming, History},
    learners::Learner,
    runs::RunDirectory,
    seed::Seed,
};

/// The folder of the one model.
pub(super) const MODEL: &str = "model";

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

/// Trains one member on all training digits but what `config.single` holds out, scores it, and saves it in `directory` under `model/`.
pub fn train_one(
    config: &RunConfig,
    learner: &dyn Learner,
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
    let held_out = config.single.validation;
    directory.claim(CONFIG, format!("{}# trained alone: {}, {held_out} held out\n", config.to_toml()?, learner.name()).as_bytes())?;
    let digits = prepare::training(&config.prepare, original)?;
    let seed = Seed(config.seed).derive("single").derive(learner.name());
    let split = stratified_group_hold_out(&digits.labels, &digits.groups, held_out, seed.derive("validation"))?;
    let (train, validation) = (digits.select(&split.train), digits.select(&split.validation));
    let checkpoint = directory.scratch_file(MODEL)?;
    let context = work.fit(seed.derive("fit"), learner.name(), &checkpoint);
    let fitted = learner.fit(&train, Some(&validation), &context)?;
    let part = directory.begin_part(MODEL)?;
    fitted.classifier.save(part.folder())?;
    let model = part.commit()?;

    let models = [fitted.classifier];
    let ask = |digits: &Digits, what: &str| {
        let task = work.progress.task(what, digits.len() as u64, "images");
        Ok::<_, RunFailure>(evaluation::score(&predictions::average(&models, &digits.images, work.device, task.as_ref())?, &digits.labels)?)
    };
    let out_of_fold = Some(ask(&validation, "predict validation part")?);
    let finished = FinishedTraining::new(&[model.manifest().reproducible_hash()], None)?;
    let opened = TestSet::sealed(|| source.test(work.progress)).open(finished)?;
    let test = opened.digits.map(|test| prepare::test(&config.prepare, test)).transpose()?;
    let test = test.map(|test| ask(&test, "predict test images")).transpose()?;
    let scores = ModelScores { name: learner.name().to_owned(), kind: ModelKind::Member, train: None, out_of_fold, test };
    let result = SingleScores { scores, history: fitted.history, timing: fitted.timing };
    directory.write_json(METRICS, &result.scores)?;
    directory.write_json("history.json", &result.history)?;
    directory.write_json(TIMINGS, &result.timing)?;
    directory.write_json(DATA, &DataRecord::of(&source))?;
    directory.complete()?;
    Ok(result)
}
