//! `--set key=value`: any field of the configuration from the command line.

use super::{error::ConfigError, integers};
use crate::field_path;

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
        if let Some(problem) = integers::out_of_range(value) {
            return Err(error(&problem));
        }
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

    /// True if this override sets the field of this dotted path, or all of the table that it is in.
    pub fn sets(&self, field: &str) -> bool {
        let field: Vec<&str> = field.split('.').collect();
        self.path.len() <= field.len() && self.path.iter().zip(field).all(|(own, other)| own == other)
    }

    /// True if an error in `field` is about what this override set. Members are compared by place or name.
    pub(super) fn covers(&self, field: &str) -> bool {
        let field: Vec<&str> = field.split(['.', '[']).map(|part| part.trim_end_matches(']')).collect();
        let same = |(own, other): (&String, &&str)| own == other || other.parse::<usize>().is_ok();
        !field.is_empty() && self.path.len() <= field.len() && self.path.iter().zip(&field).all(same)
    }

    pub(super) fn apply(&self, table: &mut toml::Table) -> Result<(), ConfigError> {
        field_path::set(table, &self.path.join("."), self.value.clone())
            .map_err(|problem| ConfigError::Override { text: self.text.clone(), problem: problem.to_string() })
    }
}
