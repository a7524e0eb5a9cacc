//! The configuration that a search ends with.

use std::path::Path;

use serde::Serialize;

use super::SearchConfig;
use crate::{
    data::FieldError,
    learners::LearnerError,
    pipeline::{Override, RunConfig, RunFailure},
    tuning::SelectedSettings,
};

/// The chosen configuration inside a search's directory.
pub const BEST: &str = "best.toml";

/// The run configuration with every pick in its place. The stack comes first among the meta-models; the others are
/// reported beside it.
pub(super) fn configuration(
    config: &SearchConfig,
    selected: &SelectedSettings,
    directory: &Path,
) -> Result<String, RunFailure> {
    let mut stacking = config.stacking.clone();
    stacking.features = selected.features;
    stacking.meta.retain(|meta| meta.name() != selected.meta.name());
    stacking.meta.insert(0, selected.meta.clone());
    let name = config.best.name.clone().unwrap_or_else(|| format!("{}-best", config.name));
    let folder = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let mut table = toml::Table::new();
    table.insert("name".into(), name.clone().into());
    table.insert("seed".into(), value(&name, &config.seed)?);
    table.insert("search".into(), folder.display().to_string().into());
    table.insert("data".into(), value(&name, &config.data)?);
    table.insert("prepare".into(), value(&name, &config.prepare)?);
    table.insert("stacking".into(), value(&name, &stacking)?);
    table.insert("members".into(), selected.members.iter().cloned().map(toml::Value::Table).collect::<Vec<_>>().into());
    let text = toml::to_string(&table).map_err(|source| LearnerError::Settings { name, source })?;
    let changes: Vec<Override> =
        config.best.set.iter().map(|(path, value)| Override::field(path, value.clone())).collect();
    let best = RunConfig::parse(BEST, &text, &changes)?;
    let head = format!("# Chosen by the search in {}; its page is report/index.html there.\n", folder.display());
    Ok(head + &best.to_toml()?)
}

fn value(name: &str, settings: &impl Serialize) -> Result<toml::Value, LearnerError> {
    toml::Value::try_from(settings).map_err(|source| LearnerError::Settings { name: name.to_owned(), source })
}

/// Refuses a `best.set` that no pick could make right: the members as they are at the start must take it.
pub(super) fn check(config: &SearchConfig) -> Result<(), FieldError> {
    let refused = |error: &dyn std::fmt::Display| FieldError::new("best.set", error.to_string());
    let members = config.member_settings().map_err(|error| refused(&error))?;
    let selected =
        SelectedSettings { members, features: config.stacking.features, meta: config.stacking.meta[0].clone() };
    configuration(config, &selected, Path::new("")).map(drop).map_err(|error| refused(&error))
}
