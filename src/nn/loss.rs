//! What training makes small.
//!
//! Every loss is written over ln p, where p is the softmax of the outputs, or, for a net without softmax, its raw outputs cut to 1e-7 … 1.
//! Targets are one-hot rows, smoothed if asked for: q = (1 − s)·one-hot + s/10.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::{fused, network::LEAST_PROBABILITY};
use crate::data::CLASSES;

/// The mean over the batch of:
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// −Σ q ln p.
    #[default]
    CrossEntropy,
    /// Σ q (ln q − ln p), the Kullback–Leibler divergence. For one-hot targets it equals the cross-entropy, as ln 1 = 0.
    KullbackLeibler,
    /// Σ (p − q)² / 10. A net without softmax is compared by its raw outputs, not cut.
    Mse,
    /// ½ Σ (√p − √q)², the squared Hellinger distance.
    Hellinger,
}

impl Loss {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::CrossEntropy, Self::KullbackLeibler, Self::Mse, Self::Hellinger];

    /// The loss of `outputs` `[batch, 10]` (before any softmax) against `targets` `[batch, 10]`: `[1]`.
    ///
    /// `softmax` says whether the outputs stand for probabilities through a softmax.
    pub fn forward(self, outputs: Tensor<2>, targets: Tensor<2>, softmax: bool) -> Tensor<1> {
        if self == Self::Mse {
            let p = if softmax { activation::softmax(outputs, 1) } else { outputs };
            return (p - targets).square().mean();
        }
        if self == Self::CrossEntropy && softmax && fused::available(&outputs.device()) {
            return fused::cross_entropy(outputs, targets);
        }
        let batch = outputs.dims()[0] as f64;
        let ln_p = if softmax { activation::log_softmax(outputs, 1) } else { outputs.clamp(LEAST_PROBABILITY, 1.0).log() };
        let sum = match self {
            Self::CrossEntropy => (targets * ln_p).sum().neg(),
            Self::KullbackLeibler => {
                // q ln q is 0 for q = 0.
                let ln_q = targets.clone().clamp_min(f64::from(f32::MIN_POSITIVE)).log();
                (targets * (ln_q - ln_p)).sum()
            }
            Self::Hellinger => ((ln_p * 0.5).exp() - targets.sqrt()).square().sum() * 0.5,
            Self::Mse => unreachable!("returned above"),
        };
        sum / batch
    }
}

/// One-hot targets for these labels, smoothed by `smoothing` (0 to below 1): `[labels, 10]`, row-major.
pub(super) fn targets(labels: &[u8], smoothing: f64) -> Vec<f32> {
    let low = (smoothing / CLASSES as f64) as f32;
    let high = (1.0 - smoothing + smoothing / CLASSES as f64) as f32;
    let mut targets = vec![low; labels.len() * CLASSES];
    for (row, &label) in targets.as_chunks_mut::<CLASSES>().0.iter_mut().zip(labels) {
        row[usize::from(label)] = high;
    }
    targets
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn loss(loss: Loss, outputs: [[f32; CLASSES]; 2], smoothing: f64, softmax: bool) -> f32 {
        let device = Device::flex();
        let targets = Tensor::from_data(TensorData::new(targets(&[0, 3], smoothing), [2, CLASSES]), &device);
        loss.forward(Tensor::from_data(outputs, &device), targets, softmax).into_scalar()
    }

    #[test]
    fn an_even_guess_costs_what_it_should() {
        let even = [[0.1; CLASSES]; 2];
        let ln10 = 10f32.ln();
        for softmax in [true, false] {
            assert!((loss(Loss::CrossEntropy, even, 0.0, softmax) - ln10).abs() < 1e-5);
            assert!((loss(Loss::KullbackLeibler, even, 0.0, softmax) - ln10).abs() < 1e-5);
            assert!((loss(Loss::Mse, even, 0.0, softmax) - 0.09).abs() < 1e-6);
            assert!((loss(Loss::Hellinger, even, 0.0, softmax) - (1.0 - 0.1f32.sqrt())).abs() < 1e-5);
        }
        // Against a fully smoothed target the divergences vanish, the cross-entropy keeps the target's entropy.
        let smooth = 1.0 - 1e-9;
        assert!((loss(Loss::CrossEntropy, even, smooth, true) - ln10).abs() < 1e-5);
        assert!(loss(Loss::KullbackLeibler, even, smooth, true).abs() < 1e-5);
        assert!(loss(Loss::Hellinger, even, smooth, true).abs() < 1e-5);
    }

    #[test]
    fn gradients_stay_finite_at_the_edges() {
        let device = Device::flex().autodiff();
        for which in Loss::ALL {
            for (softmax, scale) in [(true, 1000.0f32), (true, -1000.0), (false, 1.0), (false, 0.0), (false, -5.0)] {
                let mut row = [[0.0f32; CLASSES]];
                row[0][0] = scale;
                let outputs = Tensor::<2>::from_data(row, &device).require_grad();
                let targets = Tensor::from_data(TensorData::new(targets(&[0], 0.0), [1, CLASSES]), &device);
                let gradients = which.forward(outputs.clone(), targets, softmax).backward();
                let gradient = outputs.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
                assert!(gradient.iter().all(|value| value.is_finite()), "{which:?} {softmax} {scale}: {gradient:?}");
            }
        }
    }
}
