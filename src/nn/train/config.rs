//! Settings of the training of a net.

use serde::{Deserialize, Serialize};

use super::{
    loss::{Loss, Targets},
    optimizer::OptimizerConfig,
    schedule::Schedule,
};
use crate::{data::FieldError, nn::network::config::NetworkConfig};

/// Settings of the training of a net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Number of passes over the training images, at least 1. Default 10.
    pub epochs: u32,
    /// Images per step, at least 1; the last batch may be smaller. Default 128.
    pub batch_size: usize,
    /// Training loss to minimise. Default cross-entropy.
    pub loss: Loss,
    /// Label smoothing: fraction of each target that is spread evenly over the ten classes, 0 to below 1. Default 0.
    pub label_smoothing: f64,
    /// Targets of a wrong and of the right class, 0 ≤ wrong < right ≤ 1; for instance `[0.01, 0.99]`. Default 0 and
    /// 1.
    pub targets: Option<[f64; 2]>,
    /// Update rule. Default Adam.
    pub optimizer: OptimizerConfig,
    /// Schedule of the learning rate. Default constant.
    pub schedule: Schedule,
    /// Validation figure by which epochs are compared. Default loss.
    pub monitor: Monitor,
    /// Early stopping when the validation figure stops improving. Default none. Needs validation images.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether to return the weights of the best epoch instead of the last. Default false. Needs validation images.
    pub keep_best_epoch: bool,
    /// Iterations (batches) between two points of the training trace, loss and accuracy; each epoch ends with a point.
    /// Default 0: no trace.
    pub trace: u32,
    /// Snapshots of the first layer's filters that are kept, spread evenly from before the first iteration to the end:
    /// 0, or 2 to 400. Default 0.
    pub filter_snapshots: u32,
    /// Decay per step of an exponential moving average of the weights, which is then validated and returned instead of
    /// the last step's weights; above 0 and below 1, for instance 0.999. Default none.
    pub weight_average: Option<f64>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 128,
            loss: Loss::CrossEntropy,
            label_smoothing: 0.0,
            targets: None,
            optimizer: OptimizerConfig::default(),
            schedule: Schedule::Constant,
            monitor: Monitor::Loss,
            early_stopping: None,
            keep_best_epoch: false,
            trace: 0,
            filter_snapshots: 0,
            weight_average: None,
        }
    }
}

/// Validation figure by which epochs are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Monitor {
    /// Validation loss, lower is better.
    #[default]
    Loss,
    /// Validation accuracy, higher is better.
    Accuracy,
}

/// Settings of early stopping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without improvement after which training stops, at least 1.
    pub patience: u32,
    /// Least improvement that counts; smaller ones do not reset the patience. Default 0.
    #[serde(default)]
    pub minimum_improvement: f64,
}

impl TrainingConfig {
    /// Returns the targets in training.
    pub(in crate::nn) fn targets(&self) -> Targets {
        self.targets.map_or(Targets::smoothed(self.label_smoothing), Targets::between)
    }

    /// Checks that the loss is defined for the net's outputs and the targets.
    ///
    /// # Errors
    /// If it is not.
    pub fn check_loss(&self, network: &NetworkConfig) -> Result<(), FieldError> {
        self.loss.check(network.output(), self.targets())
    }

    /// Returns the targets in validation: without label smoothing.
    pub(in crate::nn) fn validation_targets(&self) -> Targets {
        self.targets.map_or(Targets::ONE_HOT, Targets::between)
    }

    /// Returns settings for an overfit test on few images: the same loss and update rule, but no label smoothing,
    /// weight decay, schedule, averaged weights or choice of an epoch. Batches hold a tenth of the images, at least
    /// five, and at most the former batch size, so that an epoch has enough steps for a rule that was tuned for
    /// thousands of images.
    pub fn overfitting(&self, images: usize, epochs: u32) -> Self {
        Self {
            epochs,
            batch_size: self.batch_size.min((images / 10).max(5)),
            label_smoothing: 0.0,
            optimizer: self.optimizer.without_weight_decay(),
            schedule: Schedule::Constant,
            early_stopping: None,
            keep_best_epoch: false,
            weight_average: None,
            trace: 0,
            filter_snapshots: 0,
            ..self.clone()
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is outside its range or contradicts another.
    pub fn check(&self) -> Result<(), FieldError> {
        if self.epochs == 0 {
            return Err(FieldError::new("epochs", "must be at least 1, found 0"));
        }
        if self.batch_size == 0 {
            return Err(FieldError::new("batch_size", "must be at least 1, found 0"));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(FieldError::new(
                "label_smoothing",
                format!("must be 0 to below 1, found {}", self.label_smoothing),
            ));
        }
        if let Some([low, high]) = self.targets {
            if !(0.0 <= low && low < high && high <= 1.0) {
                return Err(FieldError::new(
                    "targets",
                    format!("must be two rising numbers from 0 to 1, found [{low}, {high}]"),
                ));
            }
            if self.label_smoothing > 0.0 {
                return Err(FieldError::new("targets", "and `label_smoothing` exclude each other; leave one out"));
            }
        }
        self.optimizer.check().map_err(|error| error.inside("optimizer"))?;
        self.schedule.check().map_err(|error| error.inside("schedule"))?;
        if let Some(stopping) = self.early_stopping {
            if stopping.patience == 0 {
                return Err(FieldError::new("early_stopping.patience", "must be at least 1, found 0"));
            }
            let least = stopping.minimum_improvement;
            if !(least >= 0.0 && least.is_finite()) {
                return Err(FieldError::new(
                    "early_stopping.minimum_improvement",
                    format!("must be at least 0, found {least}"),
                ));
            }
        }
        if self.filter_snapshots == 1 || self.filter_snapshots > 400 {
            return Err(FieldError::new(
                "filter_snapshots",
                format!("must be 0 or 2 to 400, found {}", self.filter_snapshots),
            ));
        }
        match self.weight_average {
            Some(kept) if !(kept > 0.0 && kept < 1.0) => {
                Err(FieldError::new("weight_average", format!("must be above 0 and below 1, found {kept}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_keeps_a_net_from_knowing_its_images() {
        let config = TrainingConfig {
            epochs: 3,
            batch_size: 64,
            loss: Loss::Mse,
            label_smoothing: 0.1,
            optimizer: OptimizerConfig::Sgd { learning_rate: 0.3, weight_decay: 0.1 },
            schedule: Schedule::Cosine { last: 0.0 },
            early_stopping: Some(EarlyStopping { patience: 1, minimum_improvement: 0.0 }),
            keep_best_epoch: true,
            weight_average: Some(0.9),
            ..TrainingConfig::default()
        };
        let optimizer = OptimizerConfig::Sgd { learning_rate: 0.3, weight_decay: 0.0 };
        let expected =
            TrainingConfig { epochs: 50, batch_size: 10, loss: Loss::Mse, optimizer, ..TrainingConfig::default() };
        assert_eq!(config.overfitting(100, 50), expected);
        assert_eq!(config.overfitting(10, 50).batch_size, 5);
        assert_eq!(TrainingConfig { batch_size: 2, ..config }.overfitting(100, 50).batch_size, 2);
    }

    #[test]
    fn refuses_what_cannot_be() {
        let refused = |change: fn(&mut TrainingConfig)| {
            let mut config = TrainingConfig::default();
            change(&mut config);
            config.check().unwrap_err().field
        };
        assert_eq!(TrainingConfig::default().check(), Ok(()));
        assert_eq!(refused(|c| c.epochs = 0), "epochs");
        assert_eq!(refused(|c| c.batch_size = 0), "batch_size");
        assert_eq!(refused(|c| c.label_smoothing = 1.0), "label_smoothing");
        assert_eq!(refused(|c| c.targets = Some([0.9, 0.1])), "targets");
        assert_eq!(
            refused(|c| {
                c.targets = Some([0.0, 1.0]);
                c.label_smoothing = 0.1;
            }),
            "targets"
        );
        assert_eq!(refused(|c| c.schedule = Schedule::Cosine { last: 2.0 }), "schedule.last");
        assert_eq!(
            refused(|c| c.optimizer = OptimizerConfig::Sgd { learning_rate: -1.0, weight_decay: 0.0 }),
            "optimizer.learning_rate"
        );
        assert_eq!(refused(|c| c.filter_snapshots = 1), "filter_snapshots");
        assert_eq!(refused(|c| c.weight_average = Some(1.0)), "weight_average");
        assert_eq!(
            refused(|c| c.early_stopping = Some(EarlyStopping { patience: 0, minimum_improvement: 0.0 })),
            "early_stopping.patience"
        );
    }
}
