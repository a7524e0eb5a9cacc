//! The cross-entropy against Burn's operations.

use burn::tensor::{Device, Tensor, activation};
use proptest::prelude::*;

use super::{
    reference::{tensor, values},
    support::{Noise, close},
};
use crate::{level::Level, operations::on_level};

/// Loss and gradient of three times the loss.
fn outcome(
    z: &[f32],
    q: &[f32],
    shape: [usize; 2],
    loss: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<1>,
) -> (Vec<f32>, Vec<f32>) {
    let device = Device::flex().autodiff();
    let outputs = tensor(z.to_vec(), shape, &device).require_grad();
    let loss = loss(outputs.clone(), tensor(q.to_vec(), shape, &device));
    let gradients = (loss.clone() * 3.0).backward();
    (values(loss), values(outputs.grad(&gradients).expect("it was asked for")))
}

fn plain(outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let batch = outputs.dims()[0] as f64;
    (targets * activation::log_softmax(outputs, 1)).sum().neg() / batch
}

/// Random outputs up to `span` and random targets, not normalised.
fn data([batch, classes]: [usize; 2], span: f32, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut noise = Noise(seed);
    let z = noise.reals(batch * classes).iter().map(|v| v * span).collect();
    (z, noise.reals(batch * classes).iter().map(|v| v.abs()).collect())
}

fn check(z: &[f32], q: &[f32], shape: [usize; 2], what: &str) {
    let expected = outcome(z, q, shape, plain);
    for level in Level::available() {
        let found = outcome(z, q, shape, |outputs, targets| on_level::cross_entropy(outputs, targets, level));
        close(&found.0, &expected.0, &format!("{} loss of {what} {shape:?}", level.name()));
        close(&found.1, &expected.1, &format!("{} gradient of {what} {shape:?}", level.name()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn losses_equal_burns_operations(batch in 1usize..70, classes in 1usize..20, span in 0.1f32..40.0, seed in any::<u64>()) {
        let (z, q) = data([batch, classes], span, seed);
        check(&z, &q, [batch, classes], "random numbers");
    }
}

#[test]
fn huge_zero_and_missing_outputs_behave_as_in_burn() {
    let (mut z, q) = data([7, 10], 1.0, 1);
    check(&[0.0; 70], &q, [7, 10], "zeros");
    check(&z.iter().map(|v| v * 1e6).collect::<Vec<_>>(), &q, [7, 10], "huge numbers");
    z[25] = f32::NAN;
    let (loss, gradient) =
        outcome(&z, &q, [7, 10], |outputs, targets| on_level::cross_entropy(outputs, targets, Level::chosen()));
    assert!(
        loss[0].is_nan() && gradient[20..30].iter().all(|v| v.is_nan()) && gradient[..20].iter().all(|v| !v.is_nan())
    );
}

#[test]
fn gradients_agree_with_finite_differences() {
    let (z, q) = data([3, 10], 2.0, 2);
    for level in Level::available() {
        let of =
            |z: &[f32]| outcome(z, &q, [3, 10], |outputs, targets| on_level::cross_entropy(outputs, targets, level));
        for (index, gradient) in of(&z).1.iter().enumerate() {
            let moved = |by: f32| {
                let mut moved = z.clone();
                moved[index] += by;
                f64::from(of(&moved).0[0])
            };
            let expected = 3.0 * (moved(5e-3) - moved(-5e-3)) / 1e-2;
            assert!((f64::from(*gradient) - expected).abs() < 2e-3, "value {index}: {gradient}, expected {expected}");
        }
    }
}
