//! A block as Burn's own operations, and one with its data as a test case.

use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::support::{Noise, close, close_from};
use crate::{Activation, BlockSpec, Memory, Padding, Pool, level::Level, operations::on_level};

pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the tests use f32 only")
}

/// The activation of Burn, or a composition whose gradient is finite and accurate everywhere.
pub(crate) fn plain_activation<const D: usize>(x: Tensor<D>, kind: Activation) -> Tensor<D> {
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
pub(crate) fn plain(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: &BlockSpec) -> Tensor<4> {
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
pub(crate) struct Case {
    pub input: [usize; 4],
    pub out: usize,
    pub kernel: usize,
    pub spec: BlockSpec,
    pub seed: u64,
}

pub(crate) struct Outcome {
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
            let found = self.outcome(&data, |x, w, b| on_level::block(x, w, b, self.spec.clone(), level));
            let name = level.name();
            close(&found.output, &expected.output, &format!("{name} output of {self:?}"));
            close(&found.input, &expected.input, &format!("{name} input gradient of {self:?}"));
            close(&found.weight, &expected.weight, &format!("{name} weight gradient of {self:?}"));
            // Sums of up to thousands of terms about 1 that may cancel.
            close_from(1.0, &found.bias, &expected.bias, &format!("{name} bias gradient of {self:?}"));
        }
    }
}

/// A block without a border, pooled as `pool` says.
pub(crate) fn spec(before_pool: &[Activation], pool: Pool, after_pool: &[Activation]) -> BlockSpec {
    BlockSpec {
        padding: Padding::Valid,
        before_pool: before_pool.to_vec(),
        pool,
        after_pool: after_pool.to_vec(),
        memory: Memory::ChannelsLast,
    }
}
