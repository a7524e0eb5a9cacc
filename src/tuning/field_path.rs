//! Fields of a settings table by dotted path: `training.optimizer.rho`, `network.hidden.0`.

/// The value at a path, if it is there.
pub(super) fn get<'a>(table: &'a toml::Table, path: &str) -> Option<&'a toml::Value> {
    let (first, rest) = split(path);
    let mut value = table.get(first)?;
    for part in rest {
        value = match value {
            toml::Value::Table(table) => table.get(part)?,
            toml::Value::Array(array) => array.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Puts a value at a path; tables on the way are made, and an array grows by the one place behind its end.
///
/// # Errors
/// Which part of the path leads nowhere.
pub(super) fn set(table: &mut toml::Table, path: &str, value: toml::Value) -> Result<(), String> {
    if path.split('.').any(str::is_empty) {
        return Err(format!("`{path}` has an empty part"));
    }
    let (first, rest) = split(path);
    let rest: Vec<&str> = rest.collect();
    let mut place = table.entry(first).or_insert_with(|| empty(&rest));
    for (at, part) in rest.iter().enumerate() {
        let so_far = || format!("{first}{}", rest[..at].iter().map(|part| format!(".{part}")).collect::<String>());
        place = match place {
            toml::Value::Table(table) => table.entry(*part).or_insert_with(|| empty(&rest[at + 1..])),
            toml::Value::Array(array) => {
                let length = array.len();
                let index = part.parse::<usize>().ok().filter(|index| *index <= length);
                let Some(index) = index else {
                    return Err(format!("`{}` has {length} entries, there is no `{part}`", so_far()));
                };
                if index == length {
                    array.push(empty(&rest[at + 1..]));
                }
                &mut array[index]
            }
            other => return Err(format!("`{}` is {} `{other}`, it has no `{part}`", so_far(), other.type_str())),
        };
    }
    *place = value;
    Ok(())
}

fn split(path: &str) -> (&str, impl Iterator<Item = &str>) {
    let mut parts = path.split('.');
    (parts.next().unwrap_or_default(), parts)
}

/// What a missing part of a path becomes: an array if a number follows, otherwise a table (which the value replaces at
/// the end).
fn empty(rest: &[&str]) -> toml::Value {
    match rest.first() {
        Some(part) if part.parse::<usize>().is_ok() => toml::Value::Array(Vec::new()),
        _ => toml::Value::Table(toml::Table::new()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_tables_and_arrays() {
        let mut table: toml::Table = toml::from_str("a = { b = [1, 2] }\nc = 3").unwrap();
        assert_eq!(get(&table, "a.b.1"), Some(&2.into()));
        set(&mut table, "a.b.2", 7.into()).unwrap();
        set(&mut table, "a.x.0.y", "z".into()).unwrap();
        set(&mut table, "a.b.0", 9.into()).unwrap();
        assert_eq!(table, toml::from_str("a = { b = [9, 2, 7], x = [{ y = \"z\" }] }\nc = 3").unwrap());
        assert_eq!((get(&table, "a.b.3"), get(&table, "c.d"), get(&table, "q")), (None, None, None));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_named() {
        let mut table: toml::Table = toml::from_str("a = { b = [1, 2] }\nc = 3").unwrap();
        assert_eq!(set(&mut table, "a.b.4", 7.into()), Err("`a.b` has 2 entries, there is no `4`".into()));
        assert_eq!(set(&mut table, "c.d", 7.into()), Err("`c` is integer `3`, it has no `d`".into()));
        assert_eq!(set(&mut table, "a..b", 7.into()), Err("`a..b` has an empty part".into()));
    }
}
