//! How a net is trained.

use serde::{Deserialize, Serialize};

use crate::{
    data::FieldError,
    nn::{Loss, NetworkConfig, OptimizerConfig, Schedule, loss::Targets},
};

/// Settings of one training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training images, at least 1. Default 10.
    pub epochs: u32,
    /// Images a step, at least 1; a last smaller batch is used as well. Default 128.
    pub batch_size: usize,
    /// What is made small. Default cross-entropy.
    pub loss: Loss,
    /// Share of each target spread evenly over the ten classes, 0 to below 1. Default 0.
    pub label_smoothing: f64,
    /// The target of a wrong and of the right class, 0 ≤ wrong < right ≤ 1; for instance `[0.01, 0.99]`. Default 0 and
    /// 1.
    pub targets: Option<[f64; 2]>,
    /// The update rule. Default Adam.
    pub optimizer: OptimizerConfig,
    /// Factor on the rule's learning rate. Default constant.
    pub schedule: Schedule,
    /// What decides which epoch is best. Default loss.
    pub monitor: Monitor,
    /// Stop when the validation result has not improved for a while. Default never. Needs validation images.
    pub early_stopping: Option<EarlyStopping>,
    /// Return the weights of the epoch with the best validation result instead of the last epoch's. Default false.
    /// Needs validation images.
    pub keep_best_epoch: bool,
    /// Iterations (batches) between two points of the loss and accuracy that are kept beside those of the epochs; every
    /// epoch ends a point as well. 0, the default: none.
    pub trace: u32,
    /// Pictures of the first layer's filters that are kept, evenly spread from before the first iteration to the end;
    /// at most 400. 0, the default: none, otherwise at least 2.
    pub film: u32,
    /// Validate, keep and return a running average of the weights instead of the last step's (Polyak averaging): the
    /// share of the average kept at each step, above 0 and below 1, for instance 0.999. Default none.
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
            film: 0,
            weight_average: None,
        }
    }
}

/// The validation figure that compares epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Monitor {
    /// Validation loss, lower is better.
    #[default]
    Loss,
    /// Validation accuracy, higher is better.
    Accuracy,
}

/// When to stop before the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without improvement after which training stops, at least 1.
    pub patience: u32,
    /// An epoch counts as better only if it is better by more than this. Default 0.
    #[serde(default)]
    pub minimum_improvement: f64,
}

impl TrainingConfig {
    /// What outputs are compared with in training.
    pub(in crate::nn) fn targets(&self) -> Targets {
        self.targets.map_or(Targets::smoothed(self.label_smoothing), Targets::between)
    }

    /// Refuses a loss that makes no sense for the net or the targets.
    pub fn check_loss(&self, network: &NetworkConfig) -> Result<(), FieldError> {
        self.loss.check(network.output(), self.targets())
    }

    /// What they are compared with in validation: the same, without label smoothing.
    pub(in crate::nn) fn validation_targets(&self) -> Targets {
        self.targets.map_or(Targets::ONE_HOT, Targets::between)
    }

    /// The same loss and update rule for a net that is to know so few images by heart: no label smoothing, weight
    /// decay, schedule, averaged weights or choice of an epoch. Batches hold a tenth of the images, but at least five,
    /// and never more than they did: an epoch then has steps enough for a rule that was chosen for thousands of images.
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
            film: 0,
            ..self.clone()
        }
    }

    /// Refuses settings that cannot be.
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
                return Err(FieldError::new(
                    "targets",
                    "and `label_smoothing` say the same thing in two ways; leave one out",
                ));
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
        if self.film == 1 || self.film > 400 {
            return Err(FieldError::new("film", format!("must be 0 or 2 to 400 pictures, found {}", self.film)));
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
        assert_eq!(refused(|c| c.film = 1), "film");
        assert_eq!(refused(|c| c.weight_average = Some(1.0)), "weight_average");
        assert_eq!(
            refused(|c| c.early_stopping = Some(EarlyStopping { patience: 0, minimum_improvement: 0.0 })),
            "early_stopping.patience"
        );
    }
}
