//! One thing that is searched: its range, and the way between its values and a coordinate of 0 to 1.

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

/// Significant digits of a real parameter: what a strategy proposes is rounded, so that a chosen value can be read and
/// typed.
const DIGITS: i32 = 4;
/// Most values of one parameter on a grid.
const MOST_VALUES: usize = 10_000;
/// Grid values of a real parameter whose settings do not say how many.
const POINTS: usize = 5;

/// One thing to be searched: `field` and one of `values`, `integers` and `reals`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Dotted path in the learner's settings: `network.filters`, `network.hidden.0`, `training.optimizer.rho`.
    pub field: String,
    /// What plots call it; by default the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Any values, tried in this order on a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<toml::Value>>,
    /// What plots call the `values`; by default the values themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// A range of whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integers: Option<IntegerRange>,
    /// A range of real numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reals: Option<RealRange>,
}

/// Whole numbers `from`, `from + step`, … up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerRange {
    /// The first.
    pub from: i64,
    /// None above this.
    pub to: i64,
    /// Default 1.
    #[serde(default = "one")]
    pub step: i64,
    /// Move by ratios rather than by differences (a grid holds every value all the same); needs `from` of at least 1.
    /// Default false.
    #[serde(default)]
    pub log: bool,
}

/// Real numbers from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealRange {
    /// The least.
    pub from: f64,
    /// The greatest.
    pub to: f64,
    /// Move by ratios rather than by differences (log-uniform); needs `from` above 0. Default false.
    #[serde(default)]
    pub log: bool,
    /// Values on a grid, evenly spread, at least 2. Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
}

fn one() -> i64 {
    1
}

/// What a parameter ranges over, checked.
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

    /// What plots call it.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.field)
    }

    /// True if it is a number on an axis: a range, or values that are all numbers.
    pub fn is_numeric(&self) -> bool {
        match self.domain() {
            Domain::Values(values) => self.labels.is_none() && values.iter().all(|value| number(value).is_some()),
            Domain::Integers(_) | Domain::Reals(_) => true,
        }
    }

    /// True if it moves by ratios.
    pub fn is_log(&self) -> bool {
        self.integers.is_some_and(|range| range.log) || self.reals.is_some_and(|range| range.log)
    }

    /// The names of the choices; none for a number.
    pub fn choices(&self) -> Vec<String> {
        match (&self.values, &self.labels) {
            _ if self.is_numeric() => Vec::new(),
            (_, Some(labels)) => labels.clone(),
            (Some(values), None) => values.iter().map(text).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Where a value stands on an axis: the number itself, or the place of the choice.
    pub fn coordinate(&self, value: &toml::Value) -> f64 {
        if self.is_numeric() {
            return number(value).unwrap_or(f64::NAN);
        }
        let place = self.values.iter().flatten().position(|choice| choice == value);
        place.map_or(f64::NAN, |place| place as f64)
    }

    /// A value as people read it.
    pub fn describe(&self, value: &toml::Value) -> String {
        let place = self.values.iter().flatten().position(|choice| choice == value);
        match (place, &self.labels) {
            (Some(place), Some(labels)) => labels[place].clone(),
            _ => text(value),
        }
    }

    /// Every value on a grid.
    pub(super) fn grid(&self) -> Vec<toml::Value> {
        match self.domain() {
            Domain::Values(values) => values.to_vec(),
            Domain::Integers(range) => (0..=range.last()).map(|place| range.value(place).into()).collect(),
            Domain::Reals(range) => {
                let points = range.points.unwrap_or(POINTS);
                (0..points).map(|place| range.value(place as f64 / (points - 1) as f64).into()).collect()
            }
        }
    }

    /// Number of values on a grid, without making them.
    pub(super) fn grid_size(&self) -> usize {
        match self.domain() {
            Domain::Values(values) => values.len(),
            Domain::Integers(range) => range.last() as usize + 1,
            Domain::Reals(range) => range.points.unwrap_or(POINTS),
        }
    }

    /// From a coordinate of the unit cube; those outside are reflected at its faces.
    pub(super) fn decode(&self, unit: f64) -> toml::Value {
        let unit = reflect(unit);
        let place = |count: usize| ((unit * count as f64) as usize).min(count.saturating_sub(1));
        match self.domain() {
            Domain::Values(values) => values[place(values.len())].clone(),
            Domain::Integers(range) if range.log => {
                let (low, high) = (range.from as f64, range.value(range.last()) as f64);
                let value = (low.ln() + unit * (high.ln() - low.ln())).exp();
                let steps = ((value - low) / range.step as f64).round() as i64;
                range.value(steps.clamp(0, range.last())).into()
            }
            Domain::Integers(range) => range.value(place(range.last() as usize + 1) as i64).into(),
            Domain::Reals(range) => range.value(unit).into(),
        }
    }

    /// The coordinate that decodes to a value; none if it is none of the parameter's.
    pub(super) fn encode(&self, value: &toml::Value) -> Option<f64> {
        let middle = |place: usize, count: usize| (place as f64 + 0.5) / count as f64;
        match self.domain() {
            Domain::Values(values) => {
                values.iter().position(|choice| choice == value).map(|place| middle(place, values.len()))
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
            (_, Some(_)) => Err(FieldError::new("labels", "belong to `values`")),
            (Domain::Integers(range), None) => range.check().map_err(|error| error.inside("integers")),
            (Domain::Reals(range), None) => range.check().map_err(|error| error.inside("reals")),
        }
    }
}

fn check_values(values: &[toml::Value], labels: Option<&[String]>) -> Result<(), FieldError> {
    if values.is_empty() {
        return Err(FieldError::new("values", "there is none, expected at least one"));
    }
    if let Some(twice) = values.iter().enumerate().find(|(place, value)| values[..*place].contains(value)) {
        return Err(FieldError::new("values", format!("{} is there twice", twice.1)));
    }
    let names: Vec<String> = labels.map_or_else(|| values.iter().map(text).collect(), <[String]>::to_vec);
    if let Some((_, name)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        return Err(FieldError::new("labels", format!("two values are called `{name}`; give each a label of its own")));
    }
    match labels {
        Some(labels) if labels.len() != values.len() => {
            Err(FieldError::new("labels", format!("found {} for {} values", labels.len(), values.len())))
        }
        _ => Ok(()),
    }
}

impl IntegerRange {
    /// Number of the last value, counted from 0.
    fn last(&self) -> i64 {
        (self.to - self.from) / self.step
    }

    fn value(&self, place: i64) -> i64 {
        self.from + place * self.step
    }

    fn check(&self) -> Result<(), FieldError> {
        if self.step < 1 {
            return Err(FieldError::new("step", format!("found {}, expected at least 1", self.step)));
        }
        if self.from > self.to {
            return Err(FieldError::new("from", format!("{} is above `to`, {}: exchange them", self.from, self.to)));
        }
        if self.log && self.from < 1 {
            return Err(FieldError::new(
                "from",
                format!("found {}, a logarithmic range starts at 1 or more", self.from),
            ));
        }
        match self.to.checked_sub(self.from) {
            Some(width) if width / self.step < MOST_VALUES as i64 => Ok(()),
            _ => Err(FieldError::new("to", format!("more than {MOST_VALUES} values; use a larger `step`"))),
        }
    }
}

impl RealRange {
    /// The value at a coordinate of 0 to 1, rounded.
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
                return Err(FieldError::new(field, format!("found {value}, expected a number")));
            }
        }
        if self.from > self.to {
            return Err(FieldError::new("from", format!("{} is above `to`, {}: exchange them", self.from, self.to)));
        }
        if self.from == self.to {
            return Err(FieldError::new("from", format!("the range is empty: `from` and `to` are both {}", self.to)));
        }
        if self.log && self.from <= 0.0 {
            return Err(FieldError::new("from", format!("found {}, a logarithmic range starts above 0", self.from)));
        }
        match self.points {
            Some(points) if !(2..=MOST_VALUES).contains(&points) => {
                Err(FieldError::new("points", format!("found {points}, expected 2 to {MOST_VALUES}")))
            }
            _ => Ok(()),
        }
    }
}

/// A number, whole or real.
pub(super) fn number(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Integer(value) => Some(*value as f64),
        toml::Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// A value as people read it: strings without quotes, a table by its `kind` if it has one.
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

/// Into 0 to 1, as a mirror at either end would.
fn reflect(unit: f64) -> f64 {
    if !unit.is_finite() {
        return 0.5;
    }
    let folded = unit.rem_euclid(2.0);
    if folded > 1.0 { 2.0 - folded } else { folded }
}

/// To [`DIGITS`] significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.*e}", (DIGITS - 1) as usize).parse().unwrap_or(value)
}
