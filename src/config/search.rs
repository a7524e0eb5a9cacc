//! A search's configuration: that of an experiment, the stages, and the configuration to write at the end.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    error::ConfigError,
    experiment::Experiment,
    members,
    overrides::Override,
    parse,
    run::RunConfig,
    shipped::{self, ConfigKind},
};
use crate::{
    data::FieldError,
    learners::{self, LearnerError},
    tuning::{SelectedSettings, Stage, StageConfig},
};

/// The search of `digitstack tune` if none is named.
pub const QUICK: &str = include_str!("../../configs/tuning/quick.toml");

/// Name of [`QUICK`] in messages.
const QUICK_NAME: &str = "configs/tuning/quick.toml (built in)";

/// Name of the best configuration in messages.
const BEST_NAME: &str = "best.toml";

/// Everything that a search depends on, checked.
pub struct SearchConfig {
    /// Settings that a run has too; the members' are those that the search starts from.
    pub experiment: Experiment,
    /// Stages, in the order in which they run.
    pub stages: Vec<Stage>,
    /// The configuration that the search writes.
    pub best: BestConfig,
}

/// The `[best]` table: the configuration that a search writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BestConfig {
    /// Name of the configuration. Default: that of the search with `-best`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Settings that differ from the searched ones, by dotted path: `{ "data.train" = 60000,
    /// "members.cnn.training.epochs" = 20 }`. Default: none.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub set: toml::Table,
}

/// The table that only a search has, beside its stages, as it is parsed.
#[derive(Deserialize, schemars::JsonSchema)]
pub(super) struct Rest {
    /// Configuration that the search writes at its end.
    #[serde(default)]
    best: BestConfig,
}

impl SearchConfig {
    /// Reads and checks a file or, where there is none of that name, a shipped configuration; or the built-in quick
    /// search if `path` is none, with the overrides applied.
    ///
    /// # Errors
    /// The file that cannot be read, or the first field that is wrong.
    pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Self, ConfigError> {
        match path {
            Some(path) => {
                let (name, text) = shipped::read(path, ConfigKind::Search)?;
                Self::parse(&name, &text, overrides)
            }
            None => Self::parse(QUICK_NAME, QUICK, overrides),
        }
    }

    /// Parses and checks the text of a file called `file`, with the overrides applied.
    ///
    /// # Errors
    /// The first field that is wrong, with its line or its override.
    pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<Self, ConfigError> {
        parse::parse(file, text, overrides, Self::from_table)
    }

    /// Takes the digits of a folder that was named on the command line; see [`Experiment::use_folder`]. The search is
    /// called `tune-FOLDER` if its name was for other digits.
    pub fn use_folder(&mut self, folder: &Path, overrides: &[Override]) -> Vec<String> {
        let left_out = self.experiment.use_folder(folder, "tune-", overrides);
        if !left_out.is_empty() {
            // They are for the same digits as the limits that were left out.
            self.best.set.retain(|field, _| !matches!(field, "data.train" | "data.test"));
        }
        left_out
    }

    fn from_table(mut table: toml::Table) -> Result<Self, FieldError> {
        let experiment = Experiment::take(&mut table, &["stages", "best"])?;
        let tables = members::take_tables(&mut table, "stages", "at least one `[[stages]]` table is needed")?;
        let Rest { best } = learners::parse_settings(table)?;
        // That the settings can be written is a matter of the program, not of the file.
        let settings = experiment.member_settings().map_err(|error| FieldError::new("members", error.to_string()))?;
        let mut stages: Vec<Stage> = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let stage = learners::parse_settings::<StageConfig>(table)
                .and_then(|stage| Stage::new(stage, &settings, &stages))
                .map_err(|error| error.inside(&format!("stages[{index}]")))?;
            stages.push(stage);
        }
        let config = Self { experiment, stages, best };
        config.check_best(settings)?;
        Ok(config)
    }

    /// Refuses a `best.set` that no selection could make valid: the members as they are at the start must take it.
    fn check_best(&self, members: Vec<toml::Table>) -> Result<(), FieldError> {
        let stacking = &self.experiment.stacking;
        let start = SelectedSettings { members, features: stacking.features, meta: stacking.meta[0].clone() };
        let refused = |error: &dyn std::fmt::Display| FieldError::new("best.set", error.to_string());
        match self.best_run(&start, Path::new("")) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(&error)),
            Err(error) => Err(refused(&error)),
        }
    }

    /// The run configuration with every selected setting in its place. The selected stack comes first among the
    /// meta-models; the others are reported beside it. `folder`: that of the search.
    ///
    /// # Errors
    /// Outside: settings that cannot be written as TOML. Inside: a run configuration that `best.set` makes invalid.
    pub fn best_run(
        &self,
        selected: &SelectedSettings,
        folder: &Path,
    ) -> Result<Result<RunConfig, ConfigError>, LearnerError> {
        let mut stacking = self.experiment.stacking.clone();
        stacking.features = selected.features;
        stacking.meta.retain(|meta| meta.name() != selected.meta.name());
        stacking.meta.insert(0, selected.meta.clone());
        let name = self.best.name.clone().unwrap_or_else(|| format!("{}-best", self.experiment.name));
        #[derive(Serialize)]
        struct Best<'a> {
            name: &'a str,
            seed: u64,
            search: String,
            data: &'a crate::data::DataConfig,
            prepare: &'a crate::preprocessing::PreprocessingConfig,
            stacking: &'a super::StackingConfig,
            members: &'a [toml::Table],
        }
        let best = Best {
            name: &name,
            seed: self.experiment.seed,
            // Bytes that are not UTF-8 become U+FFFD.
            search: folder.display().to_string(),
            data: &self.experiment.data,
            prepare: &self.experiment.preprocessing,
            stacking: &stacking,
            members: &selected.members,
        };
        let text = toml::to_string(&best).map_err(|source| LearnerError::Settings { name: name.clone(), source })?;
        let changes: Vec<Override> =
            self.best.set.iter().map(|(path, value)| Override::field(path, value.clone())).collect();
        Ok(RunConfig::parse(BEST_NAME, &text, &changes))
    }

    /// The whole configuration, defaults included, as TOML that [`SearchConfig::parse`] reads back.
    pub fn to_toml(&self) -> Result<String, LearnerError> {
        self.resolved(Some(&self.best))
    }

    /// The settings that the search depends on, as TOML: everything but `[best]`, which may be changed until the end.
    pub fn claimed_toml(&self) -> Result<String, LearnerError> {
        self.resolved(None)
    }

    fn resolved(&self, best: Option<&BestConfig>) -> Result<String, LearnerError> {
        #[derive(Serialize)]
        struct Resolved<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            best: Option<&'a BestConfig>,
            stages: Vec<&'a StageConfig>,
        }
        self.experiment.to_toml(&Resolved { best, stages: self.stages.iter().map(|stage| &stage.config).collect() })
    }
}
