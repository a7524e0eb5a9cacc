//! Trial that ended, and its record in the log.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{
    log::{self, Distribution, FinalState, LoggedTrial, NewTrial, ParameterValue},
    outcome::{TrialOutcome, TrialState},
    parameter::Parameter,
    space::{Candidate, Space},
};

/// Attribute of a logged trial with the details that only this program reads.
const ATTRIBUTE: &str = "digitstack";

/// Record of a trial beside its parameters, score and intermediate scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Details {
    /// Values of the candidate, in the order of the space.
    pub(super) values: Candidate,
    /// Index among the stage's proposals.
    pub(super) order: usize,
    /// Standard error of the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) standard_error: Option<f64>,
    /// Score of each split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) split_scores: Vec<f64>,
    /// Score on a sample of the training images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) train_score: Option<f64>,
    /// Number of epochs or trees of its fits.
    pub(super) steps_run: u64,
    /// Seconds of all its fits together.
    pub(super) seconds: f64,
    /// Wall-clock seconds of the stage when the trial ended.
    pub(super) elapsed: f64,
    /// Reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Trial that ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) state: TrialState,
    /// Mean score of the splits; for a pruned trial the last that it reached.
    pub(super) score: Option<f64>,
    /// Intermediate scores by step, or by number of images.
    pub(super) steps: Vec<(u64, f64)>,
    pub(super) details: Details,
}

impl Trial {
    /// Reads a trial of the log; `None` if another program wrote it.
    pub(super) fn from_log(logged: &LoggedTrial, space: &Space) -> Option<Self> {
        if !logged.verified {
            return None;
        }
        let mut details: Details = serde_json::from_value(logged.attributes.get(ATTRIBUTE)?.clone()).ok()?;
        // JSON does not keep the order of a table's fields: such a value is replaced by that of the configuration.
        for (parameter, value) in space.parameters().iter().zip(&mut details.values) {
            if let Some(choice) = parameter.values.iter().flatten().find(|choice| *choice == value) {
                *value = choice.clone();
            }
        }
        let state = match logged.state {
            log::TrialState::Complete => TrialState::Complete,
            log::TrialState::Pruned => TrialState::Pruned,
            log::TrialState::Failed => TrialState::Failed,
            log::TrialState::Running | log::TrialState::Waiting => return None,
        };
        let steps = logged.steps.iter().map(|(step, score)| (*step, *score)).collect();
        Some(Self { state, score: logged.value, steps, details })
    }

    /// Returns the record for the log, ended now.
    pub(super) fn to_log(&self, space: &Space) -> NewTrial {
        let parameters = space.parameters().iter().zip(&self.details.values);
        let mut attributes = serde_json::Map::new();
        // A struct of numbers, texts and lists always converts to JSON.
        attributes.insert(ATTRIBUTE.to_owned(), serde_json::to_value(&self.details).unwrap_or_default());
        if let Some(error) = &self.details.error {
            attributes.insert("error".to_owned(), error.clone().into());
        }
        if let Some(standard_error) = self.details.standard_error {
            attributes.insert("standard_error".to_owned(), standard_error.into());
        }
        let finished = SystemTime::now();
        NewTrial {
            parameters: parameters
                .map(|(parameter, value)| (parameter.field.clone(), logged(parameter, value)))
                .collect(),
            state: match (self.state, self.score) {
                (TrialState::Complete, Some(score)) => FinalState::Complete(score),
                (TrialState::Pruned, score) => FinalState::Pruned(score),
                _ => FinalState::Failed,
            },
            steps: self.steps.iter().copied().collect(),
            attributes,
            started: finished.checked_sub(Duration::from_secs_f64(self.details.seconds.max(0.0))).unwrap_or(finished),
            finished,
        }
    }

    /// Returns the trial as reports show it.
    pub(super) fn outcome(&self, space: &Space) -> TrialOutcome {
        let values = space.parameters().iter().zip(&self.details.values);
        TrialOutcome {
            values: values.map(|(parameter, value)| parameter.coordinate(value)).collect(),
            state: self.state,
            score: self.score,
            standard_error: self.details.standard_error,
            train_score: self.details.train_score,
            steps: self.steps.clone(),
            seconds: self.details.seconds,
            error: self.details.error.clone(),
        }
    }
}

/// Converts a value and its range for the log: lists and tables become their names.
fn logged(parameter: &Parameter, value: &toml::Value) -> log::Parameter {
    let (value, distribution) = if let (Some(range), Some(value)) = (parameter.integers, value.as_integer()) {
        // The format's logarithmic ranges have no steps, and a narrowed grid leaves the steps of its first round.
        let step = if range.log || (value - range.from) % range.step != 0 { 1 } else { range.step };
        let high = range.from + (range.to - range.from) / step * step;
        (ParameterValue::Integer(value), Distribution::Integer { low: range.from, high, step, log: range.log })
    } else if let (Some(range), Some(value)) = (parameter.reals, value.as_float()) {
        (
            ParameterValue::Real(value),
            Distribution::Real { low: range.from, high: range.to, log: range.log, step: None },
        )
    } else {
        let choice = |value: &toml::Value| match value {
            toml::Value::Integer(value) if parameter.labels.is_none() => ParameterValue::Integer(*value),
            toml::Value::Float(value) if parameter.labels.is_none() => ParameterValue::Real(*value),
            toml::Value::Boolean(value) if parameter.labels.is_none() => ParameterValue::Flag(*value),
            list @ toml::Value::Array(_) if parameter.labels.is_none() => {
                let read = serde_json::to_value(list).and_then(serde_json::from_value);
                read.unwrap_or_else(|_| ParameterValue::Text(parameter.describe(list)))
            }
            other => ParameterValue::Text(parameter.describe(other)),
        };
        (choice(value), Distribution::Categorical { choices: parameter.values.iter().flatten().map(choice).collect() })
    };
    log::Parameter { value, distribution }
}

/// Returns the mean and the standard error of the scores of some splits with `images` validation images each.
///
/// The error is the larger of two: the one between the splits, which few splits estimate only roughly, and the one of a
/// proportion of all their images. A log-loss, which is no proportion, has the first alone, and none from one split.
pub(super) fn mean_and_error(scores: &[f64], images: usize) -> (f64, Option<f64>) {
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let counted = (0.0..=1.0).contains(&mean).then(|| (mean * (1.0 - mean) / (count * images.max(1) as f64)).sqrt());
    let between = (scores.len() > 1).then(|| {
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (variance / count).sqrt()
    });
    (mean, between.into_iter().chain(counted).reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_errors_come_from_the_splits_or_from_the_share() {
        let (mean, error) = mean_and_error(&[0.9, 0.92, 0.94], 1000);
        assert!((mean - 0.92).abs() < 1e-12 && (error.unwrap() - 0.02 / 3f64.sqrt()).abs() < 1e-12);
        let (_, error) = mean_and_error(&[0.9, 0.9], 450);
        assert!((error.unwrap() - 0.01).abs() < 1e-12, "two equal splits are not certainty: {error:?}");
        let (mean, error) = mean_and_error(&[0.5], 100);
        assert_eq!((mean, error), (0.5, Some(0.05)));
        assert_eq!(mean_and_error(&[-0.3], 100).1, None, "a single log-loss has none");
    }
}
