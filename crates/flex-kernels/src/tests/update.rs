//! Twenty steps of every rule against double precision.

use burn::tensor::{Device, Tensor};

use super::{
    reference::{tensor, values},
    support::Noise,
};
use crate::{
    AdadeltaRule, AdamRule, DescentRule, MomentumRule, TwoMeans, level::Level, operations::on_level, two_means_step,
};

const ADADELTA: AdadeltaRule = AdadeltaRule { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.01 };
const ADAM: AdamRule =
    AdamRule { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.01, step: 0 };
const DESCENT: DescentRule = DescentRule { learning_rate: 0.1, weight_decay: 0.01 };
const MOMENTUM: MomentumRule = MomentumRule { learning_rate: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.01 };

/// A weight and up to two kept numbers.
type Numbers = [f64; 3];
type Tensors = [Tensor<2>; 3];

/// Compares `fused` (step, level, numbers, gradient) with `exact` (step, numbers, gradient).
fn check(
    name: &str,
    fused: impl Fn(usize, Level, Tensors, Tensor<2>) -> Tensors,
    exact: impl Fn(i32, Numbers, f64) -> Numbers,
) {
    let device = Device::flex();
    for (level, shape) in
        Level::available().into_iter().flat_map(|level| [[1, 1], [3, 5], [130, 257]].map(|shape| (level, shape)))
    {
        let size = shape[0] * shape[1];
        let mut noise = Noise(4);
        let start = noise.reals(size);
        let mut expected: Vec<Numbers> = start.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect();
        let mut found = [start, vec![0.0; size], vec![0.0; size]].map(|values| tensor(values, shape, &device));
        for step in 1..=20 {
            let gradient = noise.reals(size);
            for (numbers, g) in expected.iter_mut().zip(&gradient) {
                *numbers = exact(step, *numbers, f64::from(*g) + 0.01 * numbers[0]);
            }
            found = fused(step as usize, level, found, tensor(gradient, shape, &device));
        }
        for (index, found) in found.into_iter().enumerate() {
            for (found, expected) in values(found).iter().zip(&expected) {
                let expected = expected[index];
                let same = (f64::from(*found) - expected).abs() <= 2e-5 * expected.abs().max(0.05);
                assert!(same, "{name} {} {shape:?} {index}: {found}, expected {expected}", level.name());
            }
        }
    }
}

fn two_means(rule: impl Fn(usize) -> TwoMeans) -> impl Fn(usize, Level, Tensors, Tensor<2>) -> Tensors {
    move |step, level, [w, a, b], g| {
        let (w, [a, b]) = on_level::two_means(w, g, [a, b], rule(step), level);
        [w, a, b]
    }
}

#[test]
fn steps_equal_the_rules() {
    check(
        "descent",
        |_, level, [w, a, b], g| [on_level::descent(w, g, DESCENT, level), a, b],
        |_, [w, a, b], g| [w - 0.1 * g, a, b],
    );
    for nesterov in [false, true] {
        let fused = |_, level, [w, v, b]: Tensors, g| {
            let (w, v) = on_level::momentum(w, g, v, MomentumRule { nesterov, ..MOMENTUM }, level);
            [w, v, b]
        };
        check("momentum", fused, |_, [w, v, b], g| {
            let v = 0.9 * v + g;
            [w - 0.1 * if nesterov { g + 0.9 * v } else { v }, v, b]
        });
    }
    check("adadelta", two_means(|_| TwoMeans::Adadelta(ADADELTA)), |_, [w, v, u], g| {
        let v = 0.53 * v + 0.47 * g * g;
        let d = g * ((u + 1e-6) / (v + 1e-6)).sqrt();
        [w - 1.4 * d, v, 0.53 * u + 0.47 * d * d]
    });
    check("adam", two_means(|step| TwoMeans::Adam(AdamRule { step, ..ADAM })), |step, [w, m, v], g| {
        let (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g);
        let (mean, square) = (m / (1.0 - 0.9f64.powi(step)), v / (1.0 - 0.999f64.powi(step)));
        [w - 0.01 * mean / (square.sqrt() + 1e-7), m, v]
    });
}

#[test]
fn tensors_that_somebody_else_holds_or_that_are_views_stay_as_they_were() {
    let device = Device::flex();
    let data: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let held: Tensor<2> = tensor(data.clone(), [3, 4], &device);
    let view = held.clone().transpose();
    let zeros = || [(); 2].map(|()| tensor(vec![0.0; 12], [4, 3], &device));
    let rule = TwoMeans::Adadelta(ADADELTA);
    let (w, _) = two_means_step(view.clone(), view.clone(), zeros(), rule);
    assert_eq!(values(held), data);
    let copied = tensor(values(view.clone()), [4, 3], &device);
    let (again, _) = two_means_step(copied, view, zeros(), rule);
    assert_eq!(values(w), values(again));
}

#[test]
#[should_panic(expected = "of another shape")]
fn shapes_that_differ_are_refused() {
    let device = Device::flex();
    let of = |n: usize| tensor(vec![0.0; n], [n], &device);
    let _ = two_means_step(of(4), of(4), [of(3), of(4)], TwoMeans::Adam(ADAM));
}
