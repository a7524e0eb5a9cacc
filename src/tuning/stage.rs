//! Configuration of one stage of a search.

mod check;

use serde::{Deserialize, Serialize};

use super::{
    outcome::{PlotKind, Score},
    parameter::Parameter,
    sampler::SamplerConfig,
    space::Space,
    splits::SplitsConfig,
};
use crate::{
    data::FieldError,
    field_path, learners,
    stacking::{FeatureScale, MetaConfig},
};

/// Value of [`StageConfig::learner`] for a stage that chooses among meta-models instead of tuning a member.
pub const STACK: &str = "stack";

/// Configuration of one stage: the learner, the searched parameters, the sampler, the splits, the score and the
/// selection rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Name, unique within the search: 1 to 60 of a–z, 0–9 and `-`.
    pub name: String,
    /// Name of the member to tune, or `stack` to choose among meta-models.
    pub learner: String,
    /// Heading for people; by default the name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Description for the page, in sentences.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Searched parameters, at least one.
    pub parameters: Vec<Parameter>,
    /// Sampler, under the key `strategy`. Default: grid.
    #[serde(default, rename = "strategy")]
    pub sampler: SamplerConfig,
    /// Limits of the stage.
    #[serde(default)]
    pub budget: Budget,
    /// Settings of this stage's trials alone, by dotted path: `{ "training.epochs" = 3 }`. They replace the member's.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub set: toml::Table,
    /// Condition on the settings that the stage inherits, by dotted path: `{ "training.optimizer.kind" = "adadelta" }`.
    /// If it is not met, the stage is skipped. Default: none.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub when: toml::Table,
    /// Names of earlier stages whose selected values its trials start from. Default: all earlier stages of the same
    /// learner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherits: Option<Vec<String>>,
    /// Images that trials are fitted and scored on.
    #[serde(default)]
    pub splits: SplitsConfig,
    /// Score to maximise. Default: accuracy.
    #[serde(default)]
    pub score: Score,
    /// Rule that selects a trial, under the key `pick`. Default: the best.
    #[serde(default, rename = "pick")]
    pub selection: SelectionRule,
    /// Kind of plot. By default it follows from the parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plot: Option<PlotKind>,
    /// Successive halving. Default: none, every trial runs to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<Halving>,
    /// Median pruning. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
}

/// Limits of a stage; it ends at the first that is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Number of different trials, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Wall-clock minutes over all interruptions, each counted up to the last trial before it. No trial starts after
    /// them; those under way end. This is the only setting that lets a result depend on the speed of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
}

/// Rule that selects one trial of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionRule {
    /// The highest score; the earliest of several.
    #[default]
    Best,
    /// The smallest value within one standard error of the best (Breiman et al., 1984): for one number, if smaller
    /// means simpler.
    OneStandardError,
    /// No trial: the stage only shows its scores.
    None,
}

/// Successive halving (Jamieson and Talwalkar, 2016), batch by batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Resource that trials begin with a small amount of.
    pub resource: Resource,
    /// First amount: epochs or trees, or training images.
    pub least: u64,
    /// Reduction factor, 2 to 10: one in `factor` trials is promoted, to `factor` times the amount. Default 3.
    #[serde(default = "three")]
    pub factor: usize,
}

/// Resource that successive halving allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Epochs or trees: a promoted trial continues its fits.
    Steps,
    /// Training images: a promoted trial is fitted anew with more of them.
    Images,
}

/// Median pruning (Golovin et al., 2017): on the first split, a trial ends at a step where its score is below the
/// median of the earlier trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pruning {
    /// Steps before a trial may be pruned. Default 1.
    pub warmup: u64,
    /// Trials that run to their end before any is pruned, at least 1. Default 4.
    pub trials: usize,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { warmup: 1, trials: 4 }
    }
}

fn three() -> usize {
    3
}

/// Checked stage with its search space.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Configuration as it was read.
    pub config: StageConfig,
    /// Space of the parameters.
    pub space: Space,
}

impl Stage {
    /// Returns true if the stage chooses among meta-models.
    pub fn is_stack(&self) -> bool {
        self.config.learner == STACK
    }

    /// Returns its heading.
    pub fn title(&self) -> &str {
        if self.config.title.is_empty() { &self.config.name } else { &self.config.title }
    }

    /// Returns its kind of plot.
    pub fn plot(&self) -> PlotKind {
        let numeric: Vec<bool> = self.space.parameters().iter().map(Parameter::is_numeric).collect();
        self.config.plot.unwrap_or(match numeric[..] {
            [true] => PlotKind::Line,
            [false] => PlotKind::Bars,
            [true, true] => PlotKind::Contour,
            _ => PlotKind::Progress,
        })
    }

    /// Returns true if this stage's trials start from what the earlier `stage` selected.
    pub fn inherits_from(&self, stage: &Self) -> bool {
        stage.config.selection != SelectionRule::None
            && match &self.config.inherits {
                Some(names) => names.contains(&stage.config.name),
                None => stage.config.learner == self.config.learner,
            }
    }

    /// Returns true if `base` meets the condition of the stage.
    pub(super) fn applies_to(&self, base: &toml::Table) -> bool {
        self.config.when.iter().all(|(path, value)| field_path::get(base, path) == Some(value))
    }

    /// Returns the settings of a trial: `base`, then `set`, then the candidate's values.
    ///
    /// # Errors
    /// [`FieldError`] naming a path that does not exist in the settings.
    pub(super) fn settings(&self, base: &toml::Table, candidate: &[toml::Value]) -> Result<toml::Table, FieldError> {
        let mut settings = base.clone();
        for (path, value) in &self.config.set {
            field_path::set(&mut settings, path, value.clone())
                .map_err(|problem| FieldError::new("set", problem.to_string()))?;
        }
        for (index, (parameter, value)) in self.space.parameters().iter().zip(candidate).enumerate() {
            field_path::set(&mut settings, &parameter.field, value.clone())
                .map_err(|problem| FieldError::new(format!("parameters[{index}].field"), problem.to_string()))?;
        }
        Ok(settings)
    }
}

/// Parses a value of the parameter `meta`: the kind of a meta-model, or a table with its settings.
pub(super) fn meta(value: &toml::Value) -> Result<MetaConfig, FieldError> {
    let table = match value {
        toml::Value::Table(table) => table.clone(),
        other => toml::Table::from_iter([("kind".to_owned(), other.clone())]),
    };
    learners::parse_settings(table)
}

/// Parses a value of the parameter `features`: the scale of the metafeatures.
pub(super) fn features(value: &toml::Value) -> Result<FeatureScale, FieldError> {
    value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| FieldError::new("features", error.message().replace('\n', " ")))
}
