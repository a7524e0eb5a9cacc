//! Distribution of a hyperparameter.

use serde::Deserialize;
use serde_json::Value;

use super::{python_json::plain_json, value::ParameterValue};

/// Largest whole number of the format, which stores parameters as `f64`: up to here every whole number is exact.
const EXACT: i64 = 1 << 53;
/// Largest distance of a value from a multiple of the step, in steps.
const STEP_TOLERANCE: f64 = 1e-8;

/// Possible values of a hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Range of whole numbers.
    Integer {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Distance between two values, at least 1; 1 if `log`.
        step: i64,
        /// True for a logarithmic scale; `low` is then at least 1.
        log: bool,
    },
    /// Range of real numbers.
    Real {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Distance between two values, if not all are possible; `None` if `log`.
        step: Option<f64>,
        /// True for a logarithmic scale; `low` is then above 0.
        log: bool,
    },
    /// List of choices.
    Categorical {
        /// The choices, at least one.
        choices: Vec<ParameterValue>,
    },
}

/// Optuna's JSON object.
#[derive(Deserialize)]
#[serde(tag = "name", content = "attributes")]
enum Wire {
    #[serde(rename = "IntDistribution")]
    Integer {
        low: i64,
        high: i64,
        #[serde(default = "one")]
        step: i64,
        #[serde(default)]
        log: bool,
    },
    #[serde(rename = "FloatDistribution")]
    Real {
        low: f64,
        high: f64,
        #[serde(default)]
        step: Option<f64>,
        #[serde(default)]
        log: bool,
    },
    #[serde(rename = "CategoricalDistribution")]
    Categorical { choices: Vec<Value> },
}

fn one() -> i64 {
    1
}

impl Distribution {
    /// Parses Optuna's JSON, which journals hold as text inside their own JSON.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wire =
            serde_json::from_str(&plain_json(text)).map_err(|error| format!("distribution {text:?}: {error}"))?;
        let distribution = match wire {
            Wire::Integer { low, high, step, log } => Self::Integer { low, high, step, log },
            Wire::Real { low, high, step, log } => Self::Real { low, high, step, log },
            Wire::Categorical { choices } => Self::Categorical {
                choices: choices
                    .into_iter()
                    .map(ParameterValue::from_choice)
                    .collect::<Result<_, _>>()
                    .map_err(|error| format!("distribution {text:?}: {error}"))?,
            },
        };
        distribution.check().map_err(|problem| format!("distribution {text:?}: {problem}"))?;
        Ok(distribution)
    }

    /// Returns Optuna's JSON.
    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Integer { low, high, step, log } => {
                let attributes = format!(r#""log": {log}, "step": {step}, "low": {low}, "high": {high}"#);
                format!(r#"{{"name": "IntDistribution", "attributes": {{{attributes}}}}}"#)
            }
            Self::Real { low, high, step, log } => {
                let step = step.map_or_else(|| "null".to_owned(), |step| format!("{step:?}"));
                let attributes = format!(r#""step": {step}, "low": {low:?}, "high": {high:?}, "log": {log}"#);
                format!(r#"{{"name": "FloatDistribution", "attributes": {{{attributes}}}}}"#)
            }
            Self::Categorical { choices } => {
                let choices: Vec<String> = choices.iter().map(|choice| choice.to_choice().to_string()).collect();
                format!(
                    r#"{{"name": "CategoricalDistribution", "attributes": {{"choices": [{}]}}}}"#,
                    choices.join(", ")
                )
            }
        }
    }

    /// Checks that Optuna can open a file with this distribution.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Integer { low, high, step, log } => {
                require(low <= high, || format!("low = {low}, expected at most high = {high}"))?;
                require(*low >= -EXACT && *high <= EXACT, || format!("{low} to {high} reaches beyond 2^53"))?;
                require(*step >= 1, || format!("step = {step}, expected at least 1"))?;
                require(!log || *step == 1, || format!("step = {step}, expected 1 with log"))?;
                require(!log || *low >= 1, || format!("low = {low}, expected at least 1 with log"))
            }
            Self::Real { low, high, step, log } => {
                require(low.is_finite() && high.is_finite(), || format!("{low} to {high} is not finite"))?;
                require(low <= high, || format!("low = {low}, expected at most high = {high}"))?;
                require(step.is_none_or(|step| step > 0.0 && step.is_finite()), || {
                    format!("step = {step:?}, expected above 0")
                })?;
                require(!log || step.is_none(), || "found a step together with log, expected one of them".to_owned())?;
                require(!log || *low > 0.0, || format!("low = {low}, expected above 0 with log"))
            }
            Self::Categorical { choices } => {
                require(!choices.is_empty(), || "found no choice, expected at least one".to_owned())
            }
        }
    }

    /// Returns the number that the format stores for a value.
    ///
    /// # Errors
    /// The problem in words, if the value is not possible or would be read back as another.
    pub(super) fn encode(&self, value: &ParameterValue) -> Result<f64, String> {
        let outside = || format!("{value:?} is not a value of {self:?}");
        match (self, value) {
            (Self::Integer { low, high, step, .. }, ParameterValue::Integer(number)) => {
                let inside = (low..=high).contains(&number) && (number - low) % step == 0;
                inside.then_some(*number as f64).ok_or_else(outside)
            }
            (Self::Real { low, high, step, .. }, ParameterValue::Real(number)) => {
                let off = |step: f64| ((number - low) / step - ((number - low) / step).round()).abs();
                let inside = (low..=high).contains(&number) && step.is_none_or(|step| off(step) < STEP_TOLERANCE);
                inside.then_some(*number).ok_or_else(outside)
            }
            (Self::Categorical { choices }, value) => {
                let index = choices.iter().position(|choice| choice == value).ok_or_else(outside)?;
                for choice in choices {
                    let read = ParameterValue::from_choice(choice.to_choice())
                        .map_err(|error| format!("{choice:?}: {error}"))?;
                    require(read == *choice, || format!("the choice {choice:?} would be read back as {read:?}"))?;
                }
                Ok(index as f64)
            }
            _ => Err(outside()),
        }
    }

    /// Returns the value of a stored number.
    pub(super) fn decode(&self, number: f64) -> Result<ParameterValue, String> {
        let whole = number.trunc();
        match self {
            Self::Integer { .. } if whole.abs() <= EXACT as f64 => Ok(ParameterValue::Integer(whole as i64)),
            Self::Integer { .. } => Err(format!("found {number}, expected a whole number up to 2^53")),
            Self::Real { .. } => Ok(ParameterValue::Real(number)),
            Self::Categorical { choices } if (0.0..choices.len() as f64).contains(&whole) => {
                Ok(choices[whole as usize].clone())
            }
            Self::Categorical { choices } => Err(format!("found choice {number}, expected 0 to {}", choices.len() - 1)),
        }
    }

    /// Returns true if Optuna accepts both for one parameter of one study.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer { log, .. }, Self::Integer { log: other, .. })
            | (Self::Real { log, .. }, Self::Real { log: other, .. }) => log == other,
            (Self::Categorical { choices }, Self::Categorical { choices: other }) => choices == other,
            _ => false,
        }
    }
}

fn require(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(low: f64, high: f64, step: Option<f64>, log: bool) -> Distribution {
        Distribution::Real { low, high, step, log }
    }

    #[test]
    fn json_is_optunas_and_comes_back() {
        let distributions = [
            (
                Distribution::Integer { low: 16, high: 512, step: 1, log: true },
                r#"{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 16, "high": 512}}"#,
            ),
            (
                real(0.0, 0.7, Some(0.05), false),
                r#"{"name": "FloatDistribution", "attributes": {"step": 0.05, "low": 0.0, "high": 0.7, "log": false}}"#,
            ),
            (
                Distribution::Categorical {
                    choices: vec![ParameterValue::Text("selu".to_owned()), ParameterValue::None],
                },
                r#"{"name": "CategoricalDistribution", "attributes": {"choices": ["selu", null]}}"#,
            ),
        ];
        for (distribution, json) in distributions {
            assert_eq!(distribution.to_json(), json);
            assert_eq!(Distribution::parse(json).unwrap(), distribution);
        }
    }

    #[test]
    fn what_optuna_would_refuse_is_refused() {
        for bad in [
            real(1.0, 0.0, None, false),
            real(0.0, 1.0, None, true),
            real(0.1, 1.0, Some(0.1), true),
            real(0.0, 1.0, Some(0.0), false),
            real(0.0, f64::INFINITY, None, false),
            Distribution::Integer { low: 2, high: 1, step: 1, log: false },
            Distribution::Integer { low: 0, high: 1, step: 1, log: true },
            Distribution::Integer { low: 1, high: 9, step: 2, log: true },
            Distribution::Integer { low: 0, high: 1, step: 0, log: false },
            Distribution::Integer { low: 0, high: i64::MAX, step: 1, log: false },
            Distribution::Categorical { choices: Vec::new() },
        ] {
            bad.check().unwrap_err();
            if !matches!(bad, Distribution::Real { high: f64::INFINITY, .. }) {
                Distribution::parse(&bad.to_json()).unwrap_err();
            }
        }
    }

    #[test]
    fn values_outside_do_not_fit() {
        let whole = Distribution::Integer { low: 1, high: 9, step: 2, log: false };
        assert_eq!(whole.encode(&ParameterValue::Integer(7)), Ok(7.0));
        let steps = real(0.0, 0.7, Some(0.05), false);
        assert_eq!(steps.encode(&ParameterValue::Real(0.35)), Ok(0.35));
        for value in [
            ParameterValue::Integer(4),
            ParameterValue::Integer(11),
            ParameterValue::Real(7.0),
            ParameterValue::Flag(true),
        ] {
            whole.encode(&value).unwrap_err();
        }
        for number in [0.36, 0.75, -0.05, f64::NAN] {
            steps.encode(&ParameterValue::Real(number)).unwrap_err();
        }
        let text = ParameterValue::Text("[1, 2]".to_owned());
        let problem = Distribution::Categorical { choices: vec![text.clone()] }.encode(&text).unwrap_err();
        assert!(problem.contains("read back"), "{problem}");
        for number in [-1.0, 1.0, f64::NAN] {
            Distribution::Categorical { choices: vec![text.clone()] }.decode(number).unwrap_err();
        }
        whole.decode(1e300).unwrap_err();
    }
}
