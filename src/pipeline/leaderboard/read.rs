//! From the files of a directory to its rows.

use std::path::Path;

use super::{Row, RunFailure};
use crate::{
    evaluation::{ModelKind, ModelScores},
    fit::{FitContext, FitTiming},
    learners::Classifier,
    pipeline::{
        Metrics, RunConfig,
        finish::{METRICS, TIMINGS, Timings},
        fits,
        kind::{self, Kind},
        run::{CONFIG, DATA},
        single::{self, MODEL},
    },
    storage,
};

/// Every model of a complete directory.
///
/// # Errors
/// If it is not complete, not as its manifest says, or of other work.
pub(super) fn rows(directory: &Path, work: &FitContext) -> Result<Vec<Row>, RunFailure> {
    let kind = kind::of(&storage::verify(directory)?);
    if !matches!(kind, Kind::Run | Kind::Single) {
        return Err(RunFailure::NoModel(directory.to_owned()));
    }
    let mut config = RunConfig::load(Some(&directory.join(CONFIG)), &[])?;
    let seed = std::mem::take(&mut config.seed);
    let folder = Folder { path: directory, seed, group: config.to_toml()? + &data(directory).fingerprints, config };
    if kind == Kind::Single { Ok(vec![folder.single(work)?]) } else { folder.run(work) }
}

/// A verified directory.
struct Folder<'a> {
    path: &'a Path,
    /// Its seed is 0.
    config: RunConfig,
    seed: u64,
    /// Equal for directories that differ in nothing but their seed.
    group: String,
}

/// What a row's model is made of.
struct Made {
    models: usize,
    parameters: Option<u64>,
    seconds: f64,
}

impl Folder<'_> {
    fn row(&self, scores: ModelScores, made: &Made, train_images: Option<usize>, protocol: String) -> Row {
        Row {
            group: format!("{} {protocol} {}", scores.name, self.group),
            run: self.path.display().to_string(),
            configuration: self.config.name.clone(),
            models: made.models,
            parameters: made.parameters,
            training_seconds: Some(made.seconds),
            train_images,
            held_out: scores.out_of_fold.as_ref().map(|scores| scores.accuracy),
            test_images: scores.test.as_ref().map(|test| test.images),
            accuracy: scores.test.map(|test| test.accuracy),
            protocol,
            reported: self.config.reported.iter().filter(|result| result.model == scores.name).cloned().collect(),
            seed: self.seed,
            seeds: None,
            model: scores.name,
            kind: scores.kind,
        }
    }

    /// Members, then meta-models.
    fn run(&self, work: &FitContext) -> Result<Vec<Row>, RunFailure> {
        let metrics: Metrics = storage::read_json(&self.path.join(METRICS))?;
        let timings: Timings = storage::read_json(&self.path.join(TIMINGS))?;
        let models = fits::load_final(&self.config, self.path, work)?;
        let made: Vec<Made> = models
            .iter()
            .zip(self.config.member_names())
            .map(|(models, name)| {
                let of_member =
                    |part: &str| part.strip_prefix("models/").is_some_and(|part| part.starts_with(&format!("{name}/")));
                let seconds =
                    timings.fits.iter().filter(|fit| of_member(&fit.name)).map(|fit| fit.timing.seconds).sum();
                Made { models: models.len(), parameters: parameters(models), seconds }
            })
            .collect();
        let together = Made {
            models: made.iter().map(|made| made.models).sum(),
            parameters: made.iter().map(|made| made.parameters).sum(),
            seconds: made.iter().map(|made| made.seconds).sum(),
        };
        let protocol = format!("{} folds", self.config.stacking.folds);
        let row = |scores: ModelScores| {
            let member = self.config.members.iter().position(|member| member.name() == scores.name);
            let made = member.filter(|_| scores.kind == ModelKind::Member).map_or(&together, |place| &made[place]);
            let train_images = scores.out_of_fold.as_ref().map(|scores| scores.images);
            self.row(scores, made, train_images, protocol.clone())
        };
        Ok(metrics.models.into_iter().map(row).collect())
    }

    /// The one model of `digitstack train`.
    fn single(&self, work: &FitContext) -> Result<Row, RunFailure> {
        let scores: ModelScores = storage::read_json(&self.path.join(METRICS))?;
        let timing: FitTiming = storage::read_json(&self.path.join(TIMINGS))?;
        let (_, member) = single::learner(&self.config, self.path)?;
        let model = member.load(&self.path.join(MODEL), work.device)?;
        let copies = self.config.prepare.rotations.len().max(1);
        let held_out = scores.out_of_fold.as_ref().map_or(0, |scores| scores.images);
        let train_images = data(self.path).train_images.and_then(|images| (images * copies).checked_sub(held_out));
        let made = Made { models: 1, parameters: model.parameters(), seconds: timing.seconds };
        Ok(self.row(scores, &made, train_images, format!("{} held out", self.config.single.validation)))
    }
}

/// Of all these models together.
fn parameters(models: &[Box<dyn Classifier>]) -> Option<u64> {
    models.iter().map(|model| model.parameters()).sum()
}

/// What a directory says of its data.
struct Data {
    /// Training digits before copies were made of them.
    train_images: Option<usize>,
    /// SHA-256 of the training digits and of the test digits; empty where it does not say.
    fingerprints: String,
}

/// Nothing is known of the data of a directory that does not say: single models of earlier versions.
fn data(directory: &Path) -> Data {
    let data: serde_json::Value = storage::read_json(&directory.join(DATA)).unwrap_or_default();
    let sha256 = ["train", "test"].map(|part| data[part]["sha256"].as_str().unwrap_or_default().to_owned());
    let train_images = data["train"]["images"].as_u64().and_then(|images| usize::try_from(images).ok());
    Data { train_images, fingerprints: sha256.join(" ") }
}
