//! Results that other systems report of such models.

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

/// Longest text of a reported result, in characters.
const LONGEST: usize = 400;

/// A result that is not this run's, to be shown beside it. Nothing is computed from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedResult {
    /// Name of the member or meta-model that the result stands beside.
    pub model: String,
    /// System that reports it, 1 to 400 characters of free text.
    pub system: String,
    /// Reported accuracy, a fraction from 0 to 1.
    pub accuracy: f64,
    /// Protocol of the measurement, 1 to 400 characters of free text.
    pub protocol: String,
}

impl ReportedResult {
    /// Refuses a model that is not among `models`, an accuracy outside 0 to 1 and an empty text.
    pub(super) fn check(&self, models: &[String]) -> Result<(), FieldError> {
        if !models.contains(&self.model) {
            let known = models.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(FieldError::new("model", format!("found `{}`, expected one of {known}", self.model)));
        }
        if !(0.0..=1.0).contains(&self.accuracy) {
            return Err(FieldError::new(
                "accuracy",
                format!("found {}, expected a fraction from 0 to 1, such as 0.9925", self.accuracy),
            ));
        }
        for (field, text) in [("system", &self.system), ("protocol", &self.protocol)] {
            let length = text.chars().count();
            if text.trim().is_empty() || length > LONGEST {
                return Err(FieldError::new(
                    field,
                    format!("found {length} characters, expected 1 to {LONGEST}, not all of them blank"),
                ));
            }
        }
        Ok(())
    }
}
