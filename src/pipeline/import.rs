//! A net that was trained elsewhere, as a directory like that of `digitstack train`.

use std::path::Path;

use super::{
    ConfigError, Override, RunConfig, RunFailure,
    single::{Judged, MODEL, SingleModel, Split},
};
use crate::{
    data::FieldError,
    evaluation::ModelScores,
    fit::{FitContext, FitTiming, History},
    imaging::Recipe,
    learners::{self, Classifier, Learner, ModelNotes},
    nn::WeightsFile,
    storage::RunDirectory,
};

/// A net with weights from elsewhere, scored and not yet saved.
pub struct Imported {
    judged: Judged,
    bound: SingleModel,
    classifier: Box<dyn Classifier>,
}

/// The configuration of a file that this program exported: its architecture and what it says is done to an image, in
/// place of the built-in configuration's members and recipe. None if the file does not say what it is.
///
/// # Errors
/// As [`RunConfig::load`], or if the member's name is none.
pub fn config_of_file(
    weights: &WeightsFile,
    member: &str,
    overrides: &[Override],
) -> Option<Result<RunConfig, ConfigError>> {
    let architecture = weights.architecture()?;
    let fail = |error| ConfigError::Field { place: weights.path().display().to_string(), error };
    let build = || {
        let mut config = RunConfig::load(None, overrides)?;
        config.members = vec![learners::of_network(member, architecture).map_err(fail)?];
        config.prepare.recipe = preparation(weights).map_err(fail)?.unwrap_or_default();
        config.name = "imported".to_owned();
        config.check().map_err(fail)?;
        Ok(config)
    };
    Some(build())
}

/// What a file says is done to an image before the net sees it.
fn preparation(weights: &WeightsFile) -> Result<Option<Recipe>, FieldError> {
    let parse =
        |text| serde_json::from_str(text).map_err(|error| FieldError::new(ModelNotes::PREPARATION, error.to_string()));
    weights.note(ModelNotes::PREPARATION).map(parse).transpose()
}

/// Puts the weights into the net of a member and scores it on the part of the training digits that [`super::train_one`]
/// would hold out, and on the test images. Writes nothing.
///
/// # Errors
/// If the weights are not those of such a net, belong to images that are prepared otherwise, or there are no digits.
pub fn import_one(
    config: &RunConfig,
    learner: &dyn Learner,
    weights: &WeightsFile,
    data: Option<&Path>,
    work: &FitContext,
) -> Result<Imported, RunFailure> {
    let model = [learner.import(weights, work.device)?];
    let expected = config.preparation_for(learner);
    match preparation(weights)? {
        Some(recipe) if recipe != expected => {
            let text = |recipe: &Recipe| serde_json::to_string(recipe).unwrap_or_default();
            let (file, config) = (text(&recipe), text(&expected));
            return Err(RunFailure::OtherPreparation { path: weights.path().to_owned(), file, config });
        }
        _ => {}
    }
    let split = Split::of(config, learner, data, work)?;
    let weights_sha256 = weights.sha256();
    let judged = split.judge(config, learner, &model, weights_sha256.clone(), work)?;
    let bound = SingleModel {
        model: learner.name().to_owned(),
        validation: config.single.validation,
        imported_sha256: Some(weights_sha256),
    };
    let [classifier] = model;
    Ok(Imported { judged, bound, classifier })
}

impl Imported {
    /// Scores of the validation part, in the column `out_of_fold`, and of the test images. Whether the net was trained
    /// on the former, nobody knows here.
    pub fn scores(&self) -> &ModelScores {
        &self.judged.scores
    }

    /// SHA-256 of the file that the weights came in.
    pub fn weights_sha256(&self) -> &str {
        self.bound.imported_sha256.as_deref().unwrap_or_default()
    }

    /// Leaves what [`super::train_one`] leaves: the configuration, `model/`, the scores, a history without points, the
    /// manifest.
    ///
    /// # Errors
    /// [`RunFailure::OtherRun`] if something else was begun in the directory.
    pub fn save(&self, config: &RunConfig, directory: &RunDirectory, work: &FitContext) -> Result<(), RunFailure> {
        self.bound.claim(config, directory)?;
        if directory.part_if_complete(MODEL, work.progress)?.is_none() {
            let part = directory.begin_part(MODEL)?;
            self.classifier.save(part.folder())?;
            part.commit()?;
        }
        let history = History { unit: "epoch".to_owned(), ..History::default() };
        self.judged.conclude(config, (&history, &FitTiming::default()), directory, work)
    }
}
