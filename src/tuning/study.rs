//! All stages of a search, one after the other.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::{
    context::StudyContext,
    curve,
    ensemble::{self, Ensemble},
    error::TuningError,
    evaluator::Evaluator,
    log::{LogError, StageLog, StudyLog},
    outcome::StageOutcome,
    sampler::Stop,
    space::Space,
    splits::{SplitData, SplitsConfig, splits},
    stage::{self, SelectionRule, Stage},
    summary::{message, stage_outcome},
    trial::Trial,
};
use crate::{
    data::{Digits, FieldError},
    field_path, learners,
    seed::Seed,
    stacking::{FeatureScale, MetaConfig},
    storage::Sha256Digest,
};

/// Attribute of a finished stage in the log: its number of trials and seconds, or `left_out` with the condition that
/// was not met.
pub const FINISHED: &str = "finished";
/// Attribute of a finished stage in the log: the selected candidate in words.
pub const SELECTED: &str = "pick";

/// A search that is ready to run.
pub struct Study<'a> {
    /// Seed that all random draws derive from.
    pub seed: Seed,
    /// Preprocessed training digits, the only images that a search reads.
    pub digits: &'a Digits,
    /// Settings of each member before the first stage.
    pub members: &'a [toml::Table],
    /// Stages in the order in which they run.
    pub stages: &'a [Stage],
    /// Number of folds of the out-of-fold predictions that a `stack` stage scores meta-models on.
    pub folds: usize,
    /// Scale of the metafeatures, unless a stage searches it.
    pub features: FeatureScale,
    /// Meta-model, unless a stage searches it.
    pub meta: MetaConfig,
    /// Log that trials are read from and recorded in.
    pub log: &'a StudyLog,
}

/// Result of a search: the members and the stack with every selected setting.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedSettings {
    /// Settings of each member.
    pub members: Vec<toml::Table>,
    /// Scale of the metafeatures.
    pub features: FeatureScale,
    /// Meta-model.
    pub meta: MetaConfig,
}

/// Splits of the last stage, reused by the next one if it asks for the same.
struct CachedSplits {
    config: SplitsConfig,
    /// True if images are set aside for selection.
    selects: bool,
    splits: Vec<SplitData>,
}

impl Study<'_> {
    /// Runs every stage that the log does not hold as finished; an interrupted stage continues after its last recorded
    /// trial. `ended` is called after each stage with the outcomes so far.
    ///
    /// # Errors
    /// [`TuningError`], if it concerns more than a single trial; the log keeps every recorded trial.
    pub fn run(
        &self,
        context: &StudyContext,
        ended: &mut dyn FnMut(&[StageOutcome]),
    ) -> Result<(Vec<StageOutcome>, SelectedSettings), TuningError> {
        let mut selected =
            SelectedSettings { members: self.members.to_vec(), features: self.features, meta: self.meta.clone() };
        let mut outcomes: Vec<StageOutcome> = Vec::new();
        let mut candidates: Vec<Option<Vec<toml::Value>>> = Vec::new();
        let mut cache: Option<CachedSplits> = None;
        for (index, stage) in self.stages.iter().enumerate() {
            if context.fit.cancel.is_cancelled() {
                return Err(TuningError::Cancelled);
            }
            let base = self.base(stage, &self.stages[..index], &candidates)?;
            let log = self.log.stage(&stage.config.name, &self.fingerprint(stage, &base, &selected))?;
            let started = Instant::now();
            if !stage.applies_to(&base) {
                if log.recorded(FINISHED).is_none() {
                    log.set(FINISHED, &serde_json::json!({ "left_out": stage.config.when }))?;
                    let name = &stage.config.name;
                    context.fit.progress.message(&format!("{name}: skipped, the selected settings do not meet `when`"));
                }
                candidates.push(None);
                continue;
            }
            let trials = match finished(&log, &stage.space) {
                Some(trials) => trials,
                None => self.stage(stage, base.clone(), &selected, &log, context, &mut cache, started)?,
            };
            let outcome = stage_outcome(stage, &base, &trials, self.folds, started.elapsed());
            let candidate = outcome.selected.map(|index| trials[index].details.values.clone());
            if candidate.is_none() && stage.config.selection != SelectionRule::None {
                let problem = trials
                    .iter()
                    .find_map(|trial| trial.details.error.clone())
                    .unwrap_or_else(|| "no reason was recorded".to_owned());
                return Err(TuningError::NothingToSelect {
                    stage: stage.config.name.clone(),
                    trials: trials.len(),
                    problem,
                });
            }
            if let Some(values) = &candidate {
                self.apply(stage, values, &mut selected)?;
            }
            if log.recorded(FINISHED).is_none() {
                let values = candidate.as_ref().map(|values| stage.space.describe(values));
                log.set(SELECTED, &values.into())?;
                log.set(FINISHED, &serde_json::json!({ "trials": trials.len(), "seconds": outcome.seconds }))?;
                let _ = std::fs::remove_dir_all(context.scratch.join(&stage.config.name));
                context.fit.progress.message(&message(stage, &outcome, &trials));
            }
            candidates.push(candidate);
            outcomes.push(outcome);
            ended(&outcomes);
        }
        Ok((outcomes, selected))
    }

    /// Returns the settings that a stage's trials start from: those of its member with the candidates that it inherits.
    fn base(
        &self,
        stage: &Stage,
        earlier: &[Stage],
        candidates: &[Option<Vec<toml::Value>>],
    ) -> Result<toml::Table, TuningError> {
        let named =
            |member: &&toml::Table| member.get("name").and_then(toml::Value::as_str) == Some(&stage.config.learner);
        let mut base = self.members.iter().find(named).cloned().unwrap_or_default();
        for (other, values) in earlier.iter().zip(candidates).filter(|(other, _)| stage.inherits_from(other)) {
            put(other, values.iter().flatten(), &mut base)?;
        }
        Ok(base)
    }

    /// Writes a stage's selected candidate into the settings.
    fn apply(&self, stage: &Stage, values: &[toml::Value], selected: &mut SelectedSettings) -> Result<(), TuningError> {
        if !stage.is_stack() {
            let named = |member: &&mut toml::Table| {
                member.get("name").and_then(toml::Value::as_str) == Some(&stage.config.learner)
            };
            return selected.members.iter_mut().find(named).map_or(Ok(()), |member| put(stage, values.iter(), member));
        }
        for (parameter, value) in stage.space.parameters().iter().zip(values) {
            let error = |error| TuningError::setting(&stage.config.name, error);
            match parameter.field.as_str() {
                "meta" => selected.meta = stage::meta(value).map_err(error)?,
                _ => selected.features = stage::features(value).map_err(error)?,
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "a stage needs all of these beside the study")]
    fn stage(
        &self,
        stage: &Stage,
        base: toml::Table,
        selected: &SelectedSettings,
        log: &StageLog,
        context: &StudyContext,
        cache: &mut Option<CachedSplits>,
        started: Instant,
    ) -> Result<Vec<Trial>, TuningError> {
        let seed = self.seed.derive("stage").derive(&stage.config.name);
        let folder = context.scratch.join(&stage.config.name);
        std::fs::create_dir_all(&folder).map_err(|source| LogError::Io {
            action: "create",
            path: folder.clone(),
            source,
        })?;
        if stage.is_stack() {
            let predict = || ensemble::out_of_fold(stage, &selected.members, self.digits, self.folds, seed, context);
            let (scale, meta) = (selected.features, selected.meta.clone());
            let mut ensemble = Ensemble {
                stage,
                digits: self.digits,
                predict: &predict,
                predictions: None,
                log,
                started,
                trials: Vec::new(),
                scale,
                meta,
            };
            ensemble.search(&stage.config.sampler, seed.derive("strategy"))?;
            return Ok(ensemble.trials);
        }
        let start = stage.space.start(&base);
        let selects = may_select(stage, &base, &start);
        let config = &stage.config.splits;
        let splits = match cache.take().filter(|cached| cached.config == *config && cached.selects == selects) {
            Some(same) => cache.insert(same),
            None => {
                let splits = splits(config, self.digits, selects, self.seed.derive("splits"))?;
                cache.insert(CachedSplits { config: config.clone(), selects, splits })
            }
        };
        let splits = &splits.splits[..];
        let Some(sampler) = stage.config.sampler.build() else {
            return curve::run(stage, &base, splits, seed, log, context, started);
        };
        let mut evaluator = Evaluator::new(stage, base, splits, seed.derive("trial"), log, context);
        match sampler.search(&stage.space, &start, &mut evaluator, seed.derive("strategy")) {
            Ok(()) | Err(Stop::Budget) => Ok(evaluator.into_trials()),
            Err(Stop::Failure(error)) => Err(error),
        }
    }

    /// Returns the digest of everything that a stage's trials depend on; a stage in the log is continued only if it is
    /// the same.
    fn fingerprint(&self, stage: &Stage, base: &toml::Table, selected: &SelectedSettings) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        };
        add(&format!("{} {} {}", self.seed.0, self.digits.len(), self.folds));
        add(&serde_json::to_string(&(&stage.config, base)).unwrap_or_default());
        if stage.is_stack() {
            add(&format!("{selected:?}"));
        }
        hash.update(self.digits.images.pixels());
        hash.update(&self.digits.labels);
        Sha256Digest::from(hash).to_string()
    }
}

/// Returns the trials of a finished stage in the order of their proposal; `None` if it is not finished.
fn finished(log: &StageLog, space: &Space) -> Option<Vec<Trial>> {
    log.recorded(FINISHED)?;
    let mut trials: Vec<Trial> = log.trials().iter().filter_map(|logged| Trial::from_log(logged, space)).collect();
    trials.sort_by_key(|trial| trial.details.order);
    Some(trials)
}

/// Returns true if a trial may choose an epoch or a number of trees by validation images: asked of the start, and of
/// the start with each value of each parameter.
fn may_select(stage: &Stage, base: &toml::Table, start: &[f64]) -> bool {
    let start = stage.space.decode(start);
    let selects = |candidate: &[toml::Value]| {
        stage.settings(base, candidate).and_then(learners::build).is_ok_and(|learner| learner.selects_by_validation())
    };
    let with = |index: usize, value: toml::Value| {
        let mut candidate = start.clone();
        candidate[index] = value;
        candidate
    };
    let mut parameters = stage.space.parameters().iter().enumerate();
    selects(&start)
        || parameters.any(|(index, parameter)| parameter.grid().into_iter().any(|value| selects(&with(index, value))))
}

/// Writes a stage's candidate into the settings of its member.
fn put<'v>(
    stage: &Stage,
    values: impl Iterator<Item = &'v toml::Value>,
    settings: &mut toml::Table,
) -> Result<(), TuningError> {
    for (parameter, value) in stage.space.parameters().iter().zip(values) {
        field_path::set(settings, &parameter.field, value.clone()).map_err(|problem| {
            TuningError::setting(&stage.config.name, FieldError::new("parameters", problem.to_string()))
        })?;
    }
    Ok(())
}
