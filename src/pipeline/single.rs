//! One member by itself: no folds, no stack.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    RunConfig, RunFailure,
    finish::{self, METRICS, PICTURES, TIMINGS},
    fits::HISTORY,
    predictions, prepare,
    report_input::{self, Picked, Pictures},
    run::{CONFIG, DATA, DataRecord},
};
use crate::{
    data::{Digits, HeldOut, Images, Source, stratified_group_hold_out},
    evaluation::{self, FinishedTraining, ModelKind, ModelScores, TestSet},
    fit::{FitContext, FitTiming, History},
    learners::{Classifier, Learner},
    report::ReportOptions,
    seed::Seed,
    storage::{self, RunDirectory, StorageError},
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
    /// What was held out of the training digits.
    pub(super) validation: HeldOut,
    /// SHA-256 of the file that the weights were imported from; none for a model that was trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) imported_sha256: Option<String>,
}

impl SingleModel {
    /// Binds a directory to the model and its configuration.
    pub(super) fn claim(&self, config: &RunConfig, directory: &RunDirectory) -> Result<(), RunFailure> {
        let bound = || {
            directory.claim(CONFIG, config.to_toml()?.as_bytes())?;
            Ok(directory.claim_json(SINGLE, self)?)
        };
        bound().map_err(|error| match error {
            RunFailure::Run(StorageError::Claimed { .. }) => {
                RunFailure::OtherRun { directory: directory.path().to_owned(), what: "model" }
            }
            other => other,
        })
    }
}

/// The member that a directory's model was made by, with its place in the configuration.
///
/// # Errors
/// [`RunFailure::UnknownMember`] if the configuration has no such member.
pub(super) fn learner<'a>(config: &'a RunConfig, folder: &Path) -> Result<(usize, &'a dyn Learner), RunFailure> {
    let file = folder.join(SINGLE);
    let SingleModel { model, .. } = storage::read_json(&file)?;
    let found = config.members.iter().enumerate().find(|(_, member)| member.name() == model);
    found.map(|(place, member)| (place, member.as_ref())).ok_or_else(|| RunFailure::UnknownMember {
        file,
        model,
        members: config.member_names().join(", "),
    })
}

/// What training one member gave. The `out_of_fold` column of its scores is the validation part that was held out.
#[derive(Clone, Debug, Serialize)]
pub struct SingleScores {
    /// Training, validation and test scores.
    pub scores: ModelScores,
    /// By epoch, tree or iteration.
    pub history: History,
    /// How long the fit took.
    pub timing: FitTiming,
}

/// Trains one member on all training digits but what `config.single` holds out, scores it, and saves it in `directory`
/// under `model/`.
pub fn train_one(
    config: &RunConfig,
    learner: &dyn Learner,
    data: Option<&Path>,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<SingleScores, RunFailure> {
    let bound =
        SingleModel { model: learner.name().to_owned(), validation: config.single.validation, imported_sha256: None };
    let split = Split::of(config, learner, data, work)?;
    bound.claim(config, directory)?;
    let checkpoint = directory.scratch_file(MODEL)?;
    let context = work.seeded(split.seed.derive("fit")).labelled(learner.name()).checkpointed(Some(&checkpoint));
    let fitted = learner.fit(&split.train, Some(&split.validation), &context)?;
    let part = directory.begin_part(MODEL)?;
    fitted.classifier.save(part.folder())?;
    let model = part.commit()?;

    let identity = model.manifest().reproducible_hash();
    let judged = split.judge(config, learner, &[fitted.classifier], identity, work)?;
    let result = SingleScores { scores: judged.scores.clone(), history: fitted.history, timing: fitted.timing };
    judged.conclude(config, (&result.history, &result.timing), directory, work)?;
    Ok(result)
}

/// The digits of a single model.
pub(super) struct Split {
    source: Source,
    /// Of all the model's random draws.
    seed: Seed,
    train: Digits,
    /// Held out.
    validation: Digits,
}

impl Split {
    /// Reads and prepares the training digits and divides them. The part held out depends on the configuration's seed
    /// and the member's name.
    pub(super) fn of(
        config: &RunConfig,
        learner: &dyn Learner,
        data: Option<&Path>,
        work: &FitContext,
    ) -> Result<Self, RunFailure> {
        let source = prepare::open_data(&config.data, data)?;
        work.progress.message(&format!("data: {}", source.describe()));
        let original = source.train(work.progress)?;
        if original.is_empty() {
            return Err(RunFailure::NoTrainingDigits);
        }
        let digits = prepare::training(&config.prepare, original)?;
        let seed = Seed(config.seed).derive("single").derive(learner.name());
        let split = stratified_group_hold_out(
            &digits.labels,
            &digits.groups,
            config.single.validation,
            seed.derive("validation"),
        )?;
        Ok(Self { source, seed, train: digits.select(&split.train), validation: digits.select(&split.validation) })
    }

    /// Scores a finished model on the part that was held out and on the test images, which are opened for `identity`,
    /// that of the model's files.
    pub(super) fn judge(
        &self,
        config: &RunConfig,
        learner: &dyn Learner,
        model: &[Box<dyn Classifier>; 1],
        identity: String,
        work: &FitContext,
    ) -> Result<Judged, RunFailure> {
        let ask = |images: &Images, what: &str| {
            let task = work.progress.task(what, images.len() as u64, "images");
            predictions::average(model, images, work.device, task.as_ref())
        };
        let on_validation = ask(&self.validation.images, "predict validation part")?;
        let finished = FinishedTraining::new(&[identity], None)?;
        let opened = TestSet::sealed(|| self.source.test(work.progress)).open(finished)?;
        let test = opened.digits.map(|test| prepare::test(&config.prepare, test)).transpose()?;
        let on_test = test.as_ref().map(|test| ask(&test.images, "predict test images")).transpose()?;
        let pictures = report_input::pictures(&Picked {
            train: &self.train,
            test_images: test.as_ref().map(Digits::len),
            judged: test.as_ref().zip(on_test.as_ref()).unwrap_or((&self.validation, &on_validation)),
            members: Vec::new(),
            models: vec![(learner.name(), model[0].as_ref())],
        })?;
        let scores = ModelScores {
            name: learner.name().to_owned(),
            kind: ModelKind::Member,
            train: None,
            out_of_fold: Some(evaluation::score(&on_validation, &self.validation.labels)?),
            test: test
                .iter()
                .zip(&on_test)
                .map(|(test, rows)| evaluation::score(rows, &test.labels))
                .next()
                .transpose()?,
        };
        Ok(Judged { scores, pictures, data: DataRecord::of(&self.source) })
    }
}

/// What a finished model is worth, and what its report shows.
pub(super) struct Judged {
    pub(super) scores: ModelScores,
    pictures: Pictures,
    data: DataRecord,
}

impl Judged {
    /// Writes everything but the model, the report and the manifest last.
    pub(super) fn conclude(
        &self,
        config: &RunConfig,
        (history, timing): (&History, &FitTiming),
        directory: &RunDirectory,
        work: &FitContext,
    ) -> Result<(), RunFailure> {
        directory.write_json(METRICS, &self.scores)?;
        directory.write_json(PICTURES, &self.pictures)?;
        directory.write_json(DATA, &self.data)?;
        directory.write_json(HISTORY, history)?;
        directory.write_json(TIMINGS, timing)?;
        finish::write_environment(directory, work)?;
        finish::write_report(config, directory, report_input::read_single, ReportOptions::default())?;
        directory.complete()?;
        Ok(())
    }
}
