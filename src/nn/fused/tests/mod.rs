//! The fused block against the same block made of Burn's own operations, on every level this processor has.
//!
//! Inputs and weights are small multiples of 1/4 and 1/8, so that every convolution sum is exact in any order: values,
//! ties and winners of the pool must then agree exactly, and only the activations round.

mod cross_entropy;
mod dense;
mod functions;
mod guarantees;
mod norm;
mod training;
mod update;
mod winograd;

use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation};
use proptest::prelude::*;

use super::level::Level;
use super::{Activation, BlockSpec, Memory, Padding, Pool, run};

/// A generator good enough for test data.
pub(super) struct Noise(pub u64);

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

pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the tests use f32 only")
}

/// Runs `f` in a pool of so many threads.
pub(super) fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads").install(f)
}

pub(super) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// The activation of Burn, or a composition whose gradient is finite and accurate everywhere.
pub(super) fn plain_activation<const D: usize>(x: Tensor<D>, kind: Activation) -> Tensor<D> {
    let exponential = |x: Tensor<D>, scale: f64, limit: f64, right: Tensor<D, burn::tensor::Bool>| {
        let left = x.clone().clamp_max(0.0).exp().sub_scalar(1.0).mul_scalar(limit);
        left.mask_where(right, x.mul_scalar(scale))
    };
    match kind {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::LeakyRelu { slope } => activation::leaky_relu(x, slope.into()),
        Activation::Elu { alpha } => exponential(x.clone(), 1.0, alpha.into(), x.greater_scalar(0.0)),
        Activation::Selu => {
            exponential(x.clone(), 1.050_700_987_355_480_5, 1.758_099_340_847_376_6, x.greater_equal_scalar(0.0))
        }
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Tanh => activation::tanh(x),
        Activation::Softplus => activation::softplus(x, 1.0),
        Activation::Softsign => {
            // Further out the gradient of x / (1 + |x|) is a difference of nearly equal numbers.
            let size = x.clone().abs();
            let far = x.clone().sign() * size.clone().add_scalar(1.0).recip().neg().add_scalar(1.0);
            (x / size.clone().add_scalar(1.0)).mask_where(size.greater_scalar(1.0), far)
        }
        Activation::Swish => x.clone() * activation::sigmoid(x),
    }
}

/// The block as Burn's own operations.
pub(super) fn plain(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: &BlockSpec) -> Tensor<4> {
    let [_, _, kernel, _] = weight.dims();
    let border = if spec.padding == Padding::Same { kernel / 2 } else { 0 };
    let x = conv2d(input, weight, Some(bias), ConvOptions::new([1, 1], [border, border], [1, 1], 1));
    let chain = |x, activations: &[Activation]| activations.iter().fold(x, |x, &kind| plain_activation(x, kind));
    let x = chain(x, &spec.before_pool);
    let x = match spec.pool {
        Pool::None => x,
        Pool::Max2x2 => max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2])),
        Pool::Average2x2 => avg_pool2d(x, AvgPoolOptions::new([2, 2]).with_stride([2, 2])),
    };
    chain(x, &spec.after_pool)
}

/// One block with its data.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub input: [usize; 4],
    pub out: usize,
    pub kernel: usize,
    pub spec: BlockSpec,
    pub seed: u64,
}

pub(super) struct Outcome {
    pub output: Vec<f32>,
    pub input: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Case {
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.out, self.input[1], self.kernel, self.kernel]
    }

    pub fn data(&self) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut noise = Noise(self.seed);
        let size = |shape: [usize; 4]| shape.iter().product();
        let (input, weight) = (noise.steps(size(self.input), 4, 4.0), noise.steps(size(self.weight_shape()), 3, 8.0));
        // The mean of odd functions at x and −x is 0 or nearly so, where many a slope jumps: then no two sums are
        // opposite.
        let shift = if self.spec.pool == Pool::Average2x2 { 1.0 / 128.0 } else { 0.0 };
        (input, weight, noise.steps(self.out, 4, 8.0).iter().map(|v| v + shift).collect())
    }

    /// Output and gradients of `Σ output · coefficients`, computed by `block`.
    pub fn outcome(
        &self,
        data: &(Vec<f32>, Vec<f32>, Vec<f32>),
        block: impl Fn(Tensor<4>, Tensor<4>, Tensor<1>) -> Tensor<4>,
    ) -> Outcome {
        let device = Device::flex().autodiff();
        let x = tensor(data.0.clone(), self.input, &device).require_grad();
        let w = tensor(data.1.clone(), self.weight_shape(), &device).require_grad();
        let b = tensor(data.2.clone(), [self.out], &device).require_grad();
        let y = block(x.clone(), w.clone(), b.clone());
        let shape = y.dims();
        let coefficients = tensor(Noise(self.seed ^ 1).steps(shape.iter().product(), 4, 4.0), shape, &device);
        let gradients = (y.clone() * coefficients).sum().backward();
        let gradient = |g: Option<Tensor<4>>| values(g.expect("it was asked for"));
        Outcome {
            output: values(y),
            input: gradient(x.grad(&gradients)),
            weight: gradient(w.grad(&gradients)),
            bias: values(b.grad(&gradients).expect("it was asked for")),
        }
    }

    /// Compares every level with Burn's operations.
    pub fn check(&self) {
        let data = self.data();
        let expected = self.outcome(&data, |x, w, b| plain(x, w, b, &self.spec));
        for level in Level::available() {
            let found = self.outcome(&data, |x, w, b| run(x, w, b, self.spec.clone(), level));
            let name = level.name();
            close(&found.output, &expected.output, &format!("{name} output of {self:?}"));
            close(&found.input, &expected.input, &format!("{name} input gradient of {self:?}"));
            close(&found.weight, &expected.weight, &format!("{name} weight gradient of {self:?}"));
            // Sums of up to thousands of terms about 1 that may cancel.
            close_from(1.0, &found.bias, &expected.bias, &format!("{name} bias gradient of {self:?}"));
        }
    }
}

/// Equal within 1e-5 of the largest value; NaN only where NaN is expected.
pub(super) fn close(found: &[f32], expected: &[f32], what: &str) {
    close_from(1e-3, found, expected, what);
}

/// The same where the largest value counts as at least `least`.
pub(super) fn close_from(least: f32, found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().filter(|v| v.is_finite()).fold(least, |scale, v| scale.max(v.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let same = f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= 1e-5 * scale;
        assert!(same, "{what}: value {i} is {f}, expected {e} (largest {scale})");
    }
}

pub(super) const EVERY_ACTIVATION: [Activation; 10] = [
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

pub(super) const EVERY_POOL: [Pool; 3] = [Pool::None, Pool::Max2x2, Pool::Average2x2];

/// A block without a border, pooled as `pool` says.
pub(super) fn spec(before_pool: &[Activation], pool: Pool, after_pool: &[Activation]) -> BlockSpec {
    BlockSpec {
        padding: Padding::Valid,
        before_pool: before_pool.to_vec(),
        pool,
        after_pool: after_pool.to_vec(),
        memory: Memory::ChannelsLast,
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let chain = || proptest::collection::vec(proptest::sample::select(&EVERY_ACTIVATION[..]), 0..3);
    let sizes = (1usize..=9, 1usize..=20, 7usize..=13, 7usize..=13, 1usize..=40, 0usize..4);
    let kinds = (any::<bool>(), any::<bool>(), chain(), proptest::sample::select(&EVERY_POOL[..]), chain());
    (sizes, kinds, any::<u64>()).prop_map(|((batch, channels, height, width, out, kernel), kinds, seed)| {
        let (same, contiguous, before_pool, pool, after_pool) = kinds;
        let kernel = 2 * kernel + 1;
        // A 7×7 kernel leaves one row of a 7-row image: too little for a pool.
        let (height, width) = (height + usize::from(kernel == 7), width + usize::from(kernel == 7));
        Case {
            input: [batch, channels, height, width],
            out,
            kernel,
            spec: BlockSpec {
                padding: if same { Padding::Same } else { Padding::Valid },
                before_pool,
                pool,
                after_pool,
                memory: if contiguous { Memory::Contiguous } else { Memory::ChannelsLast },
            },
            seed,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_burns_operations(case in cases()) {
        case.check();
    }
}

/// The shapes with a path of their own: short segments, exact channels, one and several vectors, images of several
/// tasks.
#[test]
fn equals_burns_operations_on_the_shapes_of_the_reference_net() {
    let selu = spec(&[], Pool::Max2x2, &[Activation::Selu; 2]);
    Case { input: [5, 1, 28, 28], out: 64, kernel: 3, spec: selu.clone(), seed: 1 }.check();
    Case { input: [5, 64, 13, 13], out: 128, kernel: 3, spec: selu.clone(), seed: 2 }.check();
    for (pool, first) in [(Pool::Average2x2, Activation::Selu), (Pool::Max2x2, Activation::Swish)] {
        let spec = spec(&[first], pool, &[Activation::Selu]);
        Case { input: [5, 1, 28, 28], out: 64, kernel: 3, spec: spec.clone(), seed: 5 }.check();
        Case { input: [5, 64, 13, 13], out: 128, kernel: 3, spec, seed: 6 }.check();
    }
    let same = BlockSpec { padding: Padding::Same, pool: Pool::None, ..selu };
    // Nothing follows: directly and by tiles, images alone, together and in pieces.
    let plain = BlockSpec { after_pool: Vec::new(), ..same.clone() };
    for (input, out, kernel) in [
        ([5, 1, 12, 12], 32, 3),
        ([3, 32, 28, 28], 32, 3),
        ([9, 64, 7, 7], 128, 3),
        ([20, 128, 3, 3], 64, 3),
        ([2, 5, 9, 8], 7, 5),
    ] {
        let valid = BlockSpec { padding: Padding::Valid, memory: Memory::Contiguous, ..plain.clone() };
        let fits = input[2] > kernel;
        for spec in [plain.clone(), valid].into_iter().take(1 + usize::from(fits)) {
            Case { input, out, kernel, spec, seed: 7 }.check();
        }
    }
    Case { input: [3, 2, 9, 8], out: 16, kernel: 3, spec: same.clone(), seed: 3 }.check();
    Case { input: [2, 1, 14, 15], out: 33, kernel: 7, spec: same, seed: 4 }.check();
}
