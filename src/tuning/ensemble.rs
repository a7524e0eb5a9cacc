//! Choice among meta-models on the members' out-of-fold predictions.

use super::{
    context::StudyContext,
    error::TuningError,
    log::StageLog,
    outcome::{Score, TrialState},
    sampler::{Objective, SamplerConfig, Stop},
    space::Candidate,
    stage::{self, Stage},
    trial::{Details, Trial, mean_and_error},
};
use crate::{
    data::{Digits, Probabilities, stratified_group_folds},
    evaluation,
    fit::{Job, JobContext},
    learners,
    seed::Seed,
    stacking::{self, FeatureScale, MetaConfig, Metafeatures, Validation},
};

/// Out-of-fold predictions of all members.
pub(super) struct OutOfFold {
    /// Class probabilities of each member, one row for each image.
    members: Vec<Probabilities>,
    /// Fold of each image.
    fold_of: Vec<u16>,
}

/// Fits every member on every fold and predicts the images left out.
pub(super) fn out_of_fold(
    stage: &Stage,
    members: &[toml::Table],
    digits: &Digits,
    folds: usize,
    seed: Seed,
    context: &StudyContext,
) -> Result<OutOfFold, TuningError> {
    let name = &stage.config.name;
    let learners: Vec<_> = members
        .iter()
        .map(|settings| learners::build(settings.clone()))
        .collect::<Result<_, _>>()
        .map_err(|error| TuningError::setting(name, error))?;
    let division = stratified_group_folds(&digits.labels, &digits.groups, folds, seed.derive("folds"))?;
    let folds_of = |member: usize| (0..folds).map(move |fold| (member, fold));
    let jobs = (0..learners.len()).flat_map(folds_of).map(|(member, fold)| Job {
        name: format!("{name}: {}, fold {}", learners[member].name(), fold + 1),
        cost: learners[member].cost(digits.len()),
        input: (member, fold),
    });
    let on_device = |&(member, _): &(usize, usize)| learners[member].runs_on_device();
    let fit = |&(member, fold): &(usize, usize), job: &JobContext| -> Result<_, TuningError> {
        let learner = learners[member].as_ref();
        let train = digits.select(&division.train_indices(fold));
        let held_out = digits.select(&division.validation_indices(fold));
        let label = format!("{}, fold {}", learner.name(), fold + 1);
        let seed = seed.derive(learner.name()).index(fold as u64);
        let checkpoint = context.scratch.join(name).join(format!("{}-{fold}", learner.name()));
        let context = context.fit.in_job(job).seeded(seed).labelled(&label).checkpointed(Some(&checkpoint));
        let fitted: Result<_, TuningError> =
            stacking::fit_and_predict(learner, train, Some(&held_out), Validation::Sample(0), seed, &context);
        match fitted {
            Ok((_, rows)) => Ok((member, fold, rows.unwrap_or_default())),
            Err(error) if error.is_cancelled() => Err(TuningError::Cancelled),
            Err(TuningError::Learner(error)) => Err(TuningError::Member {
                stage: name.clone(),
                member: learner.name().to_owned(),
                problem: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    };
    let results = stacking::run_fits(jobs.collect(), on_device, context.workers, &context.fit, fit)?;
    let member = |index: usize| {
        let parts: Vec<(Vec<usize>, &Probabilities)> = results
            .iter()
            .filter(|(member, _, _)| *member == index)
            .map(|(_, fold, rows)| (division.validation_indices(*fold), rows))
            .collect();
        stacking::assemble_out_of_fold(digits.len(), &parts)
    };
    let members = (0..learners.len()).map(member).collect::<Result<_, _>>()?;
    Ok(OutOfFold { members, fold_of: division.fold_of().to_vec() })
}

/// Objective of a `stack` stage: cross-fits meta-models on the out-of-fold predictions.
pub(super) struct Ensemble<'a> {
    pub(super) stage: &'a Stage,
    pub(super) digits: &'a Digits,
    /// Fits the members; called once, before the first meta-model that the log does not hold is scored.
    pub(super) predict: &'a dyn Fn() -> Result<OutOfFold, TuningError>,
    pub(super) predictions: Option<OutOfFold>,
    pub(super) log: &'a StageLog,
    pub(super) started: std::time::Instant,
    pub(super) trials: Vec<Trial>,
    pub(super) scale: FeatureScale,
    pub(super) meta: MetaConfig,
}

impl Ensemble<'_> {
    /// Runs the search of the stage's sampler.
    pub(super) fn search(&mut self, config: &SamplerConfig, seed: Seed) -> Result<(), TuningError> {
        let stage = self.stage;
        let Some(sampler) = config.build() else { return Ok(()) };
        let start = vec![0.5; stage.space.parameters().len()];
        match sampler.search(&stage.space, &start, self, seed) {
            Ok(()) | Err(Stop::Budget) => Ok(()),
            Err(Stop::Failure(error)) => Err(error),
        }
    }

    fn trial(&mut self, candidate: &Candidate, order: usize) -> Result<Trial, TuningError> {
        let predictions = match self.predictions.take() {
            Some(predictions) => predictions,
            None => (self.predict)()?,
        };
        let predictions = self.predictions.insert(predictions);
        let begun = std::time::Instant::now();
        let (mut meta, mut scale) = (self.meta.clone(), self.scale);
        for (parameter, value) in self.stage.space.parameters().iter().zip(candidate) {
            let error = |error| TuningError::setting(&self.stage.config.name, error);
            match parameter.field.as_str() {
                "meta" => meta = stage::meta(value).map_err(error)?,
                _ => scale = stage::features(value).map_err(error)?,
            }
        }
        let outcome = scores(self.stage, self.digits, predictions, &meta, scale);
        let elapsed = self.started.elapsed().as_secs_f64();
        let seconds = begun.elapsed().as_secs_f64();
        let (scores, train, error) = match outcome {
            Ok((scores, train)) => (scores, Some(train), None),
            Err(error) => (Vec::new(), None, Some(error.to_string())),
        };
        let (score, standard_error) = match scores.is_empty() {
            true => (None, None),
            false => {
                let (mean, error) = mean_and_error(&scores, self.digits.len() / scores.len());
                (Some(mean), error)
            }
        };
        let state = if error.is_none() { TrialState::Complete } else { TrialState::Failed };
        let values = candidate.clone();
        let details = Details {
            values,
            order,
            standard_error,
            split_scores: scores,
            train_score: train,
            steps_run: 0,
            seconds,
            elapsed,
            error,
        };
        Ok(Trial { state, score, steps: Vec::new(), details })
    }
}

impl Objective for Ensemble<'_> {
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop> {
        let mut scores = Vec::new();
        for candidate in candidates {
            let known = self.trials.iter().find(|trial| trial.details.values == *candidate);
            if let Some(trial) = known {
                scores.push(trial.score);
                continue;
            }
            if self.stage.config.budget.trials.is_some_and(|most| self.trials.len() >= most) {
                return Err(Stop::Budget);
            }
            let logged = self
                .log
                .trials()
                .iter()
                .filter_map(|logged| Trial::from_log(logged, &self.stage.space))
                .find(|trial| trial.details.values == *candidate);
            let trial = match logged {
                Some(trial) => trial,
                None => {
                    let trial = self.trial(candidate, self.trials.len()).map_err(Stop::Failure)?;
                    self.log.record(&trial.to_log(&self.stage.space)).map_err(|error| Stop::Failure(error.into()))?;
                    trial
                }
            };
            scores.push(trial.score);
            self.trials.push(trial);
        }
        Ok(scores)
    }
}

/// Returns the score of each fold, and that of the meta-model on the rows that it was fitted on.
fn scores(
    stage: &Stage,
    digits: &Digits,
    predictions: &OutOfFold,
    meta: &MetaConfig,
    scale: FeatureScale,
) -> Result<(Vec<f64>, f64), TuningError> {
    let features = Metafeatures::new(&predictions.members, scale)?;
    let rows = stacking::cross_fit(meta, &features, &digits.labels, &predictions.fold_of)?;
    let folds = predictions.fold_of.iter().max().map_or(0, |&last| usize::from(last) + 1);
    let of = |rows: &[[f32; crate::data::CLASSES]], labels: &[u8]| match evaluation::score(rows, labels) {
        Ok(scores) if stage.config.score == Score::LogLoss => -scores.log_loss,
        Ok(scores) => scores.accuracy.value,
        Err(_) => f64::NAN,
    };
    let fold = |fold: usize| {
        let indices: Vec<usize> =
            (0..rows.len()).filter(|&row| usize::from(predictions.fold_of[row]) == fold).collect();
        let labels: Vec<u8> = indices.iter().map(|&row| digits.labels[row]).collect();
        of(&indices.iter().map(|&row| rows[row]).collect::<Vec<_>>(), &labels)
    };
    let fitted = meta.fit(&features, &digits.labels)?;
    Ok(((0..folds).map(fold).collect(), of(&fitted.predict_proba(&features)?, &digits.labels)))
}
