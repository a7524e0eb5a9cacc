//! One member by itself: no folds, no stack.

use std::path::Path;

use serde::Serialize;

use super::{RunConfig, RunFailure, Work, export::SINGLE_MODEL, finish::METRICS, predictions, prepare, run::CONFIG};
use crate::{
    data::{Digits, Source, stratified_group_split},
    evaluation::{self, FinishedTraining, ModelKind, ModelScores, TestSet},
    history::{FitTiming, History},
    learners::{Classifier, Learner},
    runs::RunDirectory,
    seed::Seed,
};

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
    let Split { seed, train, validation } = Split::of(config, learner, original, validation_share)?;
    let checkpoint = directory.scratch_file("model")?;
    let context = work.fit(seed.derive("fit"), learner.name(), &checkpoint);
    let fitted = learner.fit(&train, Some(&validation), &context)?;
    let part = directory.begin_part(SINGLE_MODEL)?;
    fitted.classifier.save(part.folder())?;
    let model = part.commit()?;

    let identity = model.manifest().reproducible_hash();
    let scores = score(config, learner, &[fitted.classifier], &validation, (&source, identity), work)?;
    let result = SingleScores { scores, history: fitted.history, timing: fitted.timing };
    directory.write_json(METRICS, &result.scores)?;
    directory.write_json("history.json", &result.history)?;
    directory.write_json("timings.json", &result.timing)?;
    directory.complete()?;
    Ok(result)
}

/// The digits of a single model.
pub(super) struct Split {
    /// Of all its random draws.
    seed: Seed,
    train: Digits,
    /// Held out.
    pub(super) validation: Digits,
}

impl Split {
    /// Prepares the training digits and divides them. The part held out depends on the configuration's seed and the member's name.
    pub(super) fn of(config: &RunConfig, learner: &dyn Learner, original: Digits, validation_share: f64) -> Result<Self, RunFailure> {
        let digits = prepare::training(&config.prepare, original)?;
        let seed = Seed(config.seed).derive("single").derive(learner.name());
        let split = stratified_group_split(&digits.labels, &digits.groups, validation_share, seed.derive("validation"))?;
        Ok(Self { seed, train: digits.select(&split.train), validation: digits.select(&split.validation) })
    }
}

/// Scores a finished model on the part that was held out and on the test images, which are opened for `identity`, that of the model's files.
pub(super) fn score(
    config: &RunConfig,
    learner: &dyn Learner,
    model: &[Box<dyn Classifier>; 1],
    validation: &Digits,
    (source, identity): (&Source, String),
    work: &Work,
) -> Result<ModelScores, RunFailure> {
    let ask = |digits: &Digits, what: &str| {
        let task = work.progress.task(what, digits.len() as u64, "images");
        Ok::<_, RunFailure>(evaluation::score(&predictions::average(model, &digits.images, work.device, task.as_ref())?, &digits.labels)?)
    };
    let out_of_fold = Some(ask(validation, "predict validation part")?);
    let finished = FinishedTraining::new(&[identity], None)?;
    let opened = TestSet::sealed(|| source.test(work.progress)).open(finished)?;
    let test = opened.digits.map(|test| prepare::test(&config.prepare, test)).transpose()?;
    let test = test.map(|test| ask(&test, "predict test images")).transpose()?;
    Ok(ModelScores { name: learner.name().to_owned(), kind: ModelKind::Member, train: None, out_of_fold, test })
}
