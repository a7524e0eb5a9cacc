//! Settings of the update rules.

use std::sync::Arc;

use burn::optim::{AdaGradConfig, AdamWConfig, DynOptimizer, RmsPropConfig, decay::WeightDecayConfig};
use serde::{Deserialize, Serialize};

use super::{adadelta::Adadelta, adam::Adam, descent::Descent};
use crate::data::FieldError;

/// Update rule and its settings. `weight_decay` adds that multiple of the weights to the gradient (L2), except for
/// AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Plain stochastic gradient descent.
    Sgd {
        /// Learning rate, above 0. Default 0.1.
        #[serde(default = "tenth")]
        learning_rate: f64,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Gradient descent with momentum.
    Momentum {
        /// Learning rate, above 0. Default 0.1.
        #[serde(default = "tenth")]
        learning_rate: f64,
        /// Decay of the velocity, 0 to below 1. Default 0.9.
        #[serde(default = "nine_tenths")]
        momentum: f64,
        /// Whether to use Nesterov's variant. Default false.
        #[serde(default)]
        nesterov: bool,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// RMSProp (Tieleman and Hinton, 2012).
    RmsProp {
        /// Learning rate, above 0. Default 0.001.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the mean square, 0 to below 1. Default 0.99.
        #[serde(default = "alpha")]
        alpha: f64,
        /// Added to the square root, above 0. Default 1e-7.
        #[serde(default = "tiny")]
        epsilon: f64,
        /// Decay of the velocity, 0 to below 1. Default 0.
        #[serde(default)]
        momentum: f64,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba, 2015).
    Adam {
        /// Learning rate, above 0. Default 0.001.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the mean gradient, 0 to below 1. Default 0.9.
        #[serde(default = "nine_tenths")]
        beta_1: f64,
        /// Decay of the mean squared gradient, 0 to below 1. Default 0.999.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the square root, above 0. Default 1e-7.
        #[serde(default = "tiny")]
        epsilon: f64,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
    AdamW {
        /// Learning rate, above 0. Default 0.001.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the mean gradient, 0 to below 1. Default 0.9.
        #[serde(default = "nine_tenths")]
        beta_1: f64,
        /// Decay of the mean squared gradient, 0 to below 1. Default 0.999.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the square root, above 0. Default 1e-7.
        #[serde(default = "tiny")]
        epsilon: f64,
        /// Fraction of each weight that a step of learning rate 1 subtracts, at least 0. Default 0.01.
        #[serde(default = "hundredth")]
        weight_decay: f64,
    },
    /// AdaGrad (Duchi et al., 2011).
    AdaGrad {
        /// Learning rate, above 0. Default 0.01.
        #[serde(default = "hundredth")]
        learning_rate: f64,
        /// Decay of the learning rate, which is divided by 1 + decay · steps, at least 0. Default 0.
        #[serde(default)]
        decay: f64,
        /// Added to the square root, above 0. Default 1e-7.
        #[serde(default = "tiny")]
        epsilon: f64,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adadelta (Zeiler, 2012).
    Adadelta {
        /// Learning rate, above 0. Default 1.
        #[serde(default = "one")]
        learning_rate: f64,
        /// Decay of the mean squares, 0 to below 1. Default 0.9.
        #[serde(default = "nine_tenths")]
        rho: f64,
        /// Added to the mean squares before their square roots, above 0. Default 1e-7.
        #[serde(default = "tiny")]
        epsilon: f64,
        /// Weight decay, at least 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn tenth() -> f64 {
    0.1
}

fn hundredth() -> f64 {
    0.01
}

fn thousandth() -> f64 {
    0.001
}

fn nine_tenths() -> f64 {
    0.9
}

fn alpha() -> f64 {
    0.99
}

fn beta_2() -> f64 {
    0.999
}

fn tiny() -> f64 {
    1e-7
}

impl Default for OptimizerConfig {
    /// Adam with its defaults.
    fn default() -> Self {
        Self::Adam { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

impl OptimizerConfig {
    /// Returns the learning rate that the schedule scales.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate, .. }
            | Self::Momentum { learning_rate, .. }
            | Self::RmsProp { learning_rate, .. }
            | Self::Adam { learning_rate, .. }
            | Self::AdamW { learning_rate, .. }
            | Self::AdaGrad { learning_rate, .. }
            | Self::Adadelta { learning_rate, .. } => learning_rate,
        }
    }

    /// Returns the rule without weight decay.
    pub fn without_weight_decay(&self) -> Self {
        let mut rule = self.clone();
        match &mut rule {
            Self::Sgd { weight_decay, .. }
            | Self::Momentum { weight_decay, .. }
            | Self::RmsProp { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. }
            | Self::AdaGrad { weight_decay, .. }
            | Self::Adadelta { weight_decay, .. } => *weight_decay = 0.0,
        }
        rule
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If a number is outside its range.
    pub fn check(&self) -> Result<(), FieldError> {
        let positive = |field: &str, value: f64| {
            let ok = value > 0.0 && value.is_finite();
            if ok { Ok(()) } else { Err(FieldError::new(field, format!("must be above 0, found {value}"))) }
        };
        let share = |field: &str, value: f64| {
            let ok = (0.0..1.0).contains(&value);
            if ok { Ok(()) } else { Err(FieldError::new(field, format!("must be 0 to below 1, found {value}"))) }
        };
        let at_least_zero = |field: &str, value: f64| {
            let ok = value >= 0.0 && value.is_finite();
            if ok { Ok(()) } else { Err(FieldError::new(field, format!("must be at least 0, found {value}"))) }
        };
        positive("learning_rate", self.learning_rate())?;
        match *self {
            Self::Sgd { weight_decay, .. } => at_least_zero("weight_decay", weight_decay),
            Self::Momentum { momentum, weight_decay, .. } => {
                share("momentum", momentum)?;
                at_least_zero("weight_decay", weight_decay)
            }
            Self::RmsProp { alpha, epsilon, momentum, weight_decay, .. } => {
                share("alpha", alpha)?;
                positive("epsilon", epsilon)?;
                share("momentum", momentum)?;
                at_least_zero("weight_decay", weight_decay)
            }
            Self::Adam { beta_1, beta_2, epsilon, weight_decay, .. }
            | Self::AdamW { beta_1, beta_2, epsilon, weight_decay, .. } => {
                share("beta_1", beta_1)?;
                share("beta_2", beta_2)?;
                positive("epsilon", epsilon)?;
                at_least_zero("weight_decay", weight_decay)
            }
            Self::AdaGrad { decay, epsilon, weight_decay, .. } => {
                at_least_zero("decay", decay)?;
                positive("epsilon", epsilon)?;
                at_least_zero("weight_decay", weight_decay)
            }
            Self::Adadelta { rho, epsilon, weight_decay, .. } => {
                share("rho", rho)?;
                positive("epsilon", epsilon)?;
                at_least_zero("weight_decay", weight_decay)
            }
        }
    }

    /// The rule itself.
    pub(super) fn rule(&self) -> Arc<dyn DynOptimizer> {
        let l2 = |penalty: f64| (penalty > 0.0).then(|| WeightDecayConfig::new(penalty as f32));
        match *self {
            Self::Sgd { weight_decay, .. } => Arc::new(Descent { momentum: None, nesterov: false, weight_decay }),
            Self::Momentum { momentum, nesterov, weight_decay, .. } => {
                Arc::new(Descent { momentum: Some(momentum), nesterov, weight_decay })
            }
            Self::RmsProp { alpha, epsilon, momentum, weight_decay, .. } => {
                let config = RmsPropConfig::new()
                    .with_alpha(alpha as f32)
                    .with_epsilon(epsilon as f32)
                    .with_momentum(momentum as f32);
                Arc::new(config.with_weight_decay(l2(weight_decay)).build())
            }
            Self::Adam { beta_1, beta_2, epsilon, weight_decay, .. } => {
                Arc::new(Adam::new(beta_1, beta_2, epsilon, weight_decay))
            }
            Self::AdamW { beta_1, beta_2, epsilon, weight_decay, .. } => {
                let config = AdamWConfig::new()
                    .with_beta_1(beta_1 as f32)
                    .with_beta_2(beta_2 as f32)
                    .with_epsilon(epsilon as f32);
                Arc::new(config.with_weight_decay(weight_decay as f32).build())
            }
            Self::AdaGrad { decay, epsilon, weight_decay, .. } => {
                let config = AdaGradConfig::new().with_lr_decay(decay).with_epsilon(epsilon as f32);
                Arc::new(config.with_weight_decay(l2(weight_decay)).build())
            }
            Self::Adadelta { rho, epsilon, weight_decay, .. } => Arc::new(Adadelta { rho, epsilon, weight_decay }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names_and_defaults() {
        let read = |text: &str| serde_json::from_str::<OptimizerConfig>(text).unwrap();
        for kind in ["sgd", "momentum", "rmsprop", "adam", "adamw", "adagrad", "adadelta"] {
            assert_eq!(read(&format!(r#"{{"kind":"{kind}"}}"#)).check(), Ok(()), "{kind}");
        }
        assert_eq!(read(r#"{"kind":"adam"}"#), OptimizerConfig::default());
        assert!(serde_json::from_str::<OptimizerConfig>(r#"{"kind":"sgd","rho":0.5}"#).is_err());
    }

    #[test]
    fn refuses_what_cannot_be() {
        let refused = |text: &str| serde_json::from_str::<OptimizerConfig>(text).unwrap().check().unwrap_err().field;
        assert_eq!(refused(r#"{"kind":"sgd","learning_rate":0}"#), "learning_rate");
        assert_eq!(refused(r#"{"kind":"adadelta","rho":1}"#), "rho");
        assert_eq!(refused(r#"{"kind":"adam","epsilon":0}"#), "epsilon");
        assert_eq!(refused(r#"{"kind":"adagrad","decay":-1}"#), "decay");
    }
}
