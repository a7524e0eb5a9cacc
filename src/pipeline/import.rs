//! A net that was trained elsewhere, as a directory like that of `digitstack train`.

use std::path::Path;

use super::{
    ConfigError, Override, RunConfig, RunFailure, Work,
    export::SINGLE_MODEL,
    finish::METRICS,
    prepare,
    run::CONFIG,
    single::{self, Split},
};
use crate::{
    data::FieldError,
    evaluation::ModelScores,
    history::{FitTiming, History},
    imaging::Recipe,
    learners::{self, Classifier, Learner, ModelNotes},
    nn::WeightsFile,
    runs::{RunDirectory, RunError},
};

/// A net with weights from elsewhere, scored and not yet saved.
pub struct Imported {
    /// Scores of the validation part, in the column `out_of_fold`, and of the test images. Whether the net was trained on the former, nobody
    /// knows here.
    pub scores: ModelScores,
    /// SHA-256 of the file that the weights came in.
    pub weights_sha256: String,
    classifier: Box<dyn Classifier>,
    config: String,
}

/// The configuration of a file that this program exported: its architecture and what it says is done to an image, in place of the built-in
/// configuration's members and recipe. None if the file does not say what it is.
///
/// # Errors
/// As [`RunConfig::load`], or if the member's name is none.
pub fn config_of_file(weights: &WeightsFile, member: &str, overrides: &[Override]) -> Option<Result<RunConfig, ConfigError>> {
    let architecture = weights.architecture()?;
    let fail = |error| ConfigError::Field { place: weights.path().display().to_string(), error };
    let build = || {
        let mut config = RunConfig::load(None, overrides)?;
        config.members = vec![learners::of_network(member, architecture).map_err(fail)?];
        config.prepare.recipe = preparation(weights).map_err(fail)?.unwrap_or_default();
        config.name = "imported".to_owned();
        config.stacking.check(1).map_err(|error| fail(error.inside("stacking")))?;
        config.prepare.check().map_err(|error| fail(error.inside("prepare")))?;
        Ok(config)
    };
    Some(build())
}

/// What a file says is done to an image before the net sees it.
fn preparation(weights: &WeightsFile) -> Result<Option<Recipe>, FieldError> {
    let parse = |text| serde_json::from_str(text).map_err(|error| FieldError::new(ModelNotes::PREPARATION, error.to_string()));
    weights.note(ModelNotes::PREPARATION).map(parse).transpose()
}

/// Puts the weights into the net of a member and scores it on the part of the training digits that [`super::train_one`] would hold out, and on
/// the test images. Writes nothing.
///
/// # Errors
/// If the weights are not those of such a net, belong to images that are prepared otherwise, or there are no digits.
pub fn import_one(
    config: &RunConfig,
    learner: &dyn Learner,
    weights: &WeightsFile,
    validation_share: f64,
    data: Option<&Path>,
    work: &Work,
) -> Result<Imported, RunFailure> {
    let model = [learner.import(weights, work.device)?];
    match preparation(weights)? {
        Some(recipe) if recipe != config.prepare.recipe => {
            let text = |recipe: &Recipe| serde_json::to_string(recipe).unwrap_or_default();
            let (file, config) = (text(&recipe), text(&config.prepare.recipe));
            return Err(RunFailure::OtherPreparation { path: weights.path().to_owned(), file, config });
        }
        _ => {}
    }
    let source = prepare::open_data(&config.data, data)?;
    work.progress.message(&format!("data: {}", source.describe()));
    let original = source.train(work.progress)?;
    if original.is_empty() {
        return Err(RunFailure::NoTrainingDigits);
    }
    let split = Split::of(config, learner, original, validation_share)?;
    let weights_sha256 = weights.sha256();
    let scores = single::score(config, learner, &model, &split.validation, (&source, weights_sha256.clone()), work)?;
    let origin = format!("# imported: {}, weights of SHA-256 {weights_sha256}, {validation_share} held out\n", learner.name());
    let [classifier] = model;
    Ok(Imported { scores, weights_sha256, classifier, config: config.to_toml()? + &origin })
}

impl Imported {
    /// Leaves what [`super::train_one`] leaves: the configuration, `model/`, the scores, a history without points, the manifest.
    ///
    /// # Errors
    /// [`RunFailure::OtherRun`] if something else was begun in the directory.
    pub fn save(&self, directory: &RunDirectory, work: &Work) -> Result<(), RunFailure> {
        directory.claim(CONFIG, self.config.as_bytes()).map_err(|error| match error {
            RunError::Claimed { .. } => RunFailure::OtherRun { directory: directory.path().to_owned(), what: "model" },
            other => other.into(),
        })?;
        if directory.part_if_complete(SINGLE_MODEL, work.progress)?.is_none() {
            let part = directory.begin_part(SINGLE_MODEL)?;
            self.classifier.save(part.folder())?;
            part.commit()?;
        }
        directory.write_json(METRICS, &self.scores)?;
        directory.write_json("history.json", &History { unit: "epoch".to_owned(), ..History::default() })?;
        directory.write_json("timings.json", &FitTiming::default())?;
        directory.complete()?;
        Ok(())
    }
}
