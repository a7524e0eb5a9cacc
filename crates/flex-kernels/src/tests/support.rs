//! Test data and comparisons that need no Burn.

use crate::{Activation, Pool};

/// A generator good enough for test data.
pub(crate) struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// `len` values among `-span..=span`, divided by `unit`.
    pub fn steps(&mut self, len: usize, span: i32, unit: f32) -> Vec<f32> {
        (0..len).map(|_| (self.next() % (2 * span as u32 + 1)) as f32 - span as f32).map(|v| v / unit).collect()
    }

    /// `len` values in `-1..1`.
    pub fn reals(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next() as f32 / (1u32 << 30) as f32 - 1.0).collect()
    }
}

/// Runs `f` in a pool of so many threads.
pub(crate) fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads").install(f)
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Equal within 1e-5 of the largest value; NaN only where NaN is expected.
pub(crate) fn close(found: &[f32], expected: &[f32], what: &str) {
    close_from(1e-3, found, expected, what);
}

/// Asserts closeness relative to the largest expected value, which counts as at least `least`.
pub(crate) fn close_from(least: f32, found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().filter(|v| v.is_finite()).fold(least, |scale, v| scale.max(v.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let same = f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= 1e-5 * scale;
        assert!(same, "{what}: value {i} is {f}, expected {e} (largest {scale})");
    }
}

pub(crate) const EVERY_ACTIVATION: [Activation; 10] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.01 },
    Activation::Elu { alpha: 1.0 },
    Activation::Selu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softplus,
    Activation::Softsign,
    Activation::Swish,
];

pub(crate) const EVERY_POOL: [Pool; 3] = [Pool::None, Pool::Max2x2, Pool::Average2x2];
