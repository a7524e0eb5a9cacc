//! The part of a configuration that runs and searches share.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{members, overrides::Override, stacking::StackingConfig};
use crate::{
    data::{self, DataConfig, FieldError, SourceKind},
    imaging::Recipe,
    learners::{self, Learner, LearnerError},
    preprocessing::PreprocessingConfig,
};

/// Settings that runs and searches share: `name`, `seed`, `[data]`, `[prepare]`, `[stacking]`, `[[members]]`.
pub struct Experiment {
    /// Name of the experiment, and of its directory.
    pub name: String,
    /// Seed from which every random draw is derived.
    pub seed: u64,
    /// Source of the digits.
    pub data: DataConfig,
    /// Preprocessing of every image before any model sees it; `[prepare]` in the file.
    pub preprocessing: PreprocessingConfig,
    /// Folds, metafeatures and meta-models.
    pub stacking: StackingConfig,
    /// Models, in the order of the metafeatures.
    pub members: Vec<Box<dyn Learner>>,
}

/// The shared tables as they are parsed and written, without the members.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Shared {
    /// Name of the experiment and of its directory in `artifacts/`: 1 to 80 letters, digits, `-`, `_` and `.`.
    name: String,
    /// Seed from which every random draw is derived, 0 to 2⁶³ − 1. Default 1.
    #[serde(default = "default_seed")]
    #[schemars(range(max = i64::MAX))]
    seed: u64,
    /// Digits to train on and to test with.
    #[serde(default)]
    data: DataConfig,
    /// Preprocessing of every image before any model sees it.
    #[serde(default)]
    prepare: PreprocessingConfig,
    /// Combination of the members.
    #[serde(default)]
    stacking: StackingConfig,
}

/// Keys of [`Shared`] and of the members, in a configuration.
const KEYS: [&str; 6] = ["name", "seed", "data", "prepare", "stacking", "members"];

fn default_seed() -> u64 {
    1
}

impl Experiment {
    /// Takes the shared tables out of a configuration and checks them. `others`: the keys that may remain.
    ///
    /// # Errors
    /// The first field that is missing, unknown, of the wrong type or out of range.
    pub(super) fn take(table: &mut toml::Table, others: &[&str]) -> Result<Self, FieldError> {
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str()) && !others.contains(&key.as_str()))
        {
            let known: Vec<_> = KEYS.iter().chain(others).map(|key| format!("`{key}`")).collect();
            let problem = format!("unknown field `{unknown}`, expected one of {}", known.join(", "));
            return Err(FieldError::new(unknown.clone(), problem));
        }
        let members = members::take_tables(table, "members", "at least one `[[members]]` table is needed")?;
        let members = members::build(members)?;
        let shared = KEYS.iter().filter_map(|key| Some(((*key).to_owned(), table.remove(*key)?))).collect();
        let Shared { name, seed, data, prepare: preprocessing, stacking } = learners::parse_settings(shared)?;
        let experiment = Self { name, seed, data, preprocessing, stacking, members };
        experiment.check()?;
        Ok(experiment)
    }

    /// Checks every setting.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        check_name(&self.name)?;
        if i64::try_from(self.seed).is_err() {
            return Err(FieldError::new("seed", format!("found {}, expected at most {}", self.seed, i64::MAX)));
        }
        self.data.check().map_err(|error| error.inside("data"))?;
        self.preprocessing.check().map_err(|error| error.inside("prepare"))?;
        self.stacking.check(self.members.len()).map_err(|error| error.inside("stacking"))
    }

    /// Takes the digits of `folder`, which was named on the command line, in place of those that the settings name.
    ///
    /// Settings about built-in digits, or about several sources, are left out, unless one of `overrides`
    /// sets them; and the experiment is called after the folder, with `prefix` before it, if its name was for other
    /// digits. Returns what was left out, in words.
    pub fn use_folder(&mut self, folder: &Path, prefix: &str, overrides: &[Override]) -> Vec<String> {
        let is_set = |field: &str| overrides.iter().any(|change| change.sets(field));
        let is_other = match self.data.source {
            _ if !self.data.sources.is_empty() => true,
            SourceKind::Builtin => true,
            SourceKind::Mnist => !data::layout::is_idx_folder(folder),
            SourceKind::Folder => false,
        };
        let left_out = self.data.use_folder(is_set);
        if is_other {
            self.data.source = SourceKind::Folder;
        }
        if is_other && !is_set("name") {
            self.name = format!("{prefix}{}", name_of_folder(folder));
        }
        left_out
    }

    /// Names of the members, in the order of the metafeatures.
    pub fn member_names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name().to_owned()).collect()
    }

    /// Index of the member called `name`.
    pub fn member_index(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name() == name)
    }

    /// Steps that an image goes through before a model of this member sees it: the experiment's, then the member's own.
    pub fn recipe_for(&self, member: &dyn Learner) -> Recipe {
        let steps = self.preprocessing.recipe.steps.iter().cloned().chain(member.preparation().steps.iter().cloned());
        Recipe { steps: steps.collect() }
    }

    /// Settings of each member, defaults included, as `[[members]]` tables.
    pub fn member_settings(&self) -> Result<Vec<toml::Table>, LearnerError> {
        self.members.iter().map(|member| member.settings()).collect()
    }

    /// The whole experiment, defaults included, as the tables that [`Experiment::take`] reads, with `rest` between them
    /// and the members.
    pub(super) fn to_toml(&self, rest: &impl Serialize) -> Result<String, LearnerError> {
        let error = |source| LearnerError::Settings { name: self.name.clone(), source };
        let shared = Shared {
            name: self.name.clone(),
            seed: self.seed,
            data: self.data.clone(),
            prepare: self.preprocessing.clone(),
            stacking: self.stacking.clone(),
        };
        let mut table = toml::Table::try_from(shared).map_err(error)?;
        table.extend(toml::Table::try_from(rest).map_err(error)?);
        let members: Vec<toml::Value> = self.member_settings()?.into_iter().map(toml::Value::Table).collect();
        table.insert("members".to_owned(), members.into());
        // In TOML, plain values come before tables.
        let is_table = |value: &toml::Value| match value {
            toml::Value::Table(_) => true,
            toml::Value::Array(entries) => entries.iter().any(toml::Value::is_table),
            _ => false,
        };
        let (tables, plain): (toml::Table, toml::Table) = table.into_iter().partition(|(_, value)| is_table(value));
        let ordered: toml::Table = plain.into_iter().chain(tables).collect();
        toml::to_string(&ordered).map_err(error)
    }
}

/// A name for an experiment on the digits of a folder or a file: that of the folder, as far as it may name another one.
fn name_of_folder(folder: &Path) -> String {
    let path = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = if path.is_file() { path.file_stem() } else { path.file_name() };
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.unwrap_or_default().to_string_lossy().chars().map(allowed).take(60).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { "digits".to_owned() } else { name.to_owned() }
}

/// Refuses a name that cannot be that of a folder.
fn check_name(name: &str) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 80 || name.starts_with('.') || !name.chars().all(allowed) {
        let problem = format!("found {name:?}, expected 1 to 80 letters, digits, `-`, `_` and `.` (it names a folder)");
        return Err(FieldError::new("name", problem));
    }
    Ok(())
}
