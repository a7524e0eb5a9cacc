//! Settings of a booster.

use serde::{Deserialize, Serialize};

use crate::{
    data::{CLASSES, FieldError},
    seed::Seed,
};

/// Settings of gradient-boosted trees. The defaults are those of the reference system's final booster.
///
/// Every round grows ten trees, one for each digit. `max_bin` takes effect when a [`Dataset`](super::Dataset) is made;
/// everything else may differ between fits on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoosterConfig {
    /// Number of boosting rounds, that is of trees of each class. Default 550.
    pub trees: u32,
    /// Factor on the output of each tree, above 0 up to 1. Default 0.1.
    pub learning_rate: f64,
    /// Greatest number of splits from the root to a leaf, 1 to 64. Default 6.
    pub max_depth: u32,
    /// Greatest number of leaves of a tree, 2 to 4096. Default 70; a tree of depth d has at most 2^d.
    pub num_leaves: u32,
    /// Weight of the L1 penalty on leaf outputs, 0 or more. Default 0.37.
    pub reg_alpha: f64,
    /// Weight of the L2 penalty on leaf outputs, 0 or more. Default 0.9.
    pub reg_lambda: f64,
    /// Number of bins for the 256 grey levels of a pixel, 2 to 255. Default 63, which trains almost twice as fast as
    /// 255 and is as accurate.
    pub max_bin: u32,
    /// Least number of training images in a leaf, 1 or more. Default 20.
    pub min_data_in_leaf: u32,
    /// Fraction of the pixels sampled for each tree, above 0 up to 1. Default 1.
    pub feature_fraction: f64,
    /// Fraction of the images sampled for each bag, above 0 up to 1. Default 1. Takes effect together with
    /// `bagging_freq`.
    pub bagging_fraction: f64,
    /// Number of rounds with the same bag; 0 = no bagging. Default 0.
    pub bagging_freq: u32,
    /// Whether gradients are summed as small integers, rounded to the nearest, at some cost in accuracy (93.5 % instead
    /// of 93.8 % after 30 rounds on 10,000 MNIST images). Default false.
    pub use_quantized_grad: bool,
    /// Whether histograms are summed row by row, on one thread: less than half the work of column by column, which uses
    /// every thread given. With as many folds as cores, one thread each is fastest. Default true.
    pub row_wise: bool,
    /// Number of rounds without a better validation log-loss after which the fit stops and keeps the best round; 0 =
    /// grow all trees. Default 0.
    pub early_stopping_rounds: u32,
    /// Number of rounds from one evaluation to the next, 1 or more; the last round is always evaluated. Default 5.
    pub evaluate_every: u32,
    /// Whether the training images are evaluated too, which costs a pass over all of them. Default false.
    pub evaluate_training: bool,
}

impl Default for BoosterConfig {
    fn default() -> Self {
        Self {
            trees: 550,
            learning_rate: 0.1,
            max_depth: 6,
            num_leaves: 70,
            reg_alpha: 0.37,
            reg_lambda: 0.9,
            max_bin: 63,
            min_data_in_leaf: 20,
            feature_fraction: 1.0,
            bagging_fraction: 1.0,
            bagging_freq: 0,
            use_quantized_grad: false,
            row_wise: true,
            early_stopping_rounds: 0,
            evaluate_every: 5,
            evaluate_training: false,
        }
    }
}

/// Parameters that give every pixel its own column. Bundled with others that are rarely black together, a pixel would
/// lose its value in one image of ten thousand: training would see other images than prediction does, and a resumed fit
/// other scores than the interrupted one.
const EXACT_COLUMNS: &str = "feature_pre_filter=false enable_bundle=false is_enable_sparse=false";

/// Greatest number of rounds: a longer model text would exceed the reader's limit.
const MOST_TREES: u32 = 20_000;

impl BoosterConfig {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        whole("trees", self.trees, 1, MOST_TREES)?;
        share("learning_rate", self.learning_rate)?;
        whole("max_depth", self.max_depth, 1, 64)?;
        whole("num_leaves", self.num_leaves, 2, 4096)?;
        penalty("reg_alpha", self.reg_alpha)?;
        penalty("reg_lambda", self.reg_lambda)?;
        whole("max_bin", self.max_bin, 2, 255)?;
        whole("min_data_in_leaf", self.min_data_in_leaf, 1, i32::MAX as u32)?;
        share("feature_fraction", self.feature_fraction)?;
        share("bagging_fraction", self.bagging_fraction)?;
        whole("bagging_freq", self.bagging_freq, 0, MOST_TREES)?;
        if self.bagging_fraction < 1.0 && self.bagging_freq == 0 {
            return Err(FieldError::new(
                "bagging_freq",
                "found 0 with a bagging_fraction below 1; set it to 1 or more, or the fraction to 1",
            ));
        }
        if self.bagging_fraction >= 1.0 && self.bagging_freq > 0 {
            return Err(FieldError::new(
                "bagging_fraction",
                "found 1 with a bagging_freq above 0; set it below 1, or bagging_freq to 0",
            ));
        }
        whole("early_stopping_rounds", self.early_stopping_rounds, 0, MOST_TREES)?;
        whole("evaluate_every", self.evaluate_every, 1, MOST_TREES)
    }

    /// True if a fit samples images or pixels at random. Such a fit cannot resume from a checkpoint, because the
    /// library does not expose the state of its generators: a crash loses it.
    pub fn draws_samples(&self) -> bool {
        self.bagging_freq > 0 || self.feature_fraction < 1.0
    }

    /// Number of threads that a fit uses of those available. Row-wise sums depend on the number of threads, so they use
    /// one.
    pub fn threads(&self, available: usize) -> usize {
        if self.row_wise { 1 } else { available.max(1) }
    }

    /// Parameters of the library for binning pixels. It drops constant pixels by itself.
    pub(super) fn dataset_parameters(&self) -> String {
        format!("max_bin={} {EXACT_COLUMNS} verbosity=-1", self.max_bin)
    }

    /// Parameters of the library for training, without the number of threads; a function of the settings and the seed.
    ///
    /// The result is independent of the number of threads: column-wise, each pixel's histogram is summed by one thread,
    /// in the order of the images; row-wise there is one thread. Quantised gradients are rounded to the nearest (the
    /// library's random rounding depends on the number of threads) and leaves are refitted with the exact ones.
    pub(super) fn training_parameters(&self, seed: Seed) -> String {
        let seed = (seed.derive("booster").0 >> 33) as u32;
        let layout = if self.row_wise { "force_row_wise" } else { "force_col_wise" };
        let mut text = format!(
            "objective=multiclass num_class={CLASSES} metric=multi_logloss,multi_error boosting=gbdt verbosity=-1 \
             deterministic=true {layout}=true seed={seed} max_bin={} {EXACT_COLUMNS} learning_rate={} \
             max_depth={} num_leaves={} lambda_l1={} lambda_l2={} min_data_in_leaf={} feature_fraction={}",
            self.max_bin,
            self.learning_rate,
            self.max_depth,
            self.num_leaves,
            self.reg_alpha,
            self.reg_lambda,
            self.min_data_in_leaf,
            self.feature_fraction,
        );
        if self.bagging_freq > 0 {
            text += &format!(" bagging_fraction={} bagging_freq={}", self.bagging_fraction, self.bagging_freq);
        }
        if self.use_quantized_grad {
            text += " use_quantized_grad=true stochastic_rounding=false quant_train_renew_leaf=true";
        }
        text
    }
}

fn whole(field: &str, found: u32, least: u32, most: u32) -> Result<(), FieldError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("found {found}; {least} to {most} is allowed")))
}

fn share(field: &str, found: f64) -> Result<(), FieldError> {
    if found > 0.0 && found <= 1.0 {
        return Ok(());
    }
    Err(FieldError::new(field, format!("found {found}; above 0 and up to 1 is allowed")))
}

fn penalty(field: &str, found: f64) -> Result<(), FieldError> {
    if (0.0..=1e6).contains(&found) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("found {found}; 0 to 1000000 is allowed")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_each_impossible_value_is_named() {
        BoosterConfig::default().check().unwrap();
        let refused = |toml: &str| toml::from_str::<BoosterConfig>(toml).unwrap().check().unwrap_err().field;
        for (field, value) in [
            ("trees", "0"),
            ("learning_rate", "nan"),
            ("learning_rate", "0.0"),
            ("max_depth", "0"),
            ("num_leaves", "1"),
            ("reg_alpha", "-0.1"),
            ("reg_lambda", "inf"),
            ("max_bin", "256"),
            ("min_data_in_leaf", "0"),
            ("feature_fraction", "1.5"),
            ("bagging_fraction", "0.0"),
            ("evaluate_every", "0"),
        ] {
            assert_eq!(refused(&format!("{field} = {value}")), field);
        }
        assert_eq!(refused("bagging_fraction = 0.5"), "bagging_freq");
        assert_eq!(refused("bagging_freq = 1"), "bagging_fraction");
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<BoosterConfig>("num_leafs = 3").is_err());
    }
}
