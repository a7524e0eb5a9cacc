//! Training losses.
//!
//! Most losses compare p with the targets q, where p are the outputs converted as the net's [`Output`] says: by a
//! softmax, by a sigmoid each, or unchanged. Losses with a logarithm clamp p to 1e-7 … 1. The hinge loss uses the
//! outputs unchanged.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::{
    data::{CLASSES, FieldError},
    nn::network::output::{LEAST_PROBABILITY, Output},
};

/// Training loss: the mean over the batch of one of these sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// −Σ q ln p.
    #[default]
    CrossEntropy,
    /// Σ q (ln q − ln p), the Kullback–Leibler divergence. For one-hot targets it equals the cross-entropy, as ln 1 =
    /// 0.
    KullbackLeibler,
    /// Σ (p − q)² / 10. Raw outputs are not clamped.
    Mse,
    /// ½ Σ (√p − √q)², the squared Hellinger distance.
    Hellinger,
    /// Σ max(0, sᵢ − s + 1) over the wrong classes i, where s is the right class's output before any softmax: the
    /// multiclass support-vector machine (Weston and Watkins, 1999).
    Hinge,
}

impl Loss {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::CrossEntropy, Self::KullbackLeibler, Self::Mse, Self::Hellinger, Self::Hinge];

    /// Computes the loss `[1]` of `outputs` `[batch, 10]` against `targets` `[batch, 10]`; `output` converts the
    /// outputs to probabilities.
    pub fn forward(self, outputs: Tensor<2>, targets: Tensor<2>, output: Output) -> Tensor<1> {
        let batch = outputs.dims()[0] as f64;
        if self == Self::CrossEntropy && output == Output::Softmax && flex_kernels::available(&outputs.device()) {
            return flex_kernels::cross_entropy(outputs, targets);
        }
        let ln_p = |outputs| match output {
            Output::Softmax => activation::log_softmax(outputs, 1),
            Output::Sigmoid | Output::Raw => output.activations(outputs).clamp(LEAST_PROBABILITY, 1.0).log(),
        };
        let sum = match self {
            Self::CrossEntropy => (targets * ln_p(outputs)).sum().neg(),
            Self::KullbackLeibler => {
                // q ln q is 0 for q = 0.
                let ln_q = targets.clone().clamp_min(f64::from(f32::MIN_POSITIVE)).log();
                (targets * (ln_q - ln_p(outputs))).sum()
            }
            Self::Mse => (output.activations(outputs) - targets).square().sum() / CLASSES as f64,
            Self::Hellinger => ((ln_p(outputs) * 0.5).exp() - targets.sqrt()).square().sum() * 0.5,
            Self::Hinge => {
                let right = (outputs.clone() * targets.clone()).sum_dim(1);
                // 1 − q: the right class's own margin is 0.
                activation::relu(outputs - right + (targets.neg() + 1.0)).sum()
            }
        };
        sum / batch
    }

    /// Checks that the loss is defined for the output and the targets.
    pub(in crate::nn) fn check(self, output: Output, targets: Targets) -> Result<(), FieldError> {
        if output == Output::Sigmoid && matches!(self, Self::CrossEntropy | Self::KullbackLeibler) {
            let problem =
                "needs outputs that add up to 1, which ten sigmoids do not; use loss \"mse\" or output \"softmax\"";
            return Err(FieldError::new("loss", problem));
        }
        if self == Self::Hinge && targets != Targets::ONE_HOT {
            return Err(FieldError::new(
                "loss",
                "\"hinge\" uses labels only; leave out `targets` and `label_smoothing`",
            ));
        }
        Ok(())
    }
}

/// Target values of a wrong and of the right class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::nn) struct Targets {
    /// Target of every wrong class.
    low: f32,
    /// Target of the right class.
    high: f32,
}

impl Targets {
    /// One-hot targets, 0 and 1.
    pub const ONE_HOT: Self = Self { low: 0.0, high: 1.0 };

    /// Returns smoothed targets q = (1 − s)·one-hot + s/10, s being 0 to below 1.
    pub fn smoothed(smoothing: f64) -> Self {
        let low = smoothing / CLASSES as f64;
        Self { low: low as f32, high: (1.0 - smoothing + low) as f32 }
    }

    /// Returns these two targets.
    pub fn between([low, high]: [f64; 2]) -> Self {
        Self { low: low as f32, high: high as f32 }
    }

    /// Returns the targets of labels, `[labels, 10]`, row-major.
    pub fn rows(self, labels: &[u8]) -> Vec<f32> {
        let mut rows = vec![self.low; labels.len() * CLASSES];
        for (row, &label) in rows.as_chunks_mut::<CLASSES>().0.iter_mut().zip(labels) {
            row[usize::from(label)] = self.high;
        }
        rows
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn loss(loss: Loss, outputs: [[f32; CLASSES]; 2], smoothing: f64, output: Output) -> f32 {
        let device = Device::flex();
        let targets =
            Tensor::from_data(TensorData::new(Targets::smoothed(smoothing).rows(&[0, 3]), [2, CLASSES]), &device);
        loss.forward(Tensor::from_data(outputs, &device), targets, output).into_scalar()
    }

    #[test]
    fn an_even_guess_costs_what_it_should() {
        let even = [[0.1; CLASSES]; 2];
        let ln10 = 10f32.ln();
        for output in [Output::Softmax, Output::Raw] {
            assert!((loss(Loss::CrossEntropy, even, 0.0, output) - ln10).abs() < 1e-5);
            assert!((loss(Loss::KullbackLeibler, even, 0.0, output) - ln10).abs() < 1e-5);
            assert!((loss(Loss::Mse, even, 0.0, output) - 0.09).abs() < 1e-6);
            assert!((loss(Loss::Hellinger, even, 0.0, output) - (1.0 - 0.1f32.sqrt())).abs() < 1e-5);
        }
        // Against a fully smoothed target the divergences vanish, the cross-entropy keeps the target's entropy.
        let smooth = 1.0 - 1e-9;
        assert!((loss(Loss::CrossEntropy, even, smooth, Output::Softmax) - ln10).abs() < 1e-5);
        assert!(loss(Loss::KullbackLeibler, even, smooth, Output::Softmax).abs() < 1e-5);
        assert!(loss(Loss::Hellinger, even, smooth, Output::Softmax).abs() < 1e-5);
    }

    #[test]
    fn gradients_stay_finite_at_the_edges() {
        let device = Device::flex().autodiff();
        for which in Loss::ALL {
            let scales =
                [(Output::Softmax, 1000.0f32), (Output::Softmax, -1000.0), (Output::Raw, 1.0), (Output::Raw, 0.0)];
            for (output, scale) in
                scales.into_iter().chain([(Output::Raw, -5.0), (Output::Sigmoid, 200.0), (Output::Sigmoid, -200.0)])
            {
                let mut row = [[0.0f32; CLASSES]];
                row[0][0] = scale;
                let outputs = Tensor::<2>::from_data(row, &device).require_grad();
                let targets = Tensor::from_data(TensorData::new(Targets::ONE_HOT.rows(&[0]), [1, CLASSES]), &device);
                let gradients = which.forward(outputs.clone(), targets, output).backward();
                let gradient = outputs.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
                assert!(gradient.iter().all(|value| value.is_finite()), "{which:?} {output:?} {scale}: {gradient:?}");
            }
        }
    }

    #[test]
    fn the_hinge_counts_margins_below_one() {
        let mut outputs = [[0.0f32; CLASSES]; 2];
        // Right by 2: no loss. Wrong by 1 for one class, by a margin of 0.5 right for the other eight.
        outputs[0][0] = 2.0;
        outputs[1] = [-0.5; CLASSES];
        outputs[1][3] = 0.0;
        outputs[1][7] = 1.0;
        for output in Output::ALL {
            assert!((loss(Loss::Hinge, outputs, 0.0, output) - (2.0 + 8.0 * 0.5) / 2.0).abs() < 1e-6);
        }
    }

    #[test]
    fn losses_that_make_no_sense_are_refused() {
        let one_hot = Targets::ONE_HOT;
        assert_eq!(Loss::CrossEntropy.check(Output::Sigmoid, one_hot).unwrap_err().field, "loss");
        assert!(Loss::Hinge.check(Output::Softmax, Targets::smoothed(0.1)).is_err());
        for loss in Loss::ALL {
            assert!(loss.check(Output::Softmax, one_hot).is_ok());
        }
        assert!(Loss::Mse.check(Output::Sigmoid, Targets::between([0.01, 0.99])).is_ok());
    }
}
