//! Settings from a table, with the name of the field in every error.

use serde::de::DeserializeOwned;

use crate::data::FieldError;

/// Reads a struct from a TOML table.
///
/// # Errors
/// Names the field by its dotted path, what was found and what is allowed.
pub fn parse_settings<T: DeserializeOwned>(table: toml::Table) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
        let field = error.path().to_string();
        let problem = error.inner().message().trim().replace('\n', " ");
        FieldError::new(if field == "." { String::new() } else { field }, problem)
    })
}
