//! Invalid values of settings.

/// A setting that parses but has an invalid value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// Dotted path of the field within its struct: `schedule.warmup`.
    pub field: String,
    /// Found value and allowed values.
    pub problem: String,
}

impl FieldError {
    /// Makes an error from a field and the problem with its value.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    /// Prefixes the field with `parent`, the name of the struct that holds it.
    pub fn inside(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), problem: self.problem }
    }
}
