//! A run's configuration.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    error::ConfigError,
    experiment::Experiment,
    overrides::Override,
    parse,
    reported::ReportedResult,
    shipped::{self, ConfigKind},
    stacking::FinalModels,
};
use crate::{
    data::{FieldError, HeldOut},
    imaging::Recipe,
    learners::{self, LearnerError},
    nn::NetworkConfig,
};

/// The configuration of `digitstack run` if none is named.
pub const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");

/// Name of [`QUICKSTART`] in messages.
const QUICKSTART_NAME: &str = "configs/quickstart.toml (built in)";

/// Everything that a run depends on, checked.
pub struct RunConfig {
    /// Settings that a search has too.
    pub experiment: Experiment,
    /// Folder of the search that chose these settings, if one did: the report links its page.
    pub search: Option<PathBuf>,
    /// The hold-out of a member that is trained alone; `[single]` in the file.
    pub hold_out: HoldOutConfig,
    /// Results that others report of such models, for tables that show both.
    pub reported: Vec<ReportedResult>,
}

/// The `[single]` table: the hold-out of a member that is trained alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HoldOutConfig {
    /// Training digits that are held out for validation: a fraction above 0 and below 1, or a number of digits. Default
    /// 0.1.
    pub validation: HeldOut,
}

/// The tables that only a run has, as they are parsed and written.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct Rest {
    /// Folder of the search that chose these settings, which writes this; the report links its page. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<PathBuf>,
    /// Member that is trained alone, by `digitstack train`.
    #[serde(default)]
    single: HoldOutConfig,
    /// Results that others report of such models, to be shown beside the own ones. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reported: Vec<ReportedResult>,
}

impl RunConfig {
    /// Reads and checks a file or, where there is none of that name, a shipped configuration; or the built-in
    /// quickstart if `path` is none, with the overrides applied.
    ///
    /// # Errors
    /// The file that cannot be read, or the first field that is wrong.
    pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Self, ConfigError> {
        match path {
            Some(path) => {
                let (name, text) = shipped::read(path, ConfigKind::Run)?;
                Self::parse(&name, &text, overrides)
            }
            None => Self::parse(QUICKSTART_NAME, QUICKSTART, overrides),
        }
    }

    /// Parses and checks the text of a file called `file`, with the overrides applied.
    ///
    /// # Errors
    /// The first field that is wrong, with its line or its override.
    pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<Self, ConfigError> {
        parse::parse(file, text, overrides, Self::from_table)
    }

    /// The configuration of an imported net: the built-in one with the overrides, but with this network as its only
    /// member and this recipe as its preprocessing. `file` is named in errors.
    ///
    /// # Errors
    /// As [`RunConfig::parse`], or if `member` is no valid name or the network is impossible.
    pub fn of_network(
        file: &Path,
        member: &str,
        network: &NetworkConfig,
        recipe: Recipe,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let mut config = Self::load(None, overrides)?;
        let replace = || {
            config.experiment.members = vec![learners::of_network(member, network)?];
            config.experiment.preprocessing.recipe = recipe;
            config.experiment.name = "imported".to_owned();
            config.check()?;
            Ok(config)
        };
        replace().map_err(|error| ConfigError::Field { location: file.display().to_string(), error })
    }

    fn from_table(mut table: toml::Table) -> Result<Self, FieldError> {
        let experiment = Experiment::take(&mut table, &["search", "single", "reported"])?;
        let Rest { search, single: hold_out, reported } = learners::parse_settings(table)?;
        let config = Self { experiment, search, hold_out, reported };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), FieldError> {
        let Self { experiment, hold_out, reported, .. } = self;
        experiment.check()?;
        hold_out.validation.check().map_err(|error| FieldError::new("single.validation", error.problem))?;
        for (index, member) in experiment.members.iter().enumerate() {
            if experiment.stacking.meta.iter().any(|meta| meta.name() == member.name()) {
                let problem = format!(
                    "`{}` is the name of a meta-model; every model of a run needs a name of its own",
                    member.name()
                );
                return Err(FieldError::new(format!("members[{index}].name"), problem));
            }
        }
        let models = self.model_names();
        let check = |(index, result): (usize, &ReportedResult)| {
            result.check(&models).map_err(|error| error.inside(&format!("reported[{index}]")))
        };
        reported.iter().enumerate().try_for_each(check)
    }

    /// Names of the members, then of the meta-models.
    fn model_names(&self) -> Vec<String> {
        let metas = self.experiment.stacking.meta.iter().map(|meta| meta.name().to_owned());
        self.experiment.member_names().into_iter().chain(metas).collect()
    }

    /// True if the finished stack uses models that were fitted again on all training images.
    pub fn refits(&self) -> bool {
        self.experiment.stacking.final_models == FinalModels::Refit
    }

    /// The whole configuration, defaults included, as TOML that [`RunConfig::parse`] reads back.
    pub fn to_toml(&self) -> Result<String, LearnerError> {
        self.experiment.to_toml(&Rest {
            search: self.search.clone(),
            single: self.hold_out.clone(),
            reported: self.reported.clone(),
        })
    }
}
