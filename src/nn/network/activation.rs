//! Activation functions.
//!
//! Burn's own `selu` and `elu` compute `exp(x)` for every `x` and mask afterwards, so their gradient is 0 · ∞ = NaN
//! above about 88.7. Here the exponential only ever sees `min(x, 0)`.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// λα and λ of *Self-Normalizing Neural Networks* (Klambauer et al., 2017).
pub(in crate::nn) const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
pub(in crate::nn) const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// Slope of the leaky ReLU below zero.
pub(in crate::nn) const LEAK: f64 = 0.01;

/// Elementwise activation function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0).
    #[default]
    Relu,
    /// x above zero, eˣ − 1 below.
    Elu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ); also read as `logistic`.
    #[serde(alias = "logistic")]
    Sigmoid,
    /// Scaled ELU with the constants that keep mean 0 and variance 1.
    Selu,
    /// ln(1 + eˣ).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x above zero, 0.01·x below.
    LeakyRelu,
    /// x · sigmoid(x); not monotone.
    Swish,
}

impl Activation {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Relu,
        Self::Elu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Selu,
        Self::Softplus,
        Self::Softsign,
        Self::LeakyRelu,
        Self::Swish,
    ];

    /// Tells whether a larger input never gives a smaller output, so that the function commutes with a maximum.
    pub fn is_monotone(self) -> bool {
        self != Self::Swish
    }

    /// Applies the function to every element; the gradient is finite wherever the input is.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Elu => {
                let (positive, negative) = split(x);
                positive + negative.exp().sub_scalar(1.0)
            }
            Self::Tanh => x.tanh(),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Selu => {
                let (positive, negative) = split(x);
                let negative = negative.exp().mul_scalar(SELU_SCALE * SELU_ALPHA).sub_scalar(SELU_SCALE * SELU_ALPHA);
                positive.mul_scalar(SELU_SCALE) + negative
            }
            Self::Softplus => activation::softplus(x, 1.0),
            Self::Softsign => activation::softsign(x),
            Self::LeakyRelu => activation::leaky_relu(x, LEAK),
            Self::Swish => activation::silu(x),
        }
    }
}

impl Activation {
    /// Returns the function as an operation of the CPU kernels.
    pub(in crate::nn) fn fused(self) -> flex_kernels::Activation {
        match self {
            Self::Relu => flex_kernels::Activation::Relu,
            Self::Elu => flex_kernels::Activation::Elu { alpha: 1.0 },
            Self::Tanh => flex_kernels::Activation::Tanh,
            Self::Sigmoid => flex_kernels::Activation::Sigmoid,
            Self::Selu => flex_kernels::Activation::Selu,
            Self::Softplus => flex_kernels::Activation::Softplus,
            Self::Softsign => flex_kernels::Activation::Softsign,
            Self::LeakyRelu => flex_kernels::Activation::LeakyRelu { slope: LEAK as f32 },
            Self::Swish => flex_kernels::Activation::Swish,
        }
    }
}

/// max(x, 0) and min(x, 0). The gradient at 0 goes to the second.
fn split<const D: usize>(x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let positive = activation::relu(x.clone());
    (positive.clone(), x - positive)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn gradients_are_finite_far_from_zero() {
        let device = Device::flex().autodiff();
        for activation in Activation::ALL {
            let x = Tensor::<1>::from_floats([-1000.0, -100.0, -1.0, 0.0, 1.0, 88.0, 89.0, 100.0, 1000.0], &device)
                .require_grad();
            let y = activation.forward(x.clone());
            let gradients = y.clone().sum().backward();
            let gradient = x.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
            let value = y.into_data().try_to_vec::<f32>().unwrap();
            assert!(value.iter().chain(&gradient).all(|v| v.is_finite()), "{activation:?}: {value:?} {gradient:?}");
        }
    }

    #[test]
    fn selu_has_its_constants() {
        let device = Device::flex().autodiff();
        let x = Tensor::<1>::from_floats([-1.0, 0.0, 100.0], &device).require_grad();
        let y = Activation::Selu.forward(x.clone());
        let gradient = x.grad(&y.clone().sum().backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let value = y.into_data().try_to_vec::<f32>().unwrap();
        for (found, expected) in value.iter().zip([-1.111_330_7, 0.0, 105.070_1]).chain(gradient.iter().zip([
            0.646_768_6,
            1.758_099_3,
            1.050_701,
        ])) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn monotone_ones_are() {
        let device = Device::flex();
        let x: Vec<f32> = (-400..400).map(|i| i as f32 / 40.0).collect();
        for activation in Activation::ALL {
            let y = activation
                .forward(Tensor::<1>::from_floats(x.as_slice(), &device))
                .into_data()
                .try_to_vec::<f32>()
                .unwrap();
            let rising = y.windows(2).all(|pair| pair[1] >= pair[0]);
            assert_eq!(rising, activation.is_monotone(), "{activation:?}");
        }
    }

    #[test]
    fn names_are_kebab_case() {
        assert_eq!(serde_json::to_string(&Activation::LeakyRelu).unwrap(), "\"leaky-relu\"");
        assert_eq!(serde_json::from_str::<Activation>("\"logistic\"").unwrap(), Activation::Sigmoid);
    }
}
