//! One trial, before it is written and after it was read.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::{Map, Value};

use super::{Distribution, ParameterValue};

/// A hyperparameter of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// What it was.
    pub value: ParameterValue,
    /// What it could have been.
    pub distribution: Distribution,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// With a score, finite; more is better.
    Complete(f64),
    /// Stopped early, with the last score if there was one; finite.
    Pruned(Option<f64>),
    /// Without a score. Say why in an attribute.
    Failed,
}

/// A finished trial to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTrial {
    /// By name.
    pub parameters: BTreeMap<String, Parameter>,
    /// How it ended.
    pub outcome: Outcome,
    /// Scores on the way, by step (an epoch, a rung); may be NaN or infinite.
    pub steps: BTreeMap<u64, f64>,
    /// Anything else worth keeping, by name; [`export_csv`](super::export_csv) knows `standard_error`.
    pub attributes: Map<String, Value>,
    /// When it began; kept to the microsecond.
    pub started: SystemTime,
    /// When it ended; kept to the microsecond.
    pub finished: SystemTime,
}

/// How far a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// Begun by a program that writes trials line by line (this one does not), and perhaps dead by now.
    Running,
    /// Finished with a score.
    Complete,
    /// Stopped early.
    Pruned,
    /// Finished without a score.
    Failed,
    /// Planned by a program that writes trials line by line.
    Waiting,
}

impl TrialState {
    const ALL: [Self; 5] = [Self::Running, Self::Complete, Self::Pruned, Self::Failed, Self::Waiting];

    /// Lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
        }
    }

    /// True if nothing about the trial will change.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting)
    }

    /// The format's number for it.
    pub(super) fn code(self) -> u64 {
        Self::ALL.iter().position(|state| *state == self).unwrap_or_default() as u64
    }

    pub(super) fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A trial in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedTrial {
    /// Counted from 0 within its stage.
    pub number: u64,
    /// How far it is.
    pub state: TrialState,
    /// By name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its score; none if it has none, or several (no trial of this program has).
    pub value: Option<f64>,
    /// Scores on the way, by step; may be NaN or infinite.
    pub steps: BTreeMap<u64, f64>,
    /// What else was recorded, by name.
    pub attributes: Map<String, Value>,
    /// When it began.
    pub started: Option<SystemTime>,
    /// When it ended.
    pub finished: Option<SystemTime>,
}

impl LoggedTrial {
    /// The value of a parameter, if the trial has it.
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        self.parameters.get(name).map(|parameter| &parameter.value)
    }

    /// Seconds from its begin to its end; 0 if the clock was set back in between.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.finished?.duration_since(self.started?).unwrap_or_default().as_secs_f64())
    }
}

impl NewTrial {
    /// State and score.
    pub(super) fn result(&self) -> (TrialState, Option<f64>) {
        match self.outcome {
            Outcome::Complete(value) => (TrialState::Complete, Some(value)),
            Outcome::Pruned(value) => (TrialState::Pruned, value),
            Outcome::Failed => (TrialState::Failed, None),
        }
    }
}
