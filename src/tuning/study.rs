//! All stages, one after the other.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::{
    ParameterOutcome, Pick, Score, Space, SplitsConfig, Stage, StageOutcome, Stop, StrategyConfig, TrialState,
    TuningError, curve,
    ensemble::{self, Ensemble},
    evaluator::Evaluator,
    field_path,
    log::{StageLog, StudyLog},
    pick::pick,
    splits::{SplitData, splits},
    trial::Trial,
};
use crate::{
    data::Digits,
    learners,
    nn::ChosenDevice,
    progress::{Cancel, Progress},
    seed::Seed,
    stacking::{FeatureScale, MetaConfig},
};

/// What a search may use, and who watches it.
pub struct Work<'a> {
    /// Where nets run.
    pub device: &'a ChosenDevice,
    /// CPU threads.
    pub threads: usize,
    /// Fits at once; none: as many as there are threads and fits, each with its share of the threads. No result depends
    /// on it.
    pub workers: Option<usize>,
    /// Told of stages and trials.
    pub progress: &'a dyn Progress,
    /// Asked between steps.
    pub cancel: &'a Cancel,
    /// A folder for the state of fits under way.
    pub scratch: &'a Path,
}

impl Work<'_> {
    /// Workers and threads of each for so many fits. Fits on a GPU take turns.
    pub(super) fn share(&self, fits: usize, on_device: bool) -> (usize, usize) {
        if on_device && !self.device.is_cpu() {
            return (1, 1);
        }
        let workers = self.workers.unwrap_or(self.threads).min(fits).max(1);
        (workers, (self.threads / workers).max(1))
    }
}

/// A search to be run.
pub struct Study<'a> {
    /// All draws derive from it.
    pub seed: Seed,
    /// The training digits, prepared. Nothing else is ever looked at.
    pub digits: &'a Digits,
    /// The members' settings before the first stage.
    pub members: &'a [toml::Table],
    /// In order.
    pub stages: &'a [Stage],
    /// Folds of the out-of-fold predictions that a `stack` stage chooses by.
    pub folds: usize,
    /// What a meta-model sees unless a stage searches it.
    pub features: FeatureScale,
    /// The meta-model unless a stage searches it.
    pub meta: MetaConfig,
    /// Where trials are kept.
    pub log: &'a StudyLog,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Picks {
    /// The members' settings with every pick in its place.
    pub members: Vec<toml::Table>,
    /// The scale of metafeatures.
    pub features: FeatureScale,
    /// The meta-model.
    pub meta: MetaConfig,
}

/// The splits of a stage, kept for the next one that wants the same.
struct Held {
    config: SplitsConfig,
    /// Whether images are set aside for selection.
    selects: bool,
    splits: Vec<SplitData>,
}

impl Study<'_> {
    /// Runs every stage that the log does not hold to its end, and goes on where an interrupted one stopped. `ended` is
    /// called after each stage with the outcomes so far.
    ///
    /// # Errors
    /// What is no matter of a single trial; the log keeps what was done.
    pub fn run(
        &self,
        work: &Work,
        ended: &mut dyn FnMut(&[StageOutcome]),
    ) -> Result<(Vec<StageOutcome>, Picks), TuningError> {
        let mut picks = Picks { members: self.members.to_vec(), features: self.features, meta: self.meta.clone() };
        let mut outcomes: Vec<StageOutcome> = Vec::new();
        let mut chosen: Vec<Option<Vec<toml::Value>>> = Vec::new();
        let mut held: Option<Held> = None;
        for (place, stage) in self.stages.iter().enumerate() {
            if work.cancel.is_cancelled() {
                return Err(TuningError::Cancelled);
            }
            let base = self.base(stage, &self.stages[..place], &chosen)?;
            let log = self.log.stage(&stage.config.name, &self.fingerprint(stage, &base, &picks))?;
            let begun = Instant::now();
            if !stage.applies_to(&base) {
                if log.attribute(FINISHED).is_none() {
                    log.set(FINISHED, &serde_json::json!({ "left_out": stage.config.when }))?;
                    let name = &stage.config.name;
                    work.progress.message(&format!("{name}: left out, the settings are not those that it is for"));
                }
                chosen.push(None);
                continue;
            }
            let trials = match finished(&log, &stage.space) {
                Some(trials) => trials,
                None => self.stage(stage, base.clone(), &picks, &log, work, &mut held, begun)?,
            };
            let outcome = self.outcome(stage, &base, &trials, begun.elapsed());
            let picked = outcome.picked.map(|place| trials[place].details.values.clone());
            if picked.is_none() && stage.config.pick != Pick::None {
                let problem = trials
                    .iter()
                    .find_map(|trial| trial.details.error.clone())
                    .unwrap_or_else(|| "no reason is known".to_owned());
                return Err(TuningError::NothingToPick {
                    stage: stage.config.name.clone(),
                    trials: trials.len(),
                    problem,
                });
            }
            if let Some(values) = &picked {
                self.apply(stage, values, &mut picks)?;
            }
            if log.attribute(FINISHED).is_none() {
                let values = picked.as_ref().map(|values| stage.space.describe(values));
                log.set(PICK, &values.into())?;
                log.set(FINISHED, &serde_json::json!({ "trials": trials.len(), "seconds": outcome.seconds }))?;
                let _ = std::fs::remove_dir_all(work.scratch.join(&stage.config.name));
                work.progress.message(&said(stage, &outcome, &trials));
            }
            chosen.push(picked);
            outcomes.push(outcome);
            ended(&outcomes);
        }
        Ok((outcomes, picks))
    }

    /// The settings that a stage's trials start from: those of its member with the picks that it inherits.
    fn base(
        &self,
        stage: &Stage,
        earlier: &[Stage],
        chosen: &[Option<Vec<toml::Value>>],
    ) -> Result<toml::Table, TuningError> {
        let named =
            |member: &&toml::Table| member.get("name").and_then(toml::Value::as_str) == Some(&stage.config.learner);
        let mut base = self.members.iter().find(named).cloned().unwrap_or_default();
        for (other, values) in earlier.iter().zip(chosen).filter(|(other, _)| stage.inherits_from(other)) {
            put(other, values.iter().flatten(), &mut base)?;
        }
        Ok(base)
    }

    fn apply(&self, stage: &Stage, values: &[toml::Value], picks: &mut Picks) -> Result<(), TuningError> {
        if !stage.is_stack() {
            let named = |member: &&mut toml::Table| {
                member.get("name").and_then(toml::Value::as_str) == Some(&stage.config.learner)
            };
            return picks.members.iter_mut().find(named).map_or(Ok(()), |member| put(stage, values.iter(), member));
        }
        for (parameter, value) in stage.space.parameters().iter().zip(values) {
            let error = |error| TuningError::setting(&stage.config.name, error);
            match parameter.field.as_str() {
                "meta" => picks.meta = super::stage::meta(value).map_err(error)?,
                _ => picks.features = super::stage::features(value).map_err(error)?,
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what a stage needs beside the study, all of it different")]
    fn stage(
        &self,
        stage: &Stage,
        base: toml::Table,
        picks: &Picks,
        log: &StageLog,
        work: &Work,
        held: &mut Option<Held>,
        begun: Instant,
    ) -> Result<Vec<Trial>, TuningError> {
        let seed = self.seed.derive("stage").derive(&stage.config.name);
        let folder = work.scratch.join(&stage.config.name);
        std::fs::create_dir_all(&folder).map_err(|source| super::log::LogError::Io {
            action: "create",
            path: folder.clone(),
            source,
        })?;
        if stage.is_stack() {
            let predict = || ensemble::out_of_fold(stage, &picks.members, self.digits, self.folds, seed, work);
            let (scale, meta) = (picks.features, picks.meta.clone());
            let mut ensemble = Ensemble {
                stage,
                digits: self.digits,
                predict: &predict,
                predictions: None,
                log,
                started: begun,
                trials: Vec::new(),
                scale,
                meta,
            };
            ensemble.search(&stage.config.strategy, seed.derive("strategy"))?;
            return Ok(ensemble.trials);
        }
        let start = stage.space.start(&base);
        let selects = may_select(stage, &base, &start);
        let config = &stage.config.splits;
        let splits = match held.take().filter(|held| held.config == *config && held.selects == selects) {
            Some(same) => held.insert(same),
            None => {
                let splits = splits(config, self.digits, selects, self.seed.derive("splits"))?;
                held.insert(Held { config: config.clone(), selects, splits })
            }
        };
        let splits = &splits.splits[..];
        let Some(strategy) = stage.config.strategy.strategy() else {
            return curve::run(stage, &base, splits, seed, log, work, begun);
        };
        let mut evaluator = Evaluator::new(stage, base, splits, seed.derive("trial"), log, work);
        match strategy.search(&stage.space, &start, &mut evaluator, seed.derive("strategy")) {
            Ok(()) | Err(Stop::Budget) => Ok(evaluator.into_trials()),
            Err(Stop::Failure(error)) => Err(error),
        }
    }

    /// Everything that a stage's trials depend on: an interrupted stage goes on with the same only.
    fn fingerprint(&self, stage: &Stage, base: &toml::Table, picks: &Picks) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        };
        add(&format!("{} {} {}", self.seed.0, self.digits.len(), self.folds));
        add(&serde_json::to_string(&(&stage.config, base)).unwrap_or_default());
        if stage.is_stack() {
            add(&format!("{picks:?}"));
        }
        hash.update(self.digits.images.pixels());
        hash.update(&self.digits.labels);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn outcome(&self, stage: &Stage, base: &toml::Table, trials: &[Trial], took: Duration) -> StageOutcome {
        let config = &stage.config;
        let length = |values: &[toml::Value]| {
            stage.settings(base, values).and_then(learners::build).ok().map(|learner| learner.length())
        };
        let full = |trial: &Trial| length(&trial.details.values).map_or(0, |length| u64::from(length.steps));
        let unit = trials.iter().find_map(|trial| length(&trial.details.values)).map_or("", |length| length.unit);
        let steps_naive =
            if stage.is_stack() { 0 } else { trials.iter().map(full).sum::<u64>() * config.splits.len() as u64 };
        let described = |parameter: &super::Parameter| ParameterOutcome {
            field: parameter.field.clone(),
            label: parameter.name().to_owned(),
            log: parameter.is_log(),
            choices: parameter.choices(),
        };
        let strategy = config.strategy.strategy().map_or_else(
            || "one training, read on its way".to_owned(),
            |strategy| strategy.describe(&stage.space, config.budget.trials),
        );
        let halving = if config.halving.is_some() { ", successive halving" } else { "" };
        let pruning = if config.pruning.is_some() { ", median pruning" } else { "" };
        let scoring =
            if stage.is_stack() { format!("out of fold, {} folds", self.folds) } else { config.splits.describe() };
        StageOutcome {
            name: config.name.clone(),
            title: stage.title().to_owned(),
            about: config.about.clone(),
            learner: config.learner.clone(),
            strategy: format!("{strategy}{halving}{pruning}"),
            scoring: format!("{}, {scoring}", config.score.name()),
            score: config.score,
            plot: stage.plot(),
            parameters: stage.space.parameters().iter().map(described).collect(),
            trials: trials.iter().map(|trial| trial.outcome(&stage.space)).collect(),
            picked: pick(config.pick, trials),
            seconds: trials.iter().map(|trial| trial.details.elapsed).fold(0.0, f64::max).max(if trials.is_empty() {
                took.as_secs_f64()
            } else {
                0.0
            }),
            steps_run: trials.iter().map(|trial| trial.details.steps_run).sum(),
            steps_naive,
            unit: if stage.is_stack() { String::new() } else { unit.to_owned() },
            finished: true,
        }
    }
}

/// The log's attribute of a stage that is done: how many trials it had, or why it was `left_out`.
pub const FINISHED: &str = "finished";
/// The log's attribute of a stage that holds what was picked, in words.
pub const PICK: &str = "pick";

/// The trials of a stage that ran to its end, in the order of their proposal.
fn finished(log: &StageLog, space: &Space) -> Option<Vec<Trial>> {
    log.attribute(FINISHED)?;
    let mut trials: Vec<Trial> = log.trials().iter().filter_map(|logged| Trial::from_log(logged, space)).collect();
    trials.sort_by_key(|trial| trial.details.order);
    Some(trials)
}

/// True if a trial may choose an epoch or a number of trees by validation images: asked of the start, and of the start
/// with each value of each parameter.
fn may_select(stage: &Stage, base: &toml::Table, start: &[f64]) -> bool {
    let start = stage.space.decode(start);
    let selects = |candidate: &[toml::Value]| {
        stage.settings(base, candidate).and_then(learners::build).is_ok_and(|learner| learner.selects_by_validation())
    };
    let with = |place: usize, value: toml::Value| {
        let mut candidate = start.clone();
        candidate[place] = value;
        candidate
    };
    let varied = |(place, parameter): (usize, &super::Parameter)| {
        parameter.grid().into_iter().any(|value| selects(&with(place, value)))
    };
    selects(&start) || stage.space.parameters().iter().enumerate().any(varied)
}

fn put<'v>(
    stage: &Stage,
    values: impl Iterator<Item = &'v toml::Value>,
    settings: &mut toml::Table,
) -> Result<(), TuningError> {
    for (parameter, value) in stage.space.parameters().iter().zip(values) {
        field_path::set(settings, &parameter.field, value.clone()).map_err(|problem| {
            TuningError::setting(&stage.config.name, crate::data::FieldError::new("parameters", problem))
        })?;
    }
    Ok(())
}

/// One line on a stage that ended.
fn said(stage: &Stage, outcome: &StageOutcome, trials: &[Trial]) -> String {
    let count = |state: TrialState| trials.iter().filter(|trial| trial.state == state).count();
    let mut line = format!("{}: {} trials in {:.1} s", outcome.name, trials.len(), outcome.seconds);
    for (state, word) in [(TrialState::Pruned, "pruned"), (TrialState::Failed, "failed")] {
        if count(state) > 0 {
            line += &format!(", {} {word}", count(state));
        }
    }
    if let Some(place) = outcome.picked {
        let trial = &trials[place];
        let error = trial
            .details
            .standard_error
            .map_or_else(String::new, |error| format!(" ± {}", outcome.score.format_width(error)));
        line += &format!(
            "; picked {} ({}{error})",
            stage.space.describe(&trial.details.values),
            outcome.score.format(trial.score.unwrap_or(f64::NAN))
        );
    }
    line
}

impl Score {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log-loss",
        }
    }

    /// A score for people: `98.12 %`, or the log-loss itself.
    pub fn format(self, score: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2} %", 100.0 * score),
            Self::LogLoss => format!("{:.4}", -score),
        }
    }

    /// A difference of scores for people.
    pub fn format_width(self, width: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2}", 100.0 * width),
            Self::LogLoss => format!("{width:.4}"),
        }
    }
}

/// How a stage's strategy is told in words, without running it.
pub fn describe(stage: &Stage) -> String {
    match stage.config.strategy {
        StrategyConfig::Curve => format!("curve of {}", stage.space.grid_size()),
        _ => stage
            .config
            .strategy
            .strategy()
            .map(|strategy| strategy.describe(&stage.space, stage.config.budget.trials))
            .unwrap_or_default(),
    }
}
