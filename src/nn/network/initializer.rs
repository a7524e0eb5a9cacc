//! Initial weights of a net.
//!
//! They are drawn on the host from the run's [`Seed`], not by Burn's initializers: those share one generator of the
//! process, so that two folds trained at once would affect each other.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::activation::Activation;
use crate::{data::FieldError, seed::Seed};

/// Distribution of a layer's initial weights. Biases start at zero.
///
/// "Fan in" is the number of inputs of one unit, "fan out" the number of units that one input reaches (times the
/// kernel's area).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Initializer {
    /// Chosen by the layer's activation: LeCun-normal for SELU, softplus and the output layer, He-normal for ReLU,
    /// leaky ReLU, ELU and swish, Glorot-uniform for tanh, sigmoid and softsign.
    #[default]
    Auto,
    /// Normal, variance 1 / fan in (LeCun et al., *Efficient BackProp*, 1998).
    LecunNormal,
    /// Normal, variance 2 / fan in (He et al., 2015).
    HeNormal,
    /// Uniform, variance 2 / (fan in + fan out) (Glorot and Bengio, 2010).
    GlorotUniform,
    /// Normal with this standard deviation.
    Normal(f64),
}

impl Initializer {
    /// Checks the standard deviation.
    ///
    /// # Errors
    /// If it is not finite and above 0.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::Normal(deviation) if !(deviation.is_finite() && *deviation > 0.0) => {
                Err(FieldError::new("normal", format!("the standard deviation must be above 0, found {deviation}")))
            }
            _ => Ok(()),
        }
    }

    /// Draws `count` weights for a layer followed by `activation` (`None`: the output layer).
    pub(in crate::nn) fn draw(
        self,
        count: usize,
        fan_in: usize,
        fan_out: usize,
        activation: Option<Activation>,
        seed: Seed,
    ) -> Vec<f32> {
        let mut rng = seed.rng();
        match self.resolve(activation) {
            Self::GlorotUniform => {
                let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
                (0..count).map(|_| ((rng.random::<f64>() * 2.0 - 1.0) * limit) as f32).collect()
            }
            normal => {
                let deviation = match normal {
                    Self::HeNormal => (2.0 / fan_in as f64).sqrt(),
                    Self::Normal(deviation) => deviation,
                    _ => (1.0 / fan_in as f64).sqrt(),
                };
                // Box–Muller, one of the pair; 1 − u is never 0.
                let mut next = || {
                    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
                    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
                };
                (0..count).map(|_| (next() * deviation) as f32).collect()
            }
        }
    }

    fn resolve(self, activation: Option<Activation>) -> Self {
        match (self, activation) {
            (Self::Auto, None | Some(Activation::Selu | Activation::Softplus)) => Self::LecunNormal,
            (Self::Auto, Some(Activation::Tanh | Activation::Sigmoid | Activation::Softsign)) => Self::GlorotUniform,
            (Self::Auto, Some(_)) => Self::HeNormal,
            (named, _) => named,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(values: &[f32]) -> f64 {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    #[test]
    fn variances_are_as_documented() {
        let cases = [
            (Initializer::Auto, Some(Activation::Selu), (1.0f64 / 50.0).sqrt()),
            (Initializer::Auto, Some(Activation::Relu), (2.0f64 / 50.0).sqrt()),
            (Initializer::Auto, Some(Activation::Tanh), (2.0f64 / 80.0).sqrt()),
            (Initializer::Auto, None, (1.0f64 / 50.0).sqrt()),
            (Initializer::Normal(0.3), Some(Activation::Relu), 0.3),
        ];
        for (initializer, activation, expected) in cases {
            let values = initializer.draw(40_000, 50, 30, activation, Seed(3));
            assert!((deviation(&values) / expected - 1.0).abs() < 0.02, "{initializer:?} {activation:?}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_weights_again() {
        let draw = |seed| Initializer::HeNormal.draw(10, 5, 2, None, Seed(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn refuses_a_deviation_of_zero() {
        assert!(Initializer::Normal(0.0).check().is_err());
        assert!(Initializer::Normal(f64::NAN).check().is_err());
        assert!(Initializer::Normal(0.1).check().is_ok());
    }
}
