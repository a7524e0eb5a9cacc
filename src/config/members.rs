//! The `[[members]]` tables.

use crate::{
    data::FieldError,
    learners::{self, Learner},
};

/// Most members of a configuration.
const MAX_MEMBERS: usize = 1000;

/// Removes the list of tables called `field` from a configuration. `what` completes "needs at least one …".
pub(super) fn take_tables(table: &mut toml::Table, field: &str, what: &str) -> Result<Vec<toml::Table>, FieldError> {
    let none = || FieldError::new(field, format!("missing; {what}"));
    let entries = match table.remove(field) {
        Some(toml::Value::Array(entries)) if !entries.is_empty() => entries,
        Some(toml::Value::Array(_)) | None => return Err(none()),
        Some(other) => {
            return Err(FieldError::new(field, format!("found {}, expected `[[{field}]]` tables", other.type_str())));
        }
    };
    let entry = |(index, entry)| match entry {
        toml::Value::Table(table) => Ok(table),
        other => {
            let found = toml::Value::type_str(&other);
            Err(FieldError::new(format!("{field}[{index}]"), format!("found {found}, expected a `[[{field}]]` table")))
        }
    };
    entries.into_iter().enumerate().map(entry).collect()
}

/// Builds the learners of `[[members]]` tables, whose names must differ.
pub(super) fn build(tables: Vec<toml::Table>) -> Result<Vec<Box<dyn Learner>>, FieldError> {
    if tables.len() > MAX_MEMBERS {
        return Err(FieldError::new("members", format!("found {}, expected at most {MAX_MEMBERS}", tables.len())));
    }
    let mut members: Vec<Box<dyn Learner>> = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let at = format!("members[{index}]");
        let member = learners::build(table).map_err(|error| error.inside(&at))?;
        if members.iter().any(|earlier| earlier.name() == member.name()) {
            let problem = format!("`{}` is used twice; every member needs a name of its own", member.name());
            return Err(FieldError::new(format!("{at}.name"), problem));
        }
        members.push(member);
    }
    Ok(members)
}
