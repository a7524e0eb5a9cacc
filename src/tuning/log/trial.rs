//! Trial before it is written and after it was read.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::{Map, Value};

use super::{distribution::Distribution, value::ParameterValue};

/// Hyperparameter of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Value.
    pub value: ParameterValue,
    /// Distribution that it comes from.
    pub distribution: Distribution,
}

/// State and score of a finished trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FinalState {
    /// Scored: a finite number, higher is better.
    Complete(f64),
    /// Stopped early, with its last score if it has one: a finite number.
    Pruned(Option<f64>),
    /// Failed; an attribute may say why.
    Failed,
}

/// Finished trial that is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTrial {
    /// Hyperparameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// State and score.
    pub state: FinalState,
    /// Intermediate scores by step (an epoch, a rung); may be NaN or infinite.
    pub steps: BTreeMap<u64, f64>,
    /// User attributes by name; [`export_csv`](super::export_csv) has a column for `standard_error`.
    pub attributes: Map<String, Value>,
    /// Start, kept to the microsecond.
    pub started: SystemTime,
    /// End, kept to the microsecond.
    pub finished: SystemTime,
}

/// State of a trial in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// Begun by a program that writes trials line by line, which this one does not.
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

    /// Returns its lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
        }
    }

    /// Returns true if the trial cannot change any more.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting)
    }

    /// Returns its number in the format.
    pub(super) fn code(self) -> u64 {
        Self::ALL.iter().position(|state| *state == self).unwrap_or_default() as u64
    }

    pub(super) fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// Trial in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedTrial {
    /// Number within its stage, counted from 0.
    pub number: u64,
    /// State.
    pub state: TrialState,
    /// Hyperparameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Score; `None` if it has none, or several (as no trial of this program has).
    pub value: Option<f64>,
    /// Intermediate scores by step; may be NaN or infinite.
    pub steps: BTreeMap<u64, f64>,
    /// User attributes by name.
    pub attributes: Map<String, Value>,
    /// Start.
    pub started: Option<SystemTime>,
    /// End.
    pub finished: Option<SystemTime>,
    /// True if this program recorded the trial and its checksum matches.
    pub verified: bool,
}

impl LoggedTrial {
    /// Returns the value of a parameter, if the trial has it.
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        self.parameters.get(name).map(|parameter| &parameter.value)
    }

    /// Returns the seconds from start to end; 0 if the clock was set back in between.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.finished?.duration_since(self.started?).unwrap_or_default().as_secs_f64())
    }
}

impl NewTrial {
    /// Returns the state in the log and the score.
    pub(super) fn result(&self) -> (TrialState, Option<f64>) {
        match self.state {
            FinalState::Complete(value) => (TrialState::Complete, Some(value)),
            FinalState::Pruned(value) => (TrialState::Pruned, value),
            FinalState::Failed => (TrialState::Failed, None),
        }
    }
}
