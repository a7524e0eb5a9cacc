//! Values and slopes of the activations against double precision.

use super::support::EVERY_ACTIVATION;
use crate::{Activation, kernels::Activate, level::Level};

/// Value and slope in double precision.
fn exact(kind: Activation, x: f64) -> (f64, f64) {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    match kind {
        Activation::Identity => (x, 1.0),
        Activation::Relu => {
            if x > 0.0 {
                (x, 1.0)
            } else {
                (0.0, 0.0)
            }
        }
        Activation::LeakyRelu { slope } => {
            if x >= 0.0 {
                (x, 1.0)
            } else {
                (f64::from(slope) * x, f64::from(slope))
            }
        }
        Activation::Elu { alpha } => {
            if x > 0.0 {
                (x, 1.0)
            } else {
                (f64::from(alpha) * x.exp_m1(), f64::from(alpha) * x.exp())
            }
        }
        Activation::Selu => {
            let (scale, alpha) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_2);
            if x >= 0.0 { (scale * x, scale) } else { (scale * alpha * x.exp_m1(), scale * alpha * x.exp()) }
        }
        Activation::Sigmoid => (sigmoid, sigmoid * (1.0 - sigmoid)),
        Activation::Tanh => (x.tanh(), 1.0 - x.tanh().powi(2)),
        Activation::Softplus => ((-x.abs()).exp().ln_1p() + x.max(0.0), sigmoid),
        Activation::Softsign => (x / (1.0 + x.abs()), (1.0 + x.abs()).powi(-2)),
        Activation::Swish => (x * sigmoid, sigmoid + x * sigmoid * (1.0 - sigmoid)),
    }
}

fn points() -> Vec<f32> {
    let mut points: Vec<f32> = (-2000..=2000).map(|i| i as f32 / 100.0).collect();
    for exponent in -30..=38 {
        points.extend([10f32.powi(exponent), -(10f32.powi(exponent))]);
    }
    points.extend([0.0, -0.0, 88.7, 88.8, 89.0, -87.3, -88.0, -103.0, 3e38, -3e38]);
    points.resize(points.len().next_multiple_of(16), 1.0);
    points
}

#[test]
fn activations_and_slopes_are_accurate_and_finite() {
    for level in Level::available() {
        for kind in EVERY_ACTIVATION {
            let points = points();
            let (mut values, mut slopes) = (points.clone(), vec![f32::NAN; points.len()]);
            level.run(Activate { chain: &[kind], values: &mut values, slopes: Some(&mut slopes) });
            for ((x, value), slope) in points.iter().zip(values).zip(slopes) {
                let (y, d) = exact(kind, f64::from(*x));
                let context = format!("{} {kind:?} at {x}", level.name());
                assert!((f64::from(value) - y).abs() <= 1e-6 * y.abs() + 1e-8, "{context}: {value}, expected {y}");
                assert!((f64::from(slope) - d).abs() <= 1e-6, "{context}: slope {slope}, expected {d}");
            }
        }
    }
}

#[test]
fn a_chain_multiplies_its_slopes_and_needs_none_for_inference() {
    for level in Level::available() {
        let chain = [Activation::Selu, Activation::Identity, Activation::Tanh];
        let points = points();
        let (mut values, mut slopes) = (points.clone(), vec![0.0; points.len()]);
        level.run(Activate { chain: &chain, values: &mut values, slopes: Some(&mut slopes) });
        let mut alone = points.clone();
        level.run(Activate { chain: &chain, values: &mut alone, slopes: None });
        assert_eq!(values, alone);
        for (x, slope) in points.iter().zip(slopes) {
            let (y, first) = exact(Activation::Selu, f64::from(*x));
            let (_, second) = exact(Activation::Tanh, y);
            assert!((f64::from(slope) - first * second).abs() <= 3e-6, "at {x}: {slope}, expected {}", first * second);
        }
    }
}

#[test]
fn nan_stays_nan() {
    for level in Level::available() {
        for kind in EVERY_ACTIVATION {
            let mut values = vec![f32::NAN; 16];
            level.run(Activate { chain: &[kind], values: &mut values, slopes: None });
            assert!(values.iter().all(|v| v.is_nan()), "{} {kind:?}", level.name());
        }
    }
}
