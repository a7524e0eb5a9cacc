//! The `[stacking]` table: folds, metafeatures and meta-models.

use serde::{Deserialize, Serialize};

use crate::{
    data::FieldError,
    stacking::{FeatureScale, MetaConfig},
};

/// The `[stacking]` table: combination of the members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StackingConfig {
    /// Number of folds for out-of-fold predictions, 2 to 20. Default 5.
    pub folds: usize,
    /// Models that the finished stack asks. Default average.
    pub final_models: FinalModels,
    /// Scale on which the meta-model gets the members' probabilities. Default probabilities.
    pub features: FeatureScale,
    /// Size of the sample of out-of-fold images that the curves of a fit are drawn from; 0: no curves. Nothing is
    /// chosen by them. Default 2000.
    pub watched_images: usize,
    /// Size of the sample of training images that the train column is measured on, at least 1. Default 10000.
    pub train_sample: usize,
    /// Model whose answers count: `"best"`, the better of the stack and its members, or `"stack"`. Default best.
    pub answer: AnswerSetting,
    /// Meta-models, each kind at most once; the first is the stack, the others are reported beside it. Default: one of
    /// each kind, logistic first.
    pub meta: Vec<MetaConfig>,
}

/// Which models the finished stack asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FinalModels {
    /// The mean of a member's fold models.
    Average,
    /// One model of each member, fitted again on all training images.
    Refit,
}

/// Which model's answers count: those of `predict`, the service, the verdict, and the error analysis of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerSetting {
    /// The stack, unless a member is better out of fold: then that member.
    #[default]
    Best,
    /// The stack.
    Stack,
}

impl Default for StackingConfig {
    fn default() -> Self {
        Self {
            folds: 5,
            final_models: FinalModels::Average,
            features: FeatureScale::default(),
            watched_images: 2000,
            train_sample: 10_000,
            answer: AnswerSetting::default(),
            meta: MetaConfig::defaults(),
        }
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
