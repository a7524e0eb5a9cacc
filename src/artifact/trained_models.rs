//! The loaded models of an artifact.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    directory::Artifact,
    failure::RunFailure,
    layout::{DataRecord, METRICS, Metrics},
    model_prediction::ModelPrediction,
    predictions,
    session::{Parts, Session},
    verdict::VerdictModels,
};
use crate::{
    data::{CLASSES, DataConfig, Digits, FileHash, Images, Polarity, Probabilities, SourceKind},
    device::ChosenDevice,
    evaluation::{self, ModelKind, ModelScores, RiskCoverage, RiskPoint},
    learners::{Classifier, LearnerError},
    preprocessing,
    progress::{Progress, Silent, Task},
    stacking::{self, Metafeatures, Stack},
    verdict::Judge,
};

/// Fewest images for which a batch is faster than one image after another: 4 images of a stack of twelve models take
/// 6.7 ms one by one, and 9 in a batch 7.3.
const BATCH: usize = 5;

/// The finished models of an artifact, ready to predict.
///
/// Models are numbered: members in the order of the configuration, then the stack, then the ensembles; an artifact of a
/// single member has that member alone.
pub struct TrainedModels {
    artifact: Artifact,
    device: ChosenDevice,
    /// Of the members, then of the meta-models.
    names: Vec<(String, ModelKind)>,
    /// Models of each member: one, or one for each fold.
    members: Vec<Vec<Box<dyn Classifier>>>,
    /// Of each member, whether the stack does without it: rows of it that are no probabilities are then no error.
    left_out: Arc<[bool]>,
    stacks: Arc<[Stack]>,
    /// Index of the answering model.
    recommended: usize,
    verdict: Option<VerdictModels>,
    /// Sessions that nobody uses now.
    sessions: Mutex<Vec<Session>>,
}

/// Scores on test digits.
#[derive(Clone, Debug)]
pub struct TestScores {
    /// Source of the digits, in words; none if there were none, and the scores are those that the run recorded.
    pub data: Option<String>,
    /// Number of the test digits.
    pub images: usize,
    /// Scores of every model.
    pub models: Vec<ModelScores>,
    /// Risk–coverage curve of the answering model on the digits that the run held out; none in directories of earlier
    /// versions.
    pub risk_coverage: Option<RiskCoverage>,
    /// For the confidence of each point of that curve, the answers to the test digits.
    pub risk_on_test: Vec<RiskPoint>,
}

impl TrainedModels {
    /// Loads the models of a complete directory. Every file is verified against the manifest before anything reads it.
    ///
    /// # Errors
    /// If the directory is not complete, damaged, holds no models, or models that are not what its configuration says.
    pub fn load(folder: &Path, device: &ChosenDevice) -> Result<Self, RunFailure> {
        Self::of(Artifact::open(folder)?, device)
    }

    /// Loads the models of an artifact.
    ///
    /// # Errors
    /// Models that are damaged, or not what the configuration says.
    pub fn of(artifact: Artifact, device: &ChosenDevice) -> Result<Self, RunFailure> {
        let members = artifact.load_models(device)?;
        let stacks: Arc<[Stack]> = artifact.load_stacks()?.into();
        let mut names: Vec<(String, ModelKind)> =
            artifact.members().iter().map(|member| (member.name().to_owned(), ModelKind::Member)).collect();
        let mut verdict = None;
        let mut recommended = 0;
        if !stacks.is_empty() {
            let metas = &artifact.config().experiment.stacking.meta;
            names.extend(metas.iter().map(|meta| (meta.name().to_owned(), meta.kind())));
            verdict = Some(VerdictModels::load(artifact.folder(), device)?);
            let name = artifact.metrics()?.recommended;
            recommended = names.iter().position(|(known, _)| *known == name).ok_or_else(|| RunFailure::OtherModel {
                path: artifact.folder().join(METRICS),
                problem: format!("stack: found `{name}`, expected a model of the run"),
            })?;
        }
        let without = |name: &String| stacks.first().is_some_and(|stack| stack.left_out().contains(name));
        let left_out = names[..members.len()].iter().map(|(name, _)| without(name)).collect();
        let (device, sessions) = (device.clone(), Mutex::default());
        Ok(Self { artifact, device, names, members, left_out, stacks, recommended, verdict, sessions })
    }

    /// The directory that they came from.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Index of the answering model, which the run chose: the stack or its best member, or the only member.
    pub fn recommended(&self) -> usize {
        self.recommended
    }

    /// Name of the answering model.
    pub fn recommended_name(&self) -> &str {
        &self.names[self.recommended()].0
    }

    /// Names of all models: members in order, then the stack, then the ensembles.
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Names and kinds of all models, in the same order.
    pub fn names_and_kinds(&self) -> &[(String, ModelKind)] {
        &self.names
    }

    /// Index of the model called `name`.
    ///
    /// # Errors
    /// [`RunFailure::UnknownModel`] if there is none of that name.
    pub fn index_of(&self, name: &str) -> Result<usize, RunFailure> {
        let index = self.names.iter().position(|(known, _)| known == name);
        index.ok_or_else(|| RunFailure::UnknownModel { model: name.to_owned(), known: self.names().join(", ") })
    }

    /// A judge for one thread, which calibrates the recommended model's rows and gives verdicts; none for a single model.
    ///
    /// # Errors
    /// If the detector cannot be used for single images.
    pub fn judge(&self) -> Result<Option<Judge>, RunFailure> {
        self.verdict.as_ref().map(VerdictModels::judge).transpose()
    }

    /// True if the models are computed on the CPU.
    pub(super) fn is_on_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// Everything that the answers of a model depend on beside the image: the files of the directory, the model, the
    /// device and its instructions.
    pub(super) fn identity(&self, model: usize) -> String {
        let (hash, name) = (self.artifact.manifest().reproducible_hash(), &self.names[model].0);
        format!("{hash} {name} {} {} ", self.device.description(), flex_kernels::instructions())
    }

    /// True if a session gives a verdict: of a stack.
    pub fn has_verdict(&self) -> bool {
        self.verdict.is_some()
    }

    /// Images after the artifact's preprocessing, as the models see them.
    ///
    /// # Errors
    /// A step that cannot be set up.
    pub fn preprocess(&self, images: &Images) -> Result<Images, RunFailure> {
        Ok(self.artifact.config().experiment.preprocessing.images(images)?)
    }

    /// Class probabilities `[n, 10]` of one model, by its index, for images before preprocessing. Only the models that
    /// it needs are computed; a few images are computed one by one on the CPU, where that is faster.
    ///
    /// # Errors
    /// If a row is no distribution, as that of a net whose numbers overflow.
    ///
    /// # Panics
    /// If there is no model of that index.
    pub fn predict(&self, model: usize, images: &Images) -> Result<Probabilities, RunFailure> {
        if images.len() < BATCH {
            return self.with_session(|session| self.predict_with(session, model, images));
        }
        self.batch(model, images)
    }

    /// As [`TrainedModels::predict`], with the caller's session for a few images.
    ///
    /// # Errors
    /// As [`TrainedModels::predict`].
    ///
    /// # Panics
    /// If there is no model of that index.
    pub fn predict_with(
        &self,
        session: &mut Session,
        model: usize,
        images: &Images,
    ) -> Result<Probabilities, RunFailure> {
        if images.len() < BATCH {
            return images.iter().map(|image| session.predict(model, image)).collect();
        }
        self.batch(model, images)
    }

    fn batch(&self, model: usize, images: &Images) -> Result<Probabilities, RunFailure> {
        let images = self.preprocess(images)?;
        match model.checked_sub(self.members.len()) {
            None => {
                let rows = self.rows_of(model, &images, &Silent)?;
                evaluation::check_rows(&rows)?;
                Ok(rows)
            }
            Some(stack) => {
                let features = Metafeatures::new(&self.member_rows(&images, &Silent)?, self.features())?;
                Ok(self.stacks[stack].predict_proba(&features)?)
            }
        }
    }

    /// Predictions of every model for images before preprocessing; a few images are computed one by one on the CPU,
    /// where that is faster.
    ///
    /// # Errors
    /// If a row is no distribution, as that of a net whose numbers overflow.
    pub fn predict_all(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<ModelPrediction>, RunFailure> {
        if images.len() < BATCH {
            return self.with_session(|session| self.predict_all_with(session, images));
        }
        Ok(self.named(self.rows(images, progress)?))
    }

    /// As [`TrainedModels::predict_all`], with the caller's session for a few images.
    ///
    /// # Errors
    /// As [`TrainedModels::predict_all`].
    pub fn predict_all_with(&self, session: &mut Session, images: &Images) -> Result<Vec<ModelPrediction>, RunFailure> {
        let rows = if images.len() < BATCH {
            let mut rows = vec![Probabilities::new(); self.names.len()];
            for image in images.iter() {
                for (rows, prediction) in rows.iter_mut().zip(session.predict_all(image)?) {
                    rows.push(prediction.probabilities);
                }
            }
            rows
        } else {
            self.rows(images, &Silent)?
        };
        Ok(self.named(rows))
    }

    /// Rows of all models, with their names and kinds.
    fn named(&self, rows: Vec<Probabilities>) -> Vec<ModelPrediction> {
        let named = self.names.iter().zip(rows);
        let prediction = |((name, kind), probabilities): (&(String, ModelKind), Probabilities)| ModelPrediction {
            name: name.clone(),
            kind: *kind,
            probabilities,
        };
        named.map(prediction).collect()
    }

    fn rows(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<Probabilities>, RunFailure> {
        let images = self.preprocess(images)?;
        let models: usize = self.members.iter().map(Vec::len).sum();
        let task = progress.task("predict", (models * images.len()) as u64, "images");
        let mut rows = self.member_rows(&images, task.as_ref())?;
        if self.stacks.is_empty() {
            rows.iter().try_for_each(|rows| evaluation::check_rows(rows))?;
            return Ok(rows);
        }
        let features = Metafeatures::new(&rows, self.features())?;
        for stack in self.stacks.iter() {
            rows.push(stack.predict_proba(&features)?);
        }
        Ok(rows)
    }

    fn member_rows(&self, images: &Images, task: &dyn Task) -> Result<Vec<Probabilities>, LearnerError> {
        (0..self.members.len()).map(|member| self.rows_of(member, images, task)).collect()
    }

    /// Rows of a member; those of a member that the stack does without are made probabilities.
    fn rows_of(&self, member: usize, images: &Images, task: &dyn Task) -> Result<Probabilities, LearnerError> {
        let mut rows = predictions::average(&self.members[member], images, &self.device, task)?;
        if self.left_out[member] {
            stacking::replace_invalid_rows(&mut rows);
        }
        Ok(rows)
    }

    fn features(&self) -> crate::stacking::FeatureScale {
        self.artifact.config().experiment.stacking.features
    }

    /// Scores every model on the test digits of the configuration, or on those of another folder. A run without test
    /// digits, or whose folder only the command line named, gives the scores that it recorded.
    ///
    /// # Errors
    /// If the other folder has no labelled digits but those that the run was trained on, or as
    /// [`TrainedModels::predict_all`].
    pub fn evaluate(&self, folder: Option<&Path>, progress: &dyn Progress) -> Result<TestScores, RunFailure> {
        let (config, record) = (&self.artifact.config().experiment.data, self.artifact.data()?);
        if folder.is_none() && config.lacks_folder() {
            return self.recorded();
        }
        let (data, digits) = match test_digits(config, &record, folder, progress) {
            Err(RunFailure::NoTestDigits(_)) if folder.is_none() => return self.recorded(),
            found => found?,
        };
        let scores = |prediction: ModelPrediction| -> Result<ModelScores, RunFailure> {
            let test = evaluation::score(&prediction.probabilities, &digits.labels)?;
            Ok(ModelScores { test: Some(test), ..ModelScores::new(&prediction.name, prediction.kind) })
        };
        let predictions = self.predict_all(&digits.images, progress)?;
        let risk_coverage = self.artifact.metrics()?.risk_coverage;
        let rows = &predictions[self.recommended].probabilities;
        let calibrated: Probabilities = match &self.verdict {
            Some(verdict) => rows.iter().map(|row| verdict.temperature().apply(row)).collect(),
            None => rows.clone(),
        };
        let at = |point: &RiskPoint| RiskPoint::at(point.confidence, &calibrated, &digits.labels);
        let risk_on_test = risk_coverage.iter().flat_map(|curve| &curve.points).map(at).collect();
        let models = predictions.into_iter().map(scores).collect::<Result<_, _>>()?;
        Ok(TestScores { data: Some(data), images: digits.len(), models, risk_coverage, risk_on_test })
    }

    /// The scores that the run recorded, without any of test digits that are not at hand.
    fn recorded(&self) -> Result<TestScores, RunFailure> {
        let Metrics { models, risk_coverage, .. } = self.artifact.metrics()?;
        Ok(TestScores { data: None, images: 0, models, risk_coverage, risk_on_test: Vec::new() })
    }

    /// A session for one thread. It holds all that it needs: the models may be dropped.
    ///
    /// # Errors
    /// If a model cannot be used for single images.
    pub fn session(&self) -> Result<Session, RunFailure> {
        let predictors = |models: &Vec<Box<dyn Classifier>>| models.iter().map(|model| model.predictor()).collect();
        let members = self.members.iter().map(predictors).collect::<Result<Vec<_>, LearnerError>>()?;
        let named = |(name, kind): &(String, ModelKind)| ModelPrediction {
            name: name.clone(),
            kind: *kind,
            probabilities: [0.0; CLASSES],
        };
        Ok(Session::new(Parts {
            processor: self.artifact.config().experiment.preprocessing.recipe.compile()?,
            members,
            left_out: Arc::clone(&self.left_out),
            stacks: Arc::clone(&self.stacks),
            predictions: self.names.iter().map(named).collect(),
            recommended: self.recommended(),
            judge: self.judge()?,
        }))
    }

    /// Calls `use_it` with a session that nobody else uses meanwhile, and keeps it for the next call.
    fn with_session<T>(&self, use_it: impl FnOnce(&mut Session) -> Result<T, RunFailure>) -> Result<T, RunFailure> {
        let idle = || self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut session = match kept {
            Some(session) => session,
            None => self.session()?,
        };
        let result = use_it(&mut session);
        idle().push(session);
        result
    }
}

/// Test digits of a folder, or else those of a configuration, with a description of their source.
///
/// A folder without a test part of its own is one as a whole, unless the run knows its files: then the share that the
/// run held out of them is.
///
/// # Errors
/// If there are none, or only digits that the run was trained on.
pub fn test_digits(
    data: &DataConfig,
    record: &DataRecord,
    folder: Option<&Path>,
    progress: &dyn Progress,
) -> Result<(String, Digits), RunFailure> {
    let open = |config: &DataConfig| Ok::<_, RunFailure>(preprocessing::open_data(config, folder)?);
    // The limits of the configuration are for its own data; how a user's files are read holds for all of them.
    let is_own = data.source == SourceKind::Folder;
    let polarity = if is_own { data.polarity } else { Polarity::Auto };
    let general = DataConfig { polarity, max_skipped: data.max_skipped, ..DataConfig::default() };
    let source = open(if folder.is_some() { &general } else { data })?;
    let described = source.describe();
    if let Some(test) = source.test(progress)?.filter(|test| !test.is_empty()) {
        return Ok((described, test));
    }
    if folder.is_none() {
        return Err(RunFailure::NoTestDigits(described));
    }
    let whole = source.train(progress)?;
    let of_run = || record.train.iter().flat_map(|train| &train.files);
    let is_known = |file: &FileHash| of_run().any(|known| known.sha256 == file.sha256);
    if !source.train_fingerprint().is_some_and(|found| found.files.iter().any(is_known)) {
        return if whole.is_empty() { Err(RunFailure::NoTestDigits(described)) } else { Ok((described, whole)) };
    }
    if data.test.is_none() {
        return Err(RunFailure::TrainedOn(described));
    }
    let held_out = open(&DataConfig { test: data.test, ..general })?.test(progress)?;
    held_out.map(|test| (described.clone(), test)).ok_or(RunFailure::TrainedOn(described))
}
