//! A run's configuration: one TOML file, parsed once into settings that cannot be wrong.
//!
//! The rooms above define and check their own settings; this module joins them, lets the command line override any
//! field, and says for every error which file, line and field it is about.

mod integers;
mod locate;
mod overrides;
mod reported;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataConfig, FieldError, HeldOut},
    imaging::Recipe,
    learners::{self, Learner, LearnerError},
    stacking::{FeatureScale, MetaConfig},
    storage,
};

pub use overrides::Override;
pub use reported::ReportedResult;

/// The configuration that `digitstack run` uses when none is named.
pub const QUICKSTART: &str = include_str!("../../../configs/quickstart.toml");

/// Largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// How [`QUICKSTART`] is called in messages.
const QUICKSTART_NAME: &str = "configs/quickstart.toml (built in)";

/// Everything that a run needs to know.
pub struct RunConfig {
    /// Names the run directory.
    pub name: String,
    /// All random draws derive from it.
    pub seed: u64,
    /// Where the digits come from.
    pub data: DataConfig,
    /// What is done to every image before any model sees it.
    pub prepare: PrepareConfig,
    /// Folds, metafeatures, meta-models.
    pub stacking: StackingConfig,
    /// The models to stack, in the order of the metafeatures.
    pub members: Vec<Box<dyn Learner>>,
    /// The folder of the search that chose these settings, if one did: the report links its page.
    pub search: Option<PathBuf>,
    /// What is different when a member is trained by itself.
    pub single: SingleConfig,
    /// What others report of models such as these, for tables that show both.
    pub reported: Vec<ReportedResult>,
}

/// What is different when a member is trained by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SingleConfig {
    /// What is held out of the training digits: a share, or a count. Default 0.1.
    pub validation: HeldOut,
}

/// What is done to every image before any model sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// Deterministic steps for training and test images alike; empty: none.
    pub recipe: Recipe,
    /// Degrees by which copies of each training image are rotated before the steps; empty: no copies. R0: `[0, -24,
    /// 24]`. Test images are never rotated.
    pub rotations: Vec<f32>,
}

/// How the members are combined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackingConfig {
    /// Number of folds for out-of-fold predictions, 2 to 20.
    pub folds: usize,
    /// Which models the finished stack asks.
    pub final_models: FinalModels,
    /// What the meta-model sees of the members' probabilities.
    pub features: FeatureScale,
    /// Out-of-fold images that the curves of a fit are drawn from (a sample; 0: none). Nothing is chosen by them.
    pub watched_images: usize,
    /// Training images that the train column of the leaderboard is measured on (a sample).
    pub train_sample: usize,
    /// The meta-models; the first is the stack, the others are reported beside it.
    pub meta: Vec<MetaConfig>,
}

/// Which models the finished stack asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalModels {
    /// The mean of a member's fold models.
    Average,
    /// One model of each member, fitted again on all training images.
    Refit,
}

impl Default for StackingConfig {
    fn default() -> Self {
        Self {
            folds: 5,
            final_models: FinalModels::Average,
            features: FeatureScale::default(),
            watched_images: 2000,
            train_sample: 10_000,
            meta: MetaConfig::defaults(),
        }
    }
}

/// The tables of the file whose contents need no other room.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    #[serde(default = "default_seed")]
    seed: u64,
    #[serde(default)]
    data: DataConfig,
    #[serde(default)]
    prepare: PrepareConfig,
    #[serde(default)]
    stacking: StackingConfig,
    search: Option<PathBuf>,
    #[serde(default)]
    single: SingleConfig,
    #[serde(default)]
    reported: Vec<ReportedResult>,
}

pub(super) fn default_seed() -> u64 {
    1
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{file} is not valid TOML: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, column and what was expected.
        source: toml::de::Error,
    },
    /// An override is not `key=value`, or its key leads nowhere.
    #[error("--set {text}: {problem}")]
    Override {
        /// As typed.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A field is missing, unknown, of the wrong type or impossible.
    #[error("{place}: {error}")]
    Field {
        /// `file:line`, or the override that set the field.
        place: String,
        /// Which field and what is allowed.
        error: FieldError,
    },
}

impl RunConfig {
    /// Reads a file, or the built-in quickstart if there is none, applies the overrides and checks everything.
    pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Self, ConfigError> {
        match path {
            Some(path) => Self::parse(&path.display().to_string(), &read(path)?, overrides),
            None => Self::parse(QUICKSTART_NAME, QUICKSTART, overrides),
        }
    }

    /// Parses the text of a file called `file`.
    pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<Self, ConfigError> {
        parse(file, text, overrides, Self::from_table)
    }

    fn from_table(mut table: toml::Table) -> Result<Self, FieldError> {
        let members = match table.remove("members") {
            Some(toml::Value::Array(members)) => build_members(members)?,
            Some(other) => {
                return Err(FieldError::new(
                    "members",
                    format!("found {}, expected `[[members]]` tables", other.type_str()),
                ));
            }
            None => {
                return Err(FieldError::new("members", "there is none; a run needs at least one `[[members]]` table"));
            }
        };
        let raw: Raw = learners::parse_settings(table)?;
        let Raw { name, seed, data, prepare, stacking, search, single, reported } = raw;
        let config = Self { name, seed, data, prepare, stacking, members, search, single, reported };
        config.check()?;
        Ok(config)
    }

    pub(super) fn check(&self) -> Result<(), FieldError> {
        check_name(&self.name)?;
        self.data.check().map_err(|error| error.inside("data"))?;
        self.prepare.check().map_err(|error| error.inside("prepare"))?;
        self.stacking.check(self.members.len()).map_err(|error| error.inside("stacking"))?;
        self.single.check().map_err(|error| error.inside("single"))?;
        for (place, member) in self.members.iter().enumerate() {
            if self.stacking.meta.iter().any(|meta| meta.name() == member.name()) {
                let problem = format!(
                    "`{}` is what a meta-model is called; every model of a run needs a name of its own",
                    member.name()
                );
                return Err(FieldError::new(format!("members[{place}].name"), problem));
            }
        }
        let models = self.model_names();
        let mut reported = self.reported.iter().enumerate();
        reported.try_for_each(|(place, result)| {
            result.check(&models).map_err(|error| error.inside(&format!("reported[{place}]")))
        })
    }

    /// What is done to an image before a model of this member sees it: the run's steps, then its own.
    pub(super) fn preparation_for(&self, member: &dyn Learner) -> Recipe {
        let steps = self.prepare.recipe.steps.iter().cloned().chain(member.preparation().steps);
        Recipe { steps: steps.collect() }
    }

    /// The members' names, then the meta-models'.
    fn model_names(&self) -> Vec<String> {
        self.member_names().into_iter().chain(self.stacking.meta.iter().map(|meta| meta.name().to_owned())).collect()
    }

    /// True if the finished stack asks models that were fitted again on all training images.
    pub fn refits(&self) -> bool {
        self.stacking.final_models == FinalModels::Refit
    }

    /// The members' names, in the order of the metafeatures.
    pub fn member_names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name().to_owned()).collect()
    }

    /// The whole configuration, defaults included, as TOML that [`RunConfig::parse`] reads back.
    pub fn to_toml(&self) -> Result<String, LearnerError> {
        #[derive(Serialize)]
        struct Resolved<'a> {
            name: &'a str,
            seed: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            search: Option<&'a Path>,
            data: &'a DataConfig,
            prepare: &'a PrepareConfig,
            stacking: &'a StackingConfig,
            single: &'a SingleConfig,
            members: Vec<toml::Table>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            reported: &'a [ReportedResult],
        }
        let members = self.members.iter().map(|member| member.settings()).collect::<Result<_, _>>()?;
        let resolved = Resolved {
            name: &self.name,
            seed: self.seed,
            search: self.search.as_deref(),
            data: &self.data,
            prepare: &self.prepare,
            stacking: &self.stacking,
            single: &self.single,
            members,
            reported: &self.reported,
        };
        toml::to_string(&resolved).map_err(|source| LearnerError::Settings { name: self.name.clone(), source })
    }
}

/// The text of a configuration.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    storage::read_text_limited(path, MAX_BYTES).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Parses the text of a file called `file`, applies the overrides and checks it; an error in a field names its line or
/// its override.
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
        let place = match overrides.iter().rev().find(|set| set.covers(&error.field)) {
            Some(set) => format!("--set {}", set.text()),
            None => locate::place(file, text, &error.field),
        };
        ConfigError::Field { place, error }
    })
}

/// Refuses what cannot name a folder.
pub(super) fn check_name(name: &str) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 80 || name.starts_with('.') || !name.chars().all(allowed) {
        return Err(FieldError::new(
            "name",
            format!("found {name:?}, expected letters, digits, `-`, `_` and `.` (it names a folder)"),
        ));
    }
    Ok(())
}

impl PrepareConfig {
    pub(super) fn check(&self) -> Result<(), FieldError> {
        self.recipe.check().map_err(|error| error.inside("recipe"))?;
        if self.recipe.is_random() {
            return Err(FieldError::new("recipe", "has a random step; those belong into a member's `augment`"));
        }
        if self.rotations.len() > 32 {
            return Err(FieldError::new("rotations", format!("found {}, expected at most 32", self.rotations.len())));
        }
        match self.rotations.iter().find(|degrees| !(-180.0..=180.0).contains(*degrees)) {
            Some(degrees) => {
                Err(FieldError::new("rotations", format!("found {degrees}, expected degrees from -180 to 180")))
            }
            None => Ok(()),
        }
    }
}

impl SingleConfig {
    fn check(&self) -> Result<(), FieldError> {
        self.validation.check().map_err(|error| FieldError::new("validation", error.problem))
    }
}

impl StackingConfig {
    pub(super) fn check(&self, members: usize) -> Result<(), FieldError> {
        if !(2..=20).contains(&self.folds) {
            return Err(FieldError::new("folds", format!("found {}, expected 2 to 20", self.folds)));
        }
        if self.train_sample == 0 {
            return Err(FieldError::new("train_sample", "found 0, expected at least 1"));
        }
        if self.meta.is_empty() {
            return Err(FieldError::new("meta", "there is none; the first `[[stacking.meta]]` is the stack"));
        }
        for (place, meta) in self.meta.iter().enumerate() {
            meta.check(members).map_err(|error| error.inside(&format!("meta[{place}]")))?;
            if self.meta[..place].iter().any(|earlier| earlier.name() == meta.name()) {
                return Err(FieldError::new(format!("meta[{place}]"), format!("`{}` is there twice", meta.name())));
            }
        }
        Ok(())
    }
}

pub(super) fn build_members(tables: Vec<toml::Value>) -> Result<Vec<Box<dyn Learner>>, FieldError> {
    let mut members: Vec<Box<dyn Learner>> = Vec::new();
    for (place, table) in tables.into_iter().enumerate() {
        let at = format!("members[{place}]");
        let toml::Value::Table(table) = table else {
            return Err(FieldError::new(at, "found no table, expected `[[members]]`"));
        };
        let member = learners::build(table).map_err(|error| error.inside(&at))?;
        if members.iter().any(|earlier| earlier.name() == member.name()) {
            return Err(FieldError::new(
                format!("{at}.name"),
                format!("`{}` is there twice; every member needs a name of its own", member.name()),
            ));
        }
        members.push(member);
    }
    if members.is_empty() {
        return Err(FieldError::new("members", "there is none; a run needs at least one `[[members]]` table"));
    }
    Ok(members)
}

#[cfg(test)]
mod tests;
