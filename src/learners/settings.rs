//! Settings of a member: from a table, with the name of the field in every error, and back.

use serde::{Serialize, de::DeserializeOwned};

use super::{error::LearnerError, learner::Description};
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

/// Writes the settings of a member as a table, `name` and `kind` first.
pub(super) fn settings_table(
    description: &Description,
    settings: &impl Serialize,
) -> Result<toml::Table, LearnerError> {
    let error = |source| LearnerError::Settings { name: description.name.clone(), source };
    let mut table = toml::Table::new();
    table.insert("name".into(), description.name.as_str().into());
    table.insert("kind".into(), description.kind.into());
    table.extend(toml::Table::try_from(settings).map_err(error)?);
    Ok(table)
}
