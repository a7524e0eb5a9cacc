//! From TOML text and overrides to checked settings.

use std::path::Path;

use super::{error::ConfigError, integers, locate, overrides::Override};
use crate::{data::FieldError, storage};

/// Largest configuration file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the text of a configuration file, of at most 1 MiB.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    storage::read_text_limited(path, MAX_BYTES).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Parses the text of a file called `file`, applies the overrides and builds the settings by `from_table`; an error in
/// a field names its line or its override.
pub(super) fn parse<T>(
    file: &str,
    text: &str,
    overrides: &[Override],
    from_table: impl FnOnce(toml::Table) -> Result<T, FieldError>,
) -> Result<T, ConfigError> {
    let mut table: toml::Table = toml::from_str(text).map_err(|source| {
        integers::located(file, text, &source).unwrap_or_else(|| ConfigError::Syntax { file: file.to_owned(), source })
    })?;
    for set in overrides {
        set.apply(&mut table)?;
    }
    from_table(table).map_err(|error| {
        let location = match overrides.iter().rev().find(|set| set.covers(&error.field)) {
            Some(set) => format!("--set {}", set.text()),
            None => locate::line_of(file, text, &error.field),
        };
        ConfigError::Field { location, error }
    })
}
