//! A finished stage, as the page and the progress lines show it.

use std::time::Duration;

use super::{
    outcome::{ParameterOutcome, StageOutcome, TrialState},
    parameter::Parameter,
    sampler::SamplerConfig,
    selection::select,
    stage::Stage,
    trial::Trial,
};
use crate::learners;

/// Describes a stage's sampler in words, without running it: `grid of 6`, `Nelder–Mead, 20 trials`.
pub fn describe(stage: &Stage) -> String {
    match stage.config.sampler {
        SamplerConfig::Curve => format!("curve of {}", stage.space.grid_size()),
        _ => stage
            .config
            .sampler
            .build()
            .map(|sampler| sampler.describe(&stage.space, stage.config.budget.trials))
            .unwrap_or_default(),
    }
}

/// Returns the outcome of a stage whose trials all ended. `base` are the settings that its trials started from, `folds`
/// those of a `stack` stage, `took` the time of a stage without trials.
pub(super) fn stage_outcome(
    stage: &Stage,
    base: &toml::Table,
    trials: &[Trial],
    folds: usize,
    took: Duration,
) -> StageOutcome {
    let config = &stage.config;
    let length = |values: &[toml::Value]| {
        stage.settings(base, values).and_then(learners::build).ok().map(|learner| learner.length())
    };
    let full = |trial: &Trial| length(&trial.details.values).map_or(0, |length| u64::from(length.steps));
    let unit = trials.iter().find_map(|trial| length(&trial.details.values)).map_or("", |length| length.unit);
    let steps_naive =
        if stage.is_stack() { 0 } else { trials.iter().map(full).sum::<u64>() * config.splits.len() as u64 };
    let described = |parameter: &Parameter| ParameterOutcome {
        field: parameter.field.clone(),
        label: parameter.name().to_owned(),
        log: parameter.is_log(),
        choices: parameter.choices(),
    };
    let sampler = config.sampler.build().map_or_else(
        || "one training, scored at several steps".to_owned(),
        |sampler| sampler.describe(&stage.space, config.budget.trials),
    );
    let halving = if config.halving.is_some() { ", successive halving" } else { "" };
    let pruning = if config.pruning.is_some() { ", median pruning" } else { "" };
    let scoring = if stage.is_stack() { format!("out of fold, {folds} folds") } else { config.splits.describe() };
    StageOutcome {
        name: config.name.clone(),
        title: stage.title().to_owned(),
        about: config.about.clone(),
        learner: config.learner.clone(),
        sampler: format!("{sampler}{halving}{pruning}"),
        scoring: format!("{}, {scoring}", config.score.name()),
        score: config.score,
        plot: stage.plot(),
        parameters: stage.space.parameters().iter().map(described).collect(),
        trials: trials.iter().map(|trial| trial.outcome(&stage.space)).collect(),
        selected: select(config.selection, trials),
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

/// Returns one line about a stage that ended: trials, seconds, what was selected and its score.
pub(super) fn message(stage: &Stage, outcome: &StageOutcome, trials: &[Trial]) -> String {
    let count = |state: TrialState| trials.iter().filter(|trial| trial.state == state).count();
    let mut line = format!("{}: {} trials in {:.1} s", outcome.name, trials.len(), outcome.seconds);
    for (state, word) in [(TrialState::Pruned, "pruned"), (TrialState::Failed, "failed")] {
        if count(state) > 0 {
            line += &format!(", {} {word}", count(state));
        }
    }
    if let Some(index) = outcome.selected {
        let trial = &trials[index];
        let error = trial
            .details
            .standard_error
            .map_or_else(String::new, |error| format!(" ± {}", outcome.score.format_width(error)));
        line += &format!(
            "; selected {} ({}{error})",
            stage.space.describe(&trial.details.values),
            outcome.score.format(trial.score.unwrap_or(f64::NAN))
        );
    }
    line
}
