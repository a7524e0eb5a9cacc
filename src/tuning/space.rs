//! Search space of a stage, and the map between its candidates and the unit cube in which samplers move.

use super::parameter::Parameter;
use crate::{data::FieldError, field_path};

/// One value for each parameter of a space.
pub type Candidate = Vec<toml::Value>;

/// Parameters of a stage, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Space(Vec<Parameter>);

impl Space {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`FieldError`] with the first invalid field.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, FieldError> {
        for (index, parameter) in parameters.iter().enumerate() {
            parameter.check().map_err(|error| error.inside(&format!("parameters[{index}]")))?;
            if parameters[..index].iter().any(|other| other.field == parameter.field) {
                return Err(FieldError::new(
                    format!("parameters[{index}].field"),
                    format!("`{}` occurs twice", parameter.field),
                ));
            }
        }
        Ok(Self(parameters))
    }

    /// Returns the parameters in the order of a candidate's values.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0
    }

    /// Returns every combination of grid values, the last parameter changing fastest.
    pub fn grid(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = vec![Vec::new()];
        for parameter in &self.0 {
            let values = parameter.grid();
            all = all
                .iter()
                .flat_map(|start| values.iter().map(move |value| [&start[..], std::slice::from_ref(value)].concat()))
                .collect();
        }
        all
    }

    /// Returns the number of grid points, without creating them; saturates.
    pub fn grid_size(&self) -> usize {
        self.0.iter().map(Parameter::grid_size).fold(1, usize::saturating_mul)
    }

    /// Returns the candidate at a point with one coordinate for each parameter; coordinates outside 0 to 1 are
    /// reflected.
    pub fn decode(&self, point: &[f64]) -> Candidate {
        self.0.iter().zip(point).map(|(parameter, unit)| parameter.decode(*unit)).collect()
    }

    /// Returns the point of the values in `settings`; a parameter whose value is outside of its range gets the middle.
    pub fn start(&self, settings: &toml::Table) -> Vec<f64> {
        let unit = |parameter: &Parameter| {
            field_path::get(settings, &parameter.field).and_then(|value| parameter.encode(value))
        };
        self.0.iter().map(|parameter| unit(parameter).unwrap_or(0.5)).collect()
    }

    /// Returns the unique key of a candidate, which identifies trials in the log and derives their seeds.
    pub fn key(&self, candidate: &Candidate) -> String {
        let parts: Vec<String> =
            self.0.iter().zip(candidate).map(|(parameter, value)| format!("{}={value}", parameter.field)).collect();
        parts.join(" ")
    }

    /// Describes a candidate for people: `filters = 32, ρ = 0.53`.
    pub fn describe(&self, candidate: &Candidate) -> String {
        let part = |(parameter, value): (&Parameter, &toml::Value)| {
            format!("{} = {}", parameter.name(), parameter.describe(value))
        };
        self.0.iter().zip(candidate).map(part).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

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
            "parameters = [{ field = \"a\", integers = { from = 10, to = 25, step = 5 } },
              { field = \"b\", values = [\"p\", true] }]",
        );
        let two = two.unwrap();
        let grid = two.grid();
        assert_eq!((grid.len(), two.grid_size()), (8, 8));
        assert_eq!(two.describe(&grid[3]), "a = 15, b = true");
        let reals: Vec<String> = one("reals = { from = 0.01, to = 1.0, log = true, points = 3 }")
            .grid()
            .iter()
            .map(|c| c[0].to_string())
            .collect();
        assert_eq!(reals, ["0.01", "0.1", "1.0"]);
    }

    #[test]
    fn impossible_ranges_are_refused_by_name() {
        let refused =
            |range: &str| space(&format!("parameters = [{{ field = \"x\", {range} }}]")).unwrap_err().to_string();
        assert_eq!(
            refused("integers = { from = 5, to = 4 }"),
            "parameters[0].integers.from: found 5, expected at most `to`, 4"
        );
        assert_eq!(
            refused("reals = { from = 1.0, to = 0.5 }"),
            "parameters[0].reals.from: found 1, expected at most `to`, 0.5"
        );
        assert!(refused("reals = { from = 1.0, to = 1.0 }").contains("the range is empty"));
        assert!(refused("reals = { from = 0.0, to = 1.0, log = true }").contains("needs more than 0"));
        assert!(refused("reals = { from = nan, to = 1.0 }").contains("expected a finite number"));
        assert!(refused("values = []").contains("found none"));
        assert!(refused("values = [1, 1]").contains("1 occurs twice"));
        assert!(
            refused("values = [{ kind = \"a\", b = 1 }, { kind = \"a\" }]").contains("two values have the label `a`")
        );
        assert!(refused("values = [1], labels = [\"a\", \"b\"]").contains("found 2 labels for 1 values"));
        assert!(refused("integers = { from = 0, to = 9, step = 0 }").contains("at least 1"));
        assert!(refused("values = [1], integers = { from = 0, to = 9 }").contains("exactly one of"));
        assert!(space("parameters = [{ field = \"a..b\", values = [1] }]").is_err());
    }

    #[test]
    fn values_are_found_again_from_known_settings() {
        let space = space(
            "parameters = [{ field = \"n.h.0\", integers = { from = 10, to = 100 } },
              { field = \"q\", reals = { from = 0.1, to = 1.0 } }]",
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
                "reals = { from = -2.0, to = 7.0 }", "reals = { from = 0.0001, to = 10.0, log = true }",
                "values = [\"a\", \"b\", \"c\"]",
            ] {
                let space = one(range);
                let value = space.decode(&[unit]);
                let again = space.parameters()[0].encode(&value[0]).unwrap();
                prop_assert_eq!(space.decode(&[again]), value);
            }
        }
    }
}
