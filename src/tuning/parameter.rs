//! Searched parameter: its range, and the map between its values and a coordinate of 0 to 1.

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

/// Significant digits of a real parameter: proposals are rounded, so that a selected value can be read and typed.
const DIGITS: i32 = 4;
/// Largest number of values of one parameter on a grid.
const MOST_VALUES: usize = 10_000;
/// Default number of grid values of a real parameter.
const POINTS: usize = 5;

/// Searched parameter: `field` and exactly one of `values`, `integers` and `reals`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Dotted path in the learner's settings: `network.filters`, `network.hidden.0`, `training.optimizer.rho`.
    pub field: String,
    /// Label in plots; by default the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// List of values, tried in this order on a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub values: Option<Vec<toml::Value>>,
    /// Labels of the `values` in plots; by default the values themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Range of whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integers: Option<IntegerRange>,
    /// Range of real numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reals: Option<RealRange>,
}

/// Whole numbers `from`, `from + step`, … up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegerRange {
    /// Smallest value.
    pub from: i64,
    /// Upper bound, included if a step reaches it.
    pub to: i64,
    /// Distance of two values, at least 1. Default 1.
    #[serde(default = "one")]
    pub step: i64,
    /// Logarithmic scale for samplers that move (a grid holds every value in any case); needs `from` of at least 1.
    /// Default false.
    #[serde(default)]
    pub log: bool,
}

/// Real numbers from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealRange {
    /// Smallest value.
    pub from: f64,
    /// Largest value.
    pub to: f64,
    /// Logarithmic scale; needs `from` above 0. Default false.
    #[serde(default)]
    pub log: bool,
    /// Number of evenly spaced values on a grid, at least 2. Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
}

fn one() -> i64 {
    1
}

/// Values of a checked parameter.
enum Domain<'a> {
    Values(&'a [toml::Value]),
    Integers(IntegerRange),
    Reals(RealRange),
}

impl Parameter {
    fn domain(&self) -> Domain<'_> {
        match (&self.values, self.integers, self.reals) {
            (Some(values), _, _) => Domain::Values(values),
            (None, Some(range), _) => Domain::Integers(range),
            (None, None, Some(range)) => Domain::Reals(range),
            // `check` refuses this; an empty list has no candidates.
            (None, None, None) => Domain::Values(&[]),
        }
    }

    /// Returns its label in plots.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.field)
    }

    /// Returns true if it is a number on an axis: a range, or values that are all numbers.
    pub fn is_numeric(&self) -> bool {
        match self.domain() {
            Domain::Values(values) => self.labels.is_none() && values.iter().all(|value| number(value).is_some()),
            Domain::Integers(_) | Domain::Reals(_) => true,
        }
    }

    /// Returns true if its scale is logarithmic.
    pub fn is_log(&self) -> bool {
        self.integers.is_some_and(|range| range.log) || self.reals.is_some_and(|range| range.log)
    }

    /// Returns the names of the choices; empty for a number.
    pub fn choices(&self) -> Vec<String> {
        match (&self.values, &self.labels) {
            _ if self.is_numeric() => Vec::new(),
            (_, Some(labels)) => labels.clone(),
            (Some(values), None) => values.iter().map(text).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Returns the coordinate of a value on an axis: the number itself, or the index of the choice.
    pub fn coordinate(&self, value: &toml::Value) -> f64 {
        if self.is_numeric() {
            return number(value).unwrap_or(f64::NAN);
        }
        let index = self.values.iter().flatten().position(|choice| choice == value);
        index.map_or(f64::NAN, |index| index as f64)
    }

    /// Formats a value for people.
    pub fn describe(&self, value: &toml::Value) -> String {
        let index = self.values.iter().flatten().position(|choice| choice == value);
        match (index, &self.labels) {
            (Some(index), Some(labels)) => labels[index].clone(),
            _ => text(value),
        }
    }

    /// Returns every value on a grid.
    pub(super) fn grid(&self) -> Vec<toml::Value> {
        match self.domain() {
            Domain::Values(values) => values.to_vec(),
            Domain::Integers(range) => (0..=range.last()).map(|index| range.value(index).into()).collect(),
            Domain::Reals(range) => {
                let points = range.points.unwrap_or(POINTS);
                (0..points).map(|index| range.value(index as f64 / (points - 1) as f64).into()).collect()
            }
        }
    }

    /// Returns the number of values on a grid, without creating them.
    pub(super) fn grid_size(&self) -> usize {
        match self.domain() {
            Domain::Values(values) => values.len(),
            Domain::Integers(range) => range.last() as usize + 1,
            Domain::Reals(range) => range.points.unwrap_or(POINTS),
        }
    }

    /// Returns the value at a coordinate; one outside 0 to 1 is reflected.
    pub(super) fn decode(&self, unit: f64) -> toml::Value {
        let unit = reflect(unit);
        let index = |count: usize| ((unit * count as f64) as usize).min(count.saturating_sub(1));
        match self.domain() {
            Domain::Values(values) => values[index(values.len())].clone(),
            Domain::Integers(range) if range.log => {
                let (low, high) = (range.from as f64, range.value(range.last()) as f64);
                let value = (low.ln() + unit * (high.ln() - low.ln())).exp();
                let steps = ((value - low) / range.step as f64).round() as i64;
                range.value(steps.clamp(0, range.last())).into()
            }
            Domain::Integers(range) => range.value(index(range.last() as usize + 1) as i64).into(),
            Domain::Reals(range) => range.value(unit).into(),
        }
    }

    /// Returns the coordinate that decodes to a value; `None` if the parameter does not have that value.
    pub(super) fn encode(&self, value: &toml::Value) -> Option<f64> {
        let middle = |index: usize, count: usize| (index as f64 + 0.5) / count as f64;
        match self.domain() {
            Domain::Values(values) => {
                values.iter().position(|choice| choice == value).map(|index| middle(index, values.len()))
            }
            Domain::Integers(range) => {
                let found = value.as_integer().filter(|found| (range.from..=range.to).contains(found))?;
                if range.log {
                    let (low, high) = ((range.from as f64).ln(), (range.value(range.last()) as f64).ln());
                    return Some(if high > low { (((found as f64).ln() - low) / (high - low)).min(1.0) } else { 0.5 });
                }
                Some(middle(((found - range.from) / range.step) as usize, range.last() as usize + 1))
            }
            Domain::Reals(range) => {
                let found = number(value).filter(|found| (range.from..=range.to).contains(found))?;
                Some(range.unit(found))
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), FieldError> {
        let given = [self.values.is_some(), self.integers.is_some(), self.reals.is_some()];
        if self.field.is_empty() || self.field.split('.').any(str::is_empty) {
            return Err(FieldError::new(
                "field",
                format!("found {:?}, expected a path such as `network.filters`", self.field),
            ));
        }
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(FieldError::new(
                "field",
                format!("`{}` needs exactly one of `values`, `integers` and `reals`", self.field),
            ));
        }
        match (self.domain(), &self.labels) {
            (Domain::Values(values), labels) => check_values(values, labels.as_deref()),
            (_, Some(_)) => Err(FieldError::new("labels", "only possible together with `values`")),
            (Domain::Integers(range), None) => range.check().map_err(|error| error.inside("integers")),
            (Domain::Reals(range), None) => range.check().map_err(|error| error.inside("reals")),
        }
    }
}

fn check_values(values: &[toml::Value], labels: Option<&[String]>) -> Result<(), FieldError> {
    if values.is_empty() {
        return Err(FieldError::new("values", "found none, expected at least one"));
    }
    if let Some(twice) = values.iter().enumerate().find(|(index, value)| values[..*index].contains(value)) {
        return Err(FieldError::new("values", format!("{} occurs twice", twice.1)));
    }
    let names: Vec<String> = labels.map_or_else(|| values.iter().map(text).collect(), <[String]>::to_vec);
    if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        return Err(FieldError::new(
            "labels",
            format!("two values have the label `{name}`; give each a label of its own"),
        ));
    }
    match labels {
        Some(labels) if labels.len() != values.len() => {
            Err(FieldError::new("labels", format!("found {} labels for {} values", labels.len(), values.len())))
        }
        _ => Ok(()),
    }
}

impl IntegerRange {
    /// Returns the index of the last value.
    fn last(&self) -> i64 {
        (self.to - self.from) / self.step
    }

    fn value(&self, index: i64) -> i64 {
        self.from + index * self.step
    }

    fn check(&self) -> Result<(), FieldError> {
        if self.step < 1 {
            return Err(FieldError::new("step", format!("found {}, expected at least 1", self.step)));
        }
        if self.from > self.to {
            return Err(FieldError::new("from", format!("found {}, expected at most `to`, {}", self.from, self.to)));
        }
        if self.log && self.from < 1 {
            return Err(FieldError::new("from", format!("found {}, a logarithmic range needs at least 1", self.from)));
        }
        match self.to.checked_sub(self.from) {
            Some(width) if width / self.step < MOST_VALUES as i64 => Ok(()),
            _ => {
                Err(FieldError::new("to", format!("the range has more than {MOST_VALUES} values; use a larger `step`")))
            }
        }
    }
}

impl RealRange {
    /// Returns the value at a coordinate of 0 to 1, rounded.
    fn value(&self, unit: f64) -> f64 {
        let value = if self.log {
            (self.from.ln() + unit * (self.to.ln() - self.from.ln())).exp()
        } else {
            self.from + unit * (self.to - self.from)
        };
        rounded(value).clamp(self.from, self.to)
    }

    fn unit(&self, value: f64) -> f64 {
        let unit = if self.log {
            (value.ln() - self.from.ln()) / (self.to.ln() - self.from.ln())
        } else {
            (value - self.from) / (self.to - self.from)
        };
        if unit.is_finite() { unit.clamp(0.0, 1.0) } else { 0.5 }
    }

    fn check(&self) -> Result<(), FieldError> {
        for (field, value) in [("from", self.from), ("to", self.to)] {
            if !value.is_finite() {
                return Err(FieldError::new(field, format!("found {value}, expected a finite number")));
            }
        }
        if self.from > self.to {
            return Err(FieldError::new("from", format!("found {}, expected at most `to`, {}", self.from, self.to)));
        }
        if self.from == self.to {
            return Err(FieldError::new("from", format!("the range is empty: `from` and `to` are both {}", self.to)));
        }
        if self.log && self.from <= 0.0 {
            return Err(FieldError::new("from", format!("found {}, a logarithmic range needs more than 0", self.from)));
        }
        match self.points {
            Some(points) if !(2..=MOST_VALUES).contains(&points) => {
                Err(FieldError::new("points", format!("found {points}, expected 2 to {MOST_VALUES}")))
            }
            _ => Ok(()),
        }
    }
}

/// Returns a whole or real number as `f64`; `None` for another type.
pub(super) fn number(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Integer(value) => Some(*value as f64),
        toml::Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Formats a value for people: strings without quotes, a table by its `kind` if it has one.
fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(table) => match table.get("kind") {
            Some(toml::Value::String(kind)) => kind.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// Reflects a number at 0 and 1 into the range between them.
fn reflect(unit: f64) -> f64 {
    if !unit.is_finite() {
        return 0.5;
    }
    let folded = unit.rem_euclid(2.0);
    if folded > 1.0 { 2.0 - folded } else { folded }
}

/// Rounds to [`DIGITS`] significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.*e}", (DIGITS - 1) as usize).parse().unwrap_or(value)
}
