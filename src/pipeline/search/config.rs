//! A search's configuration: what a run's has, the stages, and what the chosen configuration is called.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataConfig, FieldError},
    learners::{self, Learner, LearnerError},
    pipeline::config::{self, ConfigError, Override, PrepareConfig, StackingConfig},
    tuning::{Stage, StageConfig},
};

/// The search that `digitstack tune` runs when none is named.
pub const QUICK: &str = include_str!("../../../configs/tuning/quick.toml");

/// How [`QUICK`] is called in messages.
const QUICK_NAME: &str = "configs/tuning/quick.toml (built in)";

/// Everything that a search needs to know.
pub struct SearchConfig {
    /// Names its directory.
    pub name: String,
    /// All random draws derive from it.
    pub seed: u64,
    /// Where the digits come from. Only those for training are read.
    pub data: DataConfig,
    /// What is done to every image before any model sees it.
    pub prepare: PrepareConfig,
    /// Folds, metafeatures and meta-models before any `stack` stage chose them.
    pub stacking: StackingConfig,
    /// The models with the settings that the search starts from.
    pub members: Vec<Box<dyn Learner>>,
    /// In the order in which they run.
    pub stages: Vec<Stage>,
    /// What becomes of the picks.
    pub best: BestConfig,
}

/// The configuration that a search writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BestConfig {
    /// Its name; by default the search's with `-best`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What differs in it from what was searched, by dotted path: `{ "data.train" = 60000,
    /// "members.cnn.training.epochs" = 20 }`.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub set: toml::Table,
}

/// The tables of the file whose contents need no other room.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    #[serde(default = "config::default_seed")]
    seed: u64,
    #[serde(default)]
    data: DataConfig,
    #[serde(default)]
    prepare: PrepareConfig,
    #[serde(default)]
    stacking: StackingConfig,
    #[serde(default)]
    best: BestConfig,
}

impl SearchConfig {
    /// Reads a file, or the built-in quick search if there is none, applies the overrides and checks everything.
    pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Self, ConfigError> {
        match path {
            Some(path) => Self::parse(&path.display().to_string(), &config::read(path)?, overrides),
            None => Self::parse(QUICK_NAME, QUICK, overrides),
        }
    }

    /// Parses the text of a file called `file`.
    pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<Self, ConfigError> {
        config::parse(file, text, overrides, Self::from_table)
    }

    fn from_table(mut table: toml::Table) -> Result<Self, FieldError> {
        let mut tables = |field: &str, what: &str| match table.remove(field) {
            Some(toml::Value::Array(entries)) => Ok(entries),
            Some(other) => {
                Err(FieldError::new(field, format!("found {}, expected `[[{field}]]` tables", other.type_str())))
            }
            None => Err(FieldError::new(field, format!("there is none; a search needs at least one {what}"))),
        };
        let members = config::build_members(tables("members", "member to tune")?)?;
        let stages = tables("stages", "stage")?;
        let Raw { name, seed, data, prepare, stacking, best } = learners::parse_settings(table)?;
        config::check_name(&name)?;
        data.check().map_err(|error| error.inside("data"))?;
        prepare.check().map_err(|error| error.inside("prepare"))?;
        stacking.check(members.len()).map_err(|error| error.inside("stacking"))?;
        let settings = settings(&members)?;
        let mut checked: Vec<Stage> = Vec::new();
        for (place, stage) in stages.into_iter().enumerate() {
            let at = format!("stages[{place}]");
            let toml::Value::Table(stage) = stage else {
                return Err(FieldError::new(at, "found no table, expected `[[stages]]`"));
            };
            let stage =
                learners::parse_settings::<StageConfig>(stage).and_then(|stage| Stage::new(stage, &settings, &checked));
            checked.push(stage.map_err(|error| error.inside(&at))?);
        }
        if checked.is_empty() {
            return Err(FieldError::new("stages", "there is none; a search needs at least one stage"));
        }
        let config = Self { name, seed, data, prepare, stacking, members, stages: checked, best };
        super::best::check(&config)?;
        Ok(config)
    }

    /// The members' settings, defaults included.
    pub(super) fn member_settings(&self) -> Result<Vec<toml::Table>, LearnerError> {
        self.members.iter().map(|member| member.settings()).collect()
    }

    /// The whole configuration, defaults included, as TOML that [`SearchConfig::parse`] reads back.
    pub fn to_toml(&self) -> Result<String, LearnerError> {
        self.resolved(Some(&self.best))
    }

    /// What the search depends on: everything but what becomes of the picks, which may be changed until the end.
    pub(super) fn claimed(&self) -> Result<String, LearnerError> {
        self.resolved(None)
    }

    fn resolved(&self, best: Option<&BestConfig>) -> Result<String, LearnerError> {
        #[derive(Serialize)]
        struct Resolved<'a> {
            name: &'a str,
            seed: u64,
            data: &'a DataConfig,
            prepare: &'a PrepareConfig,
            stacking: &'a StackingConfig,
            #[serde(skip_serializing_if = "Option::is_none")]
            best: Option<&'a BestConfig>,
            members: Vec<toml::Table>,
            stages: Vec<&'a StageConfig>,
        }
        let resolved = Resolved {
            name: &self.name,
            seed: self.seed,
            data: &self.data,
            prepare: &self.prepare,
            stacking: &self.stacking,
            best,
            members: self.member_settings()?,
            stages: self.stages.iter().map(|stage| &stage.config).collect(),
        };
        toml::to_string(&resolved).map_err(|source| LearnerError::Settings { name: self.name.clone(), source })
    }
}

/// The settings of each member; that they can be written is a matter of the program, not of the file.
fn settings(members: &[Box<dyn Learner>]) -> Result<Vec<toml::Table>, FieldError> {
    let settings =
        |member: &dyn Learner| member.settings().map_err(|error| FieldError::new("members", error.to_string()));
    members.iter().map(|member| settings(member.as_ref())).collect()
}
