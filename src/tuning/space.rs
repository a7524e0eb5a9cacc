//! What a stage searches: its parameters, and the way between their values and the unit cube on which the strategies move.

use serde::{Deserialize, Serialize};

use super::field_path;
use crate::data::FieldError;

/// Significant digits of a real parameter: what a strategy proposes is rounded, so that a chosen value can be read and typed.
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
    /// Move by ratios rather than by differences (a grid holds every value all the same); needs `from` of at least 1. Default false.
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

/// A value for every parameter of a space.
pub type Candidate = Vec<toml::Value>;

/// The parameters of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Space(Vec<Parameter>);

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
            Domain::Values(values) => values.iter().position(|choice| choice == value).map(|place| middle(place, values.len())),
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

    fn check(&self) -> Result<(), FieldError> {
        let given = [self.values.is_some(), self.integers.is_some(), self.reals.is_some()];
        if self.field.is_empty() || self.field.split('.').any(str::is_empty) {
            return Err(FieldError::new("field", format!("found {:?}, expected a path such as `network.filters`", self.field)));
        }
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(FieldError::new("field", format!("`{}` needs exactly one of `values`, `integers` and `reals`", self.field)));
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
            return Err(FieldError::new("from", format!("found {}, a logarithmic range starts at 1 or more", self.from)));
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

impl Space {
    /// Checked parameters.
    ///
    /// # Errors
    /// The first field that cannot be.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, FieldError> {
        for (place, parameter) in parameters.iter().enumerate() {
            parameter.check().map_err(|error| error.inside(&format!("parameters[{place}]")))?;
            if parameters[..place].iter().any(|other| other.field == parameter.field) {
                return Err(FieldError::new(format!("parameters[{place}].field"), format!("`{}` is there twice", parameter.field)));
            }
        }
        Ok(Self(parameters))
    }

    /// In the order of a candidate's values.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0
    }

    /// Every combination of grid values, the last parameter changing fastest.
    pub fn grid(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = vec![Vec::new()];
        for parameter in &self.0 {
            let values = parameter.grid();
            all = all.iter().flat_map(|start| values.iter().map(move |value| [&start[..], std::slice::from_ref(value)].concat())).collect();
        }
        all
    }

    /// Number of grid points, without making them; saturates.
    pub fn grid_size(&self) -> usize {
        let size = |parameter: &Parameter| match parameter.domain() {
            Domain::Values(values) => values.len(),
            Domain::Integers(range) => range.last() as usize + 1,
            Domain::Reals(range) => range.points.unwrap_or(POINTS),
        };
        self.0.iter().map(size).fold(1, usize::saturating_mul)
    }

    /// The candidate at a point, one coordinate for each parameter; coordinates outside 0 to 1 are reflected.
    pub fn decode(&self, point: &[f64]) -> Candidate {
        self.0.iter().zip(point).map(|(parameter, unit)| parameter.decode(*unit)).collect()
    }

    /// The point of what `settings` hold; a parameter whose value there is not in its range starts in the middle.
    pub fn start(&self, settings: &toml::Table) -> Vec<f64> {
        let unit = |parameter: &Parameter| field_path::get(settings, &parameter.field).and_then(|value| parameter.encode(value));
        self.0.iter().map(|parameter| unit(parameter).unwrap_or(0.5)).collect()
    }

    /// A name for a candidate that no other has: it identifies trials in the log and derives their seeds.
    pub fn key(&self, candidate: &Candidate) -> String {
        let parts: Vec<String> = self.0.iter().zip(candidate).map(|(parameter, value)| format!("{}={value}", parameter.field)).collect();
        parts.join(" ")
    }

    /// A candidate for people: `filters = 32, ρ = 0.53`.
    pub fn describe(&self, candidate: &Candidate) -> String {
        let part = |(parameter, value): (&Parameter, &toml::Value)| format!("{} = {}", parameter.name(), parameter.describe(value));
        self.0.iter().zip(candidate).map(part).collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn space(toml: &str) -> Result<Space, FieldError> {
        #[derive(Deserialize)]
        struct Holder {
            parameters: Vec<Parameter>,
        }
        Space::new(toml::from_str::<Holder>(toml).unwrap().parameters)
    }

    fn one(range: &str) -> Space {
        space(&format!("parameters = [{{ field = \"x\", {range} }}]")).unwrap()
    }

    #[test]
    fn grids_hold_every_combination() {
        let two = space(
            "parameters = [{ field = \"a\", integers = { from = 10, to = 25, step = 5 } }, { field = \"b\", values = [\"p\", true] }]",
        );
        let two = two.unwrap();
        let grid = two.grid();
        assert_eq!((grid.len(), two.grid_size()), (8, 8));
        assert_eq!(two.describe(&grid[3]), "a = 15, b = true");
        let reals: Vec<String> =
            one("reals = { from = 0.01, to = 1.0, log = true, points = 3 }").grid().iter().map(|c| c[0].to_string()).collect();
        assert_eq!(reals, ["0.01", "0.1", "1.0"]);
    }

    #[test]
    fn impossible_ranges_are_refused_by_name() {
        let refused = |range: &str| space(&format!("parameters = [{{ field = \"x\", {range} }}]")).unwrap_err().to_string();
        assert_eq!(refused("integers = { from = 5, to = 4 }"), "parameters[0].integers.from: 5 is above `to`, 4: exchange them");
        assert_eq!(refused("reals = { from = 1.0, to = 0.5 }"), "parameters[0].reals.from: 1 is above `to`, 0.5: exchange them");
        assert!(refused("reals = { from = 1.0, to = 1.0 }").contains("the range is empty"));
        assert!(refused("reals = { from = 0.0, to = 1.0, log = true }").contains("starts above 0"));
        assert!(refused("reals = { from = nan, to = 1.0 }").contains("expected a number"));
        assert!(refused("values = []").contains("there is none"));
        assert!(refused("values = [1, 1]").contains("1 is there twice"));
        assert!(refused("values = [{ kind = \"a\", b = 1 }, { kind = \"a\" }]").contains("two values are called `a`"));
        assert!(refused("values = [1], labels = [\"a\", \"b\"]").contains("found 2 for 1 values"));
        assert!(refused("integers = { from = 0, to = 9, step = 0 }").contains("at least 1"));
        assert!(refused("values = [1], integers = { from = 0, to = 9 }").contains("exactly one of"));
        assert!(space("parameters = [{ field = \"a..b\", values = [1] }]").is_err());
    }

    #[test]
    fn values_are_found_again_from_known_settings() {
        let space = space(
            "parameters = [{ field = \"n.h.0\", integers = { from = 10, to = 100 } }, { field = \"q\", reals = { from = 0.1, to = 1.0 } }]",
        );
        let settings = toml::from_str("n = { h = [54, 30] }\nq = 7.0").unwrap();
        let start = space.as_ref().unwrap().start(&settings);
        assert_eq!(space.unwrap().decode(&start), [toml::Value::from(54), 0.55.into()]);
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_itself(unit in -3.0f64..4.0) {
            for range in [
                "integers = { from = 3, to = 90, step = 4 }", "integers = { from = 1, to = 500, log = true }",
                "reals = { from = -2.0, to = 7.0 }", "reals = { from = 0.0001, to = 10.0, log = true }", "values = [\"a\", \"b\", \"c\"]",
            ] {
                let space = one(range);
                let value = space.decode(&[unit]);
                let again = space.parameters()[0].encode(&value[0]).unwrap();
                prop_assert_eq!(space.decode(&[again]), value);
            }
        }
    }
}
