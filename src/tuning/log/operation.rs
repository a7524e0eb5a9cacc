//! Line of the log: an operation as JSON.
//!
//! | code | operation | written here |
//! |---|---|---|
//! | 0, 1 | create, delete a study | create |
//! | 2, 3 | set a study's user or system attribute | user |
//! | 4 | create a trial, with everything about it if it is finished | yes |
//! | 5 to 9 | set a running trial's parameter, state, step, user or system attribute | no |
//! | 10 | reserved by another implementation | no |
//!
//! Studies and trials are identified by the order in which they were created, over the whole file. System attributes
//! belong to Optuna and are ignored.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    distribution::Distribution,
    python_json::{Number, plain_json},
    timestamp::{from_iso, to_iso},
    trial::{LoggedTrial, NewTrial, Parameter, TrialState},
};

/// Beginning of every line.
pub(super) const BEGINNING: &[u8] = br#"{"op_code":"#;
/// Writer of a line of this program. Optuna's processes use random names.
const WORKER: &str = "digitstack";
/// Optuna's number of the direction of a study that is maximised.
pub(super) const MAXIMISE: u64 = 2;

/// Parsed line.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) operation: Operation,
    /// True if this program wrote the line.
    pub(super) ours: bool,
}

/// Operation of a line.
#[derive(Debug)]
pub(super) enum Operation {
    CreateStudy {
        name: String,
        directions: Vec<u64>,
    },
    DeleteStudy {
        study: u64,
    },
    SetStudyAttributes {
        study: u64,
        attributes: Map<String, Value>,
    },
    CreateTrial {
        study: u64,
        trial: Box<LoggedTrial>,
    },
    SetParameter {
        trial: u64,
        name: String,
        parameter: Parameter,
    },
    SetState {
        trial: u64,
        state: TrialState,
        values: Option<Option<f64>>,
        started: Option<SystemTime>,
        finished: Option<SystemTime>,
    },
    SetStep {
        trial: u64,
        step: u64,
        value: f64,
    },
    SetTrialAttributes {
        trial: u64,
        attributes: Map<String, Value>,
    },
    Nothing,
}

/// Members of all operations; each has some of them.
#[derive(Deserialize)]
struct Fields {
    op_code: u64,
    worker_id: String,
    study_id: Option<u64>,
    trial_id: Option<u64>,
    study_name: Option<String>,
    directions: Option<Vec<u64>>,
    user_attr: Option<Map<String, Value>>,
    state: Option<u64>,
    value: Option<Number>,
    values: Option<Vec<Number>>,
    datetime_start: Option<String>,
    datetime_complete: Option<String>,
    #[serde(default)]
    distributions: BTreeMap<String, String>,
    #[serde(default)]
    params: BTreeMap<String, Number>,
    #[serde(default)]
    user_attrs: Map<String, Value>,
    #[serde(default)]
    intermediate_values: BTreeMap<u64, Number>,
    param_name: Option<String>,
    param_value_internal: Option<Number>,
    distribution: Option<String>,
    step: Option<u64>,
    intermediate_value: Option<Number>,
}

impl Entry {
    /// Parses a line without its end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(line).map_err(|error| format!("column {}: not UTF-8", error.valid_up_to() + 1))?;
        let value: Value = serde_json::from_str(&plain_json(text)).map_err(|error| {
            let problem = error.to_string();
            format!("column {}: {}", error.column(), problem.split(" at line ").next().unwrap_or_default())
        })?;
        let fields = Fields::deserialize(value).map_err(|error| error.to_string())?;
        let ours = fields.worker_id == WORKER;
        Ok(Self { operation: fields.operation(ours)?, ours })
    }
}

impl Fields {
    fn operation(self, ours: bool) -> Result<Operation, String> {
        match self.op_code {
            0 => Ok(Operation::CreateStudy {
                name: needed(self.study_name, "study_name")?,
                directions: needed(self.directions, "directions")?,
            }),
            1 => Ok(Operation::DeleteStudy { study: needed(self.study_id, "study_id")? }),
            2 => Ok(Operation::SetStudyAttributes {
                study: needed(self.study_id, "study_id")?,
                attributes: needed(self.user_attr, "user_attr")?,
            }),
            4 => self.trial(ours),
            5 => {
                let distribution = Distribution::parse(&needed(self.distribution, "distribution")?)?;
                let value = distribution.decode(needed(self.param_value_internal, "param_value_internal")?.0)?;
                Ok(Operation::SetParameter {
                    trial: needed(self.trial_id, "trial_id")?,
                    name: needed(self.param_name, "param_name")?,
                    parameter: Parameter { value, distribution },
                })
            }
            6 => Ok(Operation::SetState {
                trial: needed(self.trial_id, "trial_id")?,
                state: state(needed(self.state, "state")?)?,
                values: self.values.map(single),
                started: moment(self.datetime_start)?,
                finished: moment(self.datetime_complete)?,
            }),
            7 => Ok(Operation::SetStep {
                trial: needed(self.trial_id, "trial_id")?,
                step: needed(self.step, "step")?,
                value: needed(self.intermediate_value, "intermediate_value")?.0,
            }),
            8 => Ok(Operation::SetTrialAttributes {
                trial: needed(self.trial_id, "trial_id")?,
                attributes: needed(self.user_attr, "user_attr")?,
            }),
            3 | 9 | 10 => Ok(Operation::Nothing),
            other => Err(format!("op_code {other}, expected 0 to 10")),
        }
    }

    fn trial(mut self, ours: bool) -> Result<Operation, String> {
        let mut parameters = BTreeMap::new();
        for (name, number) in self.params {
            let distribution =
                self.distributions.remove(&name).ok_or_else(|| format!("parameter {name} has no distribution"))?;
            let distribution = Distribution::parse(&distribution)?;
            let value = distribution.decode(number.0).map_err(|problem| format!("parameter {name}: {problem}"))?;
            parameters.insert(name, Parameter { value, distribution });
        }
        let trial = LoggedTrial {
            number: 0,
            state: self.state.map_or(Ok(TrialState::Running), state)?,
            parameters,
            value: self.values.map_or(self.value.map(|value| value.0), single),
            steps: self.intermediate_values.into_iter().map(|(step, value)| (step, value.0)).collect(),
            attributes: self.user_attrs,
            started: moment(self.datetime_start)?,
            finished: moment(self.datetime_complete)?,
            verified: ours,
        };
        let study = needed(self.study_id, "study_id")?;
        Ok(Operation::CreateTrial { study, trial: Box::new(trial) })
    }
}

fn needed<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("missing field `{name}`"))
}

fn state(code: u64) -> Result<TrialState, String> {
    TrialState::from_code(code).ok_or_else(|| format!("state {code}, expected 0 to 4"))
}

fn moment(text: Option<String>) -> Result<Option<SystemTime>, String> {
    text.map(|text| {
        from_iso(&text).ok_or_else(|| format!("found {text:?}, expected a time YYYY-MM-DDTHH:MM:SS.ffffff+00:00"))
    })
    .transpose()
}

/// Returns the score of a trial with exactly one.
fn single(values: Vec<Number>) -> Option<f64> {
    match values[..] {
        [Number(value)] => Some(value),
        _ => None,
    }
}

/// Line to be written.
#[derive(Serialize)]
struct Line<T> {
    op_code: u8,
    worker_id: &'static str,
    #[serde(flatten)]
    fields: T,
}

fn line(op_code: u8, fields: impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(&Line { op_code, worker_id: WORKER, fields })? + "\n")
}

/// Returns the line that creates a study, which is maximised.
pub(super) fn create_study(name: &str) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Fields<'a> {
        study_name: &'a str,
        directions: [u64; 1],
    }
    line(0, Fields { study_name: name, directions: [MAXIMISE] })
}

/// Returns the line that sets an attribute of a study.
pub(super) fn set_study_attribute(study: usize, key: &str, value: &Value) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Fields<'a> {
        study_id: usize,
        user_attr: BTreeMap<&'a str, &'a Value>,
    }
    line(2, Fields { study_id: study, user_attr: BTreeMap::from([(key, value)]) })
}

/// Returns the line of a finished trial.
///
/// # Errors
/// The problem in words, if Optuna or [`Entry::parse`] would refuse the line or read it as something else.
pub(super) fn create_trial(study: usize, trial: &NewTrial) -> Result<String, String> {
    #[derive(Serialize)]
    struct Fields<'a> {
        study_id: usize,
        datetime_start: String,
        state: u64,
        value: Option<f64>,
        values: Option<[f64; 0]>,
        datetime_complete: String,
        distributions: BTreeMap<&'a str, String>,
        params: BTreeMap<&'a str, f64>,
        user_attrs: &'a Map<String, Value>,
        system_attrs: BTreeMap<&'a str, Value>,
    }
    let (state, value) = trial.result();
    if let Some(value) = value.filter(|value| !value.is_finite()) {
        return Err(format!("its score is {value}, expected a finite number; record it as failed"));
    }
    let mut distributions = BTreeMap::new();
    let mut params = BTreeMap::new();
    for (name, Parameter { value, distribution }) in &trial.parameters {
        let number = distribution
            .check()
            .and_then(|()| distribution.encode(value))
            .map_err(|problem| format!("parameter {name}: {problem}"))?;
        distributions.insert(name.as_str(), distribution.to_json());
        params.insert(name.as_str(), number);
    }
    let fields = Fields {
        study_id: study,
        datetime_start: to_iso(trial.started),
        state: state.code(),
        value,
        values: None,
        datetime_complete: to_iso(trial.finished),
        distributions,
        params,
        user_attrs: &trial.attributes,
        system_attrs: BTreeMap::new(),
    };
    let line = line(4, fields).map_err(|error| error.to_string())?;
    // Steps may be NaN, which the JSON writer lacks: they are inserted before the last brace.
    let steps: Vec<String> = trial.steps.iter().map(|(step, value)| format!("\"{step}\":{}", Number(*value))).collect();
    let open = line.strip_suffix("}\n").unwrap_or(&line);
    Ok(format!("{open},\"intermediate_values\":{{{}}}}}\n", steps.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_described() {
        for (line, problem) in [
            (r#"{"op_code":11,"worker_id":""}"#, "op_code 11, expected 0 to 10"),
            (r#"{"op_code":1,"worker_id":""}"#, "missing field `study_id`"),
            (r#"{"op_code":"#, "column 11: EOF while parsing a value"),
            (r#"{"op_code":6,"worker_id":"","trial_id":0,"state":5}"#, "state 5, expected 0 to 4"),
            (r#"{"op_code":4,"worker_id":"","study_id":0,"params":{"x":1.0}}"#, "parameter x has no distribution"),
            (
                r#"{"op_code":7,"worker_id":"","trial_id":0,"step":0,"intermediate_value":"x"}"#,
                "\"x\", expected a number",
            ),
        ] {
            assert_eq!(Entry::parse(line.as_bytes()).unwrap_err(), problem);
        }
        assert_eq!(Entry::parse(b"\xff").unwrap_err(), "column 1: not UTF-8");
    }
}
