//! `--set key=value`: any field of the configuration from the command line.

use super::ConfigError;

/// One override.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    text: String,
    path: Vec<String>,
    value: toml::Value,
}

impl Override {
    /// Parses `members.cnn.training.epochs=3`. The value is TOML; what is no TOML is taken as a string, so that
    /// `data.source=mnist` works.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let error = |problem: &str| ConfigError::Override { text: text.to_owned(), problem: problem.to_owned() };
        let (key, value) =
            text.split_once('=').ok_or_else(|| error("expected KEY=VALUE, such as members.cnn.training.epochs=3"))?;
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(error("the key has an empty part"));
        }
        let value = value.trim();
        let parsed =
            toml::from_str::<toml::Table>(&format!("value = {value}")).ok().and_then(|mut table| match table.len() {
                1 => table.remove("value"),
                _ => None,
            });
        Ok(Self { text: text.to_owned(), path, value: parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())) })
    }

    /// An override that a flag of its own stands for: `--seed 7` is `seed=7`.
    pub fn field(path: &str, value: impl Into<toml::Value>) -> Self {
        let value = value.into();
        Self { text: format!("{path}={value}"), path: path.split('.').map(str::to_owned).collect(), value }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// True if an error in `field` is about what this override set. Members are compared by place or name.
    pub(super) fn covers(&self, field: &str) -> bool {
        let field: Vec<&str> = field.split(['.', '[']).map(|part| part.trim_end_matches(']')).collect();
        let same = |(own, other): (&String, &&str)| own == other || other.parse::<usize>().is_ok();
        !field.is_empty() && self.path.len() <= field.len() && self.path.iter().zip(&field).all(same)
    }

    pub(super) fn apply(&self, table: &mut toml::Table) -> Result<(), ConfigError> {
        let error = |problem: String| ConfigError::Override { text: self.text.clone(), problem };
        let (last, parents) = self.path.split_last().ok_or_else(|| error("the key is empty".into()))?;
        let mut at = table;
        let mut parents = parents.iter().peekable();
        while let Some(part) = parents.next() {
            let value = at.entry(part.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            at = match value {
                toml::Value::Table(table) => table,
                toml::Value::Array(items) => {
                    let name = parents
                        .next()
                        .ok_or_else(|| error(format!("`{part}` is a list: say which entry, by name or place")))?;
                    let names: Vec<_> = items.iter().map(entry_name).collect();
                    let place = names.iter().position(|known| known == name).or_else(|| name.parse().ok());
                    let known = names.join(", ");
                    match place.and_then(|place| items.get_mut(place)) {
                        Some(toml::Value::Table(table)) => table,
                        _ => return Err(error(format!("`{part}` has no entry `{name}`; there are {known}"))),
                    }
                }
                other => return Err(error(format!("`{part}` is {} and has no fields", other.type_str()))),
            };
        }
        at.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

/// What an entry of a list is called: its `name`, otherwise its `kind`, otherwise the `model` that it is about.
fn entry_name(entry: &toml::Value) -> String {
    let text = |field| entry.get(field).and_then(toml::Value::as_str);
    text("name").or_else(|| text("kind")).or_else(|| text("model")).unwrap_or("?").to_owned()
}
