//! What a study's page cannot be made of.

use std::collections::BTreeSet;

use crate::{
    report::{ReportError, render::problem, studio::file_name},
    tuning::{Score, StageOutcome, StudyOutcome, TrialOutcome, TrialState},
};

/// Refuses outcomes that contradict themselves, by the stage and the trial.
pub(super) fn check(outcome: &StudyOutcome) -> Result<(), ReportError> {
    let mut names = BTreeSet::new();
    for stage in &outcome.stages {
        let refuse = |found: String| Err(problem(format!("stage {}", stage.name), found));
        if !names.insert(file_name(&stage.name)) {
            return refuse("there are two of that name".to_owned());
        }
        if !(stage.seconds >= 0.0 && stage.seconds.is_finite()) {
            return refuse(format!("{} seconds, expected at least 0", stage.seconds));
        }
        for (place, trial) in stage.trials.iter().enumerate() {
            if let Err(found) = check_trial(stage, trial) {
                return Err(problem(format!("trial {} of stage {}", place + 1, stage.name), found));
            }
        }
        if let Some(selected) = stage.selected {
            let Some(trial) = stage.trials.get(selected) else {
                return refuse(format!("trial {} is chosen, expected one of {}", selected + 1, stage.trials.len()));
            };
            if trial.score.is_none() || trial.state == TrialState::Failed {
                return refuse(format!("trial {} is chosen, which has no score", selected + 1));
            }
        }
    }
    Ok(())
}

fn check_trial(stage: &StageOutcome, trial: &TrialOutcome) -> Result<(), String> {
    if trial.values.len() != stage.parameters.len() {
        return Err(format!(
            "{} values, expected one for each of {} parameters",
            trial.values.len(),
            stage.parameters.len()
        ));
    }
    for (parameter, value) in stage.parameters.iter().zip(&trial.values) {
        let choices = parameter.choices.len();
        let choice = value.fract() == 0.0 && *value >= 0.0 && *value < choices as f64;
        if choices > 0 && !choice {
            return Err(format!("{} is {value}, expected the place of one of {choices} choices", parameter.field));
        }
        if !value.is_finite() {
            return Err(format!("{} is {value}, expected a number", parameter.field));
        }
    }
    let (range, expected) = match stage.score {
        Score::Accuracy => (0.0..=1.0, "an accuracy from 0 to 1"),
        Score::LogLoss => (f64::MIN..=0.0, "a log-loss with its sign changed"),
    };
    let scores = trial.score.iter().chain(&trial.train_score).chain(trial.steps.iter().map(|(_, score)| score));
    if let Some(score) = scores.into_iter().find(|score| !range.contains(score)) {
        return Err(format!("the score {score}, expected {expected}"));
    }
    let lengths = trial.standard_error.iter().chain([&trial.seconds]);
    match lengths.into_iter().find(|length| !(**length >= 0.0 && length.is_finite())) {
        Some(length) => Err(format!("a standard error or time of {length}, expected at least 0")),
        None => Ok(()),
    }
}
