//! Settings by dotted path: `training.optimizer.rho`, `network.hidden.0`, `members.cnn.training.epochs`.
//!
//! A part of a path is the key of a table, or an entry of a list: by its index, or by its name, which is its `name`,
//! otherwise its `kind`, otherwise the `model` that it is about. `--set`, a search's `set` and parameters, and
//! `best.set` all write through [`set`].

use toml::{Table, Value};

/// Error of [`set`]: the path does not fit the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldPathError {
    /// Two dots follow each other, or one is at an end.
    #[error("`{0}` has an empty part; expected a path such as `training.epochs`")]
    EmptyPart(String),
    /// A list has no such entry.
    #[error("`{list}` has no entry `{part}`; {available}")]
    NoEntry {
        /// Path of the list.
        list: String,
        /// The part of the path that was looked for.
        part: String,
        /// The entries that there are, in words.
        available: String,
    },
    /// A number, a text or another single value has no fields.
    #[error("`{parent}` is of type {found} and has no field `{part}`")]
    NotATable {
        /// Path of the single value.
        parent: String,
        /// Its type.
        found: &'static str,
        /// The part of the path that was looked for.
        part: String,
    },
}

/// Returns the value at a path; `None` if the settings do not have it.
pub(crate) fn get<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        value = match value {
            Value::Table(table) => table.get(part)?,
            Value::Array(list) => list.get(index_of(list, part)?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Writes a value at a path. Missing tables are created; the index that follows a list's last one appends an entry.
///
/// # Errors
/// [`FieldPathError`]; the settings may then hold empty tables along the path.
pub(crate) fn set(table: &mut Table, path: &str, value: Value) -> Result<(), FieldPathError> {
    let parts: Vec<&str> = path.split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(FieldPathError::EmptyPart(path.to_owned()));
    }
    let mut at = table.entry(parts[0]).or_insert_with(|| empty(parts.get(1)));
    for (depth, part) in parts.iter().enumerate().skip(1) {
        let next = parts.get(depth + 1);
        let parent = || parts[..depth].join(".");
        at = match at {
            Value::Table(table) => table.entry(*part).or_insert_with(|| empty(next)),
            Value::Array(list) => {
                let index = index_of(list, part).or_else(|| part.parse().ok().filter(|index| *index == list.len()));
                let Some(index) = index else {
                    let available = available(list);
                    return Err(FieldPathError::NoEntry { list: parent(), part: (*part).to_owned(), available });
                };
                if index == list.len() {
                    list.push(empty(next));
                }
                &mut list[index]
            }
            other => {
                let (found, part) = (other.type_str(), (*part).to_owned());
                return Err(FieldPathError::NotATable { parent: parent(), found, part });
            }
        };
    }
    *at = value;
    Ok(())
}

/// Returns the index of a list's entry by its name, otherwise by its number.
fn index_of(list: &[Value], part: &str) -> Option<usize> {
    let named = list.iter().position(|entry| name_of(entry) == Some(part));
    named.or_else(|| part.parse().ok().filter(|index| *index < list.len()))
}

/// Returns the name of a list's entry, if it has one.
fn name_of(entry: &Value) -> Option<&str> {
    ["name", "kind", "model"].iter().find_map(|key| entry.get(key).and_then(Value::as_str))
}

/// Describes the entries of a list in words.
fn available(list: &[Value]) -> String {
    match list.iter().map(name_of).collect::<Option<Vec<_>>>() {
        Some(names) if !names.is_empty() => format!("available: {}", names.join(", ")),
        _ => format!("it has {} entries, counted from 0", list.len()),
    }
}

/// Returns the value that a missing part of a path begins as: a list if a number follows, otherwise a table.
fn empty(next: Option<&&str>) -> Value {
    match next {
        Some(part) if part.parse::<usize>().is_ok() => Value::Array(Vec::new()),
        _ => Value::Table(Table::new()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_tables_and_lists() {
        let mut table: Table = toml::from_str("a = { b = [1, 2] }\nc = 3").unwrap();
        assert_eq!(get(&table, "a.b.1"), Some(&2.into()));
        set(&mut table, "a.b.2", 7.into()).unwrap();
        set(&mut table, "a.x.0.y", "z".into()).unwrap();
        set(&mut table, "a.b.0", 9.into()).unwrap();
        assert_eq!(table, toml::from_str("a = { b = [9, 2, 7], x = [{ y = \"z\" }] }\nc = 3").unwrap());
        assert_eq!((get(&table, "a.b.3"), get(&table, "c.d"), get(&table, "q")), (None, None, None));
    }

    #[test]
    fn entries_of_a_list_have_names() {
        let mut table: Table = toml::from_str(
            "members = [{ name = \"net\", kind = \"dense\" }, { kind = \"cnn\" }]\nrules = [{ model = \"net\" }]",
        )
        .unwrap();
        for (path, value) in [("members.net.a", 1), ("members.cnn.b", 2), ("members.1.c", 3), ("rules.net.d", 4)] {
            set(&mut table, path, value.into()).unwrap();
            assert_eq!(get(&table, path), Some(&value.into()), "{path}");
        }
        assert_eq!(
            set(&mut table, "members.svm.a", 1.into()).unwrap_err().to_string(),
            "`members` has no entry `svm`; available: net, cnn"
        );
    }

    #[test]
    fn a_path_that_does_not_fit_is_an_error() {
        let mut table: Table = toml::from_str("a = { b = [1, 2] }\nc = 3").unwrap();
        for (path, message) in [
            ("a.b.4", "`a.b` has no entry `4`; it has 2 entries, counted from 0"),
            ("a.b.x.y", "`a.b` has no entry `x`; it has 2 entries, counted from 0"),
            ("c.d", "`c` is of type integer and has no field `d`"),
            ("a..b", "`a..b` has an empty part; expected a path such as `training.epochs`"),
            ("", "`` has an empty part; expected a path such as `training.epochs`"),
        ] {
            assert_eq!(set(&mut table, path, 7.into()).unwrap_err().to_string(), message, "{path}");
        }
    }
}
