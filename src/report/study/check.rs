//! Checks the outcome of a search before anything is drawn.

use std::collections::BTreeSet;

use crate::{
    report::{error::ReportError, figure_book::file_name},
    tuning::{Score, StageOutcome, StudyOutcome, TrialOutcome, TrialState},
};

/// Checks that an outcome does not contradict itself.
///
/// # Errors
/// [`ReportError::Input`] with the stage, the trial and the first value that is wrong.
pub(super) fn check(outcome: &StudyOutcome) -> Result<(), ReportError> {
    let mut names = BTreeSet::new();
    for stage in &outcome.stages {
        let refuse = |found: String| Err(ReportError::input(format!("stage {}", stage.name), found));
        if !names.insert(file_name(&stage.name)) {
            return refuse("found two stages with this name, expected unique names".to_owned());
        }
        if !(stage.seconds >= 0.0 && stage.seconds.is_finite()) {
            return refuse(format!("found {} seconds, expected at least 0", stage.seconds));
        }
        for (index, trial) in stage.trials.iter().enumerate() {
            if let Err(found) = check_trial(stage, trial) {
                return Err(ReportError::input(format!("trial {} of stage {}", index + 1, stage.name), found));
            }
        }
        if let Some(selected) = stage.selected {
            let Some(trial) = stage.trials.get(selected) else {
                return refuse(format!(
                    "found trial {} as the chosen one, expected 1 to {}",
                    selected + 1,
                    stage.trials.len()
                ));
            };
            if trial.score.is_none() || trial.state == TrialState::Failed {
                return refuse(format!("found trial {} as the chosen one, which has no score", selected + 1));
            }
        }
    }
    Ok(())
}

fn check_trial(stage: &StageOutcome, trial: &TrialOutcome) -> Result<(), String> {
    if trial.values.len() != stage.parameters.len() {
        return Err(format!(
            "found {} values, expected one for each of {} parameters",
            trial.values.len(),
            stage.parameters.len()
        ));
    }
    for (parameter, value) in stage.parameters.iter().zip(&trial.values) {
        let choices = parameter.choices.len();
        let choice = value.fract() == 0.0 && *value >= 0.0 && *value < choices as f64;
        if choices > 0 && !choice {
            return Err(format!(
                "found {value} for {}, expected the index of one of {choices} choices",
                parameter.field
            ));
        }
        if !value.is_finite() {
            return Err(format!("found {value} for {}, expected a finite number", parameter.field));
        }
    }
    let (range, expected) = match stage.score {
        Score::Accuracy => (0.0..=1.0, "an accuracy from 0 to 1"),
        Score::LogLoss => (f64::MIN..=0.0, "a negated log-loss, at most 0"),
    };
    let scores = trial.score.iter().chain(&trial.train_score).chain(trial.steps.iter().map(|(_, score)| score));
    if let Some(score) = scores.into_iter().find(|score| !range.contains(score)) {
        return Err(format!("found the score {score}, expected {expected}"));
    }
    let lengths = trial.standard_error.iter().chain([&trial.seconds]);
    match lengths.into_iter().find(|length| !(**length >= 0.0 && length.is_finite())) {
        Some(length) => Err(format!("found a standard error or time of {length}, expected at least 0")),
        None => Ok(()),
    }
}
