//! Meta-models by kind: settings, fit and prediction.

use serde::{Deserialize, Serialize};

use super::{
    error::StackingError,
    logistic::{Logistic, LogisticConfig},
    mean::{Mean, MeanConfig, WeightedMean, WeightedMeanConfig},
    metafeatures::Metafeatures,
    scale::FeatureScale,
    tree::{Tree, TreeConfig},
};
use crate::{
    data::{CLASSES, FieldError, Probabilities},
    evaluation::ModelKind,
};

/// Kind of a meta-model and its settings: `kind = "logistic" | "mean" | "weighted-mean" | "tree"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MetaConfig {
    /// Multinomial logistic regression: the stack.
    Logistic(LogisticConfig),
    /// The plain mean.
    Mean(MeanConfig),
    /// A weighted mean, with given or learned weights.
    WeightedMean(WeightedMeanConfig),
    /// A decision tree.
    Tree(TreeConfig),
}

impl Default for MetaConfig {
    fn default() -> Self {
        Self::Logistic(LogisticConfig::default())
    }
}

impl MetaConfig {
    /// Meta-models that a run fits by default. The first is the stack, whose predictions count; the others are reported
    /// beside it.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Logistic(LogisticConfig::default()),
            Self::Mean(MeanConfig::default()),
            Self::WeightedMean(WeightedMeanConfig::default()),
            Self::Tree(TreeConfig::default()),
        ]
    }

    /// Name of the kind: `logistic`, `mean`, `weighted-mean` or `tree`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Logistic(_) => "logistic",
            Self::Mean(_) => "mean",
            Self::WeightedMean(_) => "weighted-mean",
            Self::Tree(_) => "tree",
        }
    }

    /// Whether the meta-model is fitted on out-of-fold predictions (a stack) or fixed beforehand (an ensemble).
    pub fn kind(&self) -> ModelKind {
        match self {
            Self::Logistic(_) | Self::Tree(_) | Self::WeightedMean(WeightedMeanConfig { weights: None }) => {
                ModelKind::Stack
            }
            Self::Mean(_) | Self::WeightedMean(_) => ModelKind::Ensemble,
        }
    }

    /// Checks the settings for so many members.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self, members: usize) -> Result<(), FieldError> {
        match self {
            Self::Logistic(config) => config.check(),
            Self::Mean(_) => Ok(()),
            Self::WeightedMean(config) => config.check(members),
            Self::Tree(config) => config.check(),
        }
    }

    /// Fits the meta-model on features `[n, 10 · members]` and labels `[n]`. The result is the same on any number of
    /// threads.
    ///
    /// # Errors
    /// If features and labels do not match, a setting is out of range, or the solver does not reach the minimum.
    pub fn fit(&self, features: &Metafeatures, labels: &[u8]) -> Result<MetaModel, StackingError> {
        features.check_labels(labels)?;
        Ok(match self {
            Self::Logistic(config) => MetaModel::Logistic(config.fit(features, labels)?),
            Self::Mean(_) => MetaModel::Mean(Mean::of(features)),
            Self::WeightedMean(config) => MetaModel::WeightedMean(config.fit(features, labels)?),
            Self::Tree(config) => MetaModel::Tree(config.fit(features, labels)?),
        })
    }
}

/// Fitted meta-model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MetaModel {
    /// Multinomial logistic regression.
    Logistic(Logistic),
    /// The plain mean.
    Mean(Mean),
    /// A weighted mean.
    WeightedMean(WeightedMean),
    /// A decision tree.
    Tree(Tree),
}

impl MetaModel {
    /// Its kind: `logistic`, `mean`, `weighted-mean` or `tree`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Logistic(_) => "logistic",
            Self::Mean(_) => "mean",
            Self::WeightedMean(_) => "weighted-mean",
            Self::Tree(_) => "tree",
        }
    }

    /// Number of members that it was fitted on.
    pub fn members(&self) -> usize {
        match self {
            Self::Logistic(model) => model.members(),
            Self::Mean(model) => model.members,
            Self::WeightedMean(model) => model.weights().len(),
            Self::Tree(model) => model.members(),
        }
    }

    /// Scale of the features that it was fitted on; none if it takes either.
    pub fn scale(&self) -> Option<FeatureScale> {
        match self {
            Self::Logistic(model) => Some(model.scale()),
            Self::Mean(_) | Self::WeightedMean(_) | Self::Tree(_) => None,
        }
    }

    /// Checks that features have the number of members and the scale that it was fitted on.
    ///
    /// # Errors
    /// [`StackingError::OtherMembers`] or [`StackingError::OtherScale`].
    pub fn check_features(&self, members: usize, scale: FeatureScale) -> Result<(), StackingError> {
        if members != self.members() {
            return Err(StackingError::OtherMembers { expected: self.members(), found: members });
        }
        match self.scale() {
            Some(expected) if expected != scale => Err(StackingError::OtherScale { expected, found: scale }),
            _ => Ok(()),
        }
    }

    /// Class probabilities `[n, 10]` for features `[n, 10 · members]`.
    ///
    /// # Errors
    /// As [`MetaModel::check_features`].
    pub fn predict_proba(&self, features: &Metafeatures) -> Result<Probabilities, StackingError> {
        self.check_features(features.members(), features.scale())?;
        Ok(features.rows().map(|row| self.predict_one(row)).collect())
    }

    /// Class probabilities `[10]` for the features `[10 · members]` of one image: the members' probabilities side by
    /// side, as they are (the model applies its own scale). Allocates nothing.
    ///
    /// # Panics
    /// If there are features of another number of members than it was fitted on.
    pub fn predict_one(&self, row: &[f32]) -> [f32; CLASSES] {
        assert_eq!(
            row.len(),
            self.members() * CLASSES,
            "expected ten features for each member that the meta-model was fitted on"
        );
        let distribution = match self {
            Self::Logistic(model) => model.distribution(row),
            Self::Mean(model) => model.distribution(row),
            Self::WeightedMean(model) => model.distribution(row),
            Self::Tree(model) => model.distribution(row),
        };
        distribution.map(|probability| probability as f32)
    }

    /// Checks a deserialised model: dimensions, finite numbers, a well-formed tree.
    pub(super) fn validate(&self) -> Result<(), String> {
        match self {
            Self::Logistic(model) => model.validate(),
            Self::Mean(model) => model.validate(),
            Self::WeightedMean(model) => model.validate(),
            Self::Tree(model) => model.validate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacking::Shrinkage;

    #[test]
    fn settings_are_read_by_kind_and_unknown_ones_refused() {
        let read = |text: &str| toml::from_str::<MetaConfig>(text).map_err(|error| error.to_string());
        assert_eq!(
            read("kind = 'logistic'\nc = 0.5").unwrap(),
            MetaConfig::Logistic(LogisticConfig { c: 0.5, ..LogisticConfig::default() })
        );
        let zero = LogisticConfig { shrinkage: Shrinkage::Zero, ..LogisticConfig::default() };
        assert_eq!(read("kind = 'logistic'\nshrinkage = 'zero'").unwrap(), MetaConfig::Logistic(zero));
        assert_eq!(read("kind = 'mean'").unwrap(), MetaConfig::Mean(MeanConfig {}));
        let weights = Some(vec![1.0, 2.0, 1.5]);
        assert_eq!(
            read("kind = 'weighted-mean'\nweights = [1, 2, 1.5]").unwrap(),
            MetaConfig::WeightedMean(WeightedMeanConfig { weights })
        );
        for bad in ["kind = 'mean'\nweights = [1]", "kind = 'tree'\ndepth = 3", "kind = 'median'", "c = 1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_list_survives_its_own_text() {
        for config in MetaConfig::defaults() {
            assert_eq!(config.check(3), Ok(()));
            assert_eq!(toml::from_str::<MetaConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
        }
        assert_eq!(MetaConfig::defaults()[0], MetaConfig::default());
    }

    #[test]
    fn labels_are_checked_before_fitting() {
        let features = Metafeatures::new(&[vec![[0.1; 10]; 2]], FeatureScale::default()).unwrap();
        let none = Metafeatures::new(&[vec![[0.1; 10]; 0]], FeatureScale::default()).unwrap();
        for config in MetaConfig::defaults() {
            assert_eq!(config.fit(&features, &[1]), Err(StackingError::Labels { labels: 1, images: 2 }));
            assert_eq!(config.fit(&features, &[1, 10]), Err(StackingError::Label { row: 1, found: 10 }));
            assert_eq!(config.fit(&none, &[]), Err(StackingError::NoImages));
        }
    }
}
