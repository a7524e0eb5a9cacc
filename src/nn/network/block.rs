//! Convolutions → pool → activation: the unit a convolutional net is made of.
//!
//! A block is one call from `[batch, channels, height, width]` to the pooled and activated map, so that how it is
//! computed concerns nobody outside. A monotone activation and a maximum commute: the
//! pool goes first, and the activation sees a quarter of the elements. On the CPU each convolution is one operation
//! with all that follows it ([`flex_kernels`]); on a GPU, and for even and very large kernels, the block is composed of
//! Burn's.

use burn::{
    module::{Module, Param},
    tensor::{
        Tensor,
        module::{avg_pool2d, batch_norm_train, conv2d, max_pool2d},
        ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
    },
};
use flex_kernels::{BlockSpec, Memory, NormSpec, PoolKind};

use super::{
    activation::Activation,
    config::Pool,
    normalization::{EPSILON, Norm},
};

/// Convolution of stride 1 with the norm behind it.
#[derive(Module, Debug)]
pub struct Convolution {
    /// Weight, `[out, in, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// Bias, `[out]`; absent if a norm follows.
    pub bias: Option<Param<Tensor<1>>>,
    /// Between the convolution and the activation.
    pub norm: Option<Norm>,
    #[module(skip)]
    pub(in crate::nn) padding: usize,
}

impl Convolution {
    /// Weight `[out, in, kernel, kernel]` and bias `[out]` of the plain convolution that gives what this one gives with
    /// its norm, the running statistics taken for the truth.
    pub fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let weight = self.weight.val();
        let channels = weight.dims()[0];
        match &self.norm {
            None => (weight, self.biases()),
            Some(norm) => {
                let (factor, shift) = norm.constants();
                (weight * factor.clone().reshape([channels, 1, 1, 1]), shift + self.biases() * factor)
            }
        }
    }

    /// `[out]`, zeros where there is no bias.
    fn biases(&self) -> Tensor<1> {
        self.bias
            .as_ref()
            .map_or_else(|| Tensor::zeros([self.weight.dims()[0]], &self.weight.val().device()), |bias| bias.val())
    }

    /// `[batch, in, height, width]` → `[batch, out, height', width']`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.folded();
        conv2d(x, weight, Some(bias), self.options())
    }

    fn forward_fused(&self, x: Tensor<4>, spec: BlockSpec) -> Tensor<4> {
        let (weight, bias) = self.folded();
        flex_kernels::conv_pool_activation(x, weight, bias, spec)
    }

    /// Computes the output in training: the norm uses the statistics of the batch and updates its running statistics.
    fn forward_training(&mut self, x: Tensor<4>) -> Tensor<4> {
        let options = self.options();
        let Some(norm) = &mut self.norm else { return self.forward(x) };
        let x = conv2d(x, self.weight.val(), None, options);
        let [batch, _, height, width] = x.dims();
        let (weight, bias) = norm.affine();
        let normalized = batch_norm_train(x, weight, bias, EPSILON);
        norm.observe(normalized.mean.inner(), normalized.variance.inner(), batch * height * width);
        normalized.output
    }

    /// Computes the output in training with the layers of `spec`, in as few operations as possible.
    fn forward_training_fused(&mut self, x: Tensor<4>, spec: NormSpec) -> Tensor<4> {
        let padding = self.fused_padding();
        let bias = self.biases();
        let Some(norm) = &mut self.norm else { return self.forward_fused(x, spec.behind_convolution(padding)) };
        let x = flex_kernels::conv_pool_activation(
            x,
            self.weight.val(),
            bias,
            NormSpec::default().behind_convolution(padding),
        );
        let [batch, _, height, width] = x.dims();
        let (mean, variance) = flex_kernels::batch_statistics(x.clone().inner());
        norm.observe(mean.clone(), variance.clone(), batch * height * width);
        let (weight, bias) = norm.affine();
        flex_kernels::norm_pool_activation(x, [mean, variance], weight, bias, EPSILON as f32, spec)
    }

    fn options(&self) -> ConvOptions<2> {
        ConvOptions::new([1, 1], [self.padding; 2], [1, 1], 1)
    }

    fn kernel(&self) -> usize {
        self.weight.dims()[2]
    }

    fn can_be_fused(&self) -> bool {
        !self.kernel().is_multiple_of(2) && self.kernel() <= flex_kernels::LARGEST_KERNEL
    }

    fn fused_padding(&self) -> flex_kernels::Padding {
        if self.padding == 0 { flex_kernels::Padding::Valid } else { flex_kernels::Padding::Same }
    }
}

/// Pool at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nn) enum End {
    /// Windows of 2×2 with stride 2.
    Windows(Pool),
    /// Whole map, which becomes one pixel.
    Map(Pool),
}

impl End {
    fn pool(self) -> Pool {
        match self {
            Self::Windows(pool) | Self::Map(pool) => pool,
        }
    }

    fn forward(self, x: Tensor<4>) -> Tensor<4> {
        let window = match self {
            Self::Windows(_) => [2, 2],
            Self::Map(_) => [x.dims()[2], x.dims()[3]],
        };
        match self.pool() {
            Pool::Max => max_pool2d(x, MaxPoolOptions::new(window).with_stride(window)),
            Pool::Average => avg_pool2d(x, AvgPoolOptions::new(window).with_stride(window)),
        }
    }
}

/// Block of a convolutional net: one or more convolutions, a pool and the activation.
#[derive(Module, Debug)]
pub struct Block {
    /// Convolutions in order; each is followed by the activation.
    pub convolutions: Vec<Convolution>,
    #[module(skip)]
    pub(in crate::nn) activation: Activation,
    #[module(skip)]
    pub(in crate::nn) end: End,
    /// Whether the activation is applied once more behind the pool.
    #[module(skip)]
    pub(in crate::nn) extra_activation: bool,
    /// Whether a fully connected layer follows, which reads the values in the order of the shape.
    #[module(skip)]
    pub(in crate::nn) last: bool,
}

impl Block {
    /// Maps `[batch, in, height, width]` to `[batch, out, height' / 2, width' / 2]`, or to `[batch, out, 1, 1]` with a
    /// global pool.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if self.is_fused(&x) { self.forward_fused(x) } else { self.forward_composed(x) }
    }

    /// Computes the output in training: norms use the statistics of the batch and update their running statistics.
    /// Shapes as in [`forward`](Self::forward).
    pub fn forward_training(&mut self, x: Tensor<4>) -> Tensor<4> {
        if self.convolutions.iter().all(|convolution| convolution.norm.is_none()) {
            self.forward(x)
        } else if self.is_fused(&x) {
            self.forward_training_fused(x)
        } else {
            self.forward_training_composed(x)
        }
    }

    fn forward_composed(&self, x: Tensor<4>) -> Tensor<4> {
        let Some((last, others)) = self.convolutions.split_last() else { return x };
        let x = others.iter().fold(x, |x, convolution| self.activation.forward(convolution.forward(x)));
        self.end_composed(last.forward(x))
    }

    fn forward_fused(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.convolutions.iter().zip(self.specs()).fold(x, |x, (convolution, spec)| {
            let spec = spec.behind_convolution(convolution.fused_padding());
            convolution.forward_fused(x, spec)
        });
        self.end_fused(x)
    }

    fn forward_training_composed(&mut self, x: Tensor<4>) -> Tensor<4> {
        let activation = self.activation;
        let Some((last, others)) = self.convolutions.split_last_mut() else { return x };
        let x = others.iter_mut().fold(x, |x, convolution| activation.forward(convolution.forward_training(x)));
        let x = last.forward_training(x);
        self.end_composed(x)
    }

    fn forward_training_fused(&mut self, x: Tensor<4>) -> Tensor<4> {
        let specs = self.specs();
        let x = self
            .convolutions
            .iter_mut()
            .zip(specs)
            .fold(x, |x, (convolution, spec)| convolution.forward_training_fused(x, spec));
        self.end_fused(x)
    }

    fn is_fused(&self, x: &Tensor<4>) -> bool {
        self.convolutions.last().is_some_and(Convolution::can_be_fused) && flex_kernels::available(&x.device())
    }

    /// Applies the activations and the pool behind the last convolution.
    fn end_composed(&self, x: Tensor<4>) -> Tensor<4> {
        let x = if self.pool_goes_first() {
            self.activation.forward(self.end.forward(x))
        } else {
            self.end.forward(self.activation.forward(x))
        };
        if self.extra_activation { self.activation.forward(x) } else { x }
    }

    /// Returns the layers behind each convolution that are part of its operation.
    fn specs(&self) -> Vec<NormSpec> {
        let activation = self.activation.fused();
        let plain = NormSpec { after_pool: vec![activation], ..NormSpec::default() };
        let memory = if self.last { Memory::Contiguous } else { Memory::ChannelsLast };
        let before = usize::from(!self.pool_goes_first());
        let ended = match self.end {
            End::Windows(pool) => NormSpec {
                before_pool: vec![activation; before],
                pool: pool.fused(),
                after_pool: vec![activation; 1 - before + usize::from(self.extra_activation)],
                memory,
            },
            End::Map(_) => NormSpec { memory, ..plain.clone() },
        };
        let mut specs = vec![plain; self.convolutions.len()];
        if let Some(last) = specs.last_mut() {
            *last = ended;
        }
        specs
    }

    /// Applies the layers that are part of no operation of [`specs`](Self::specs).
    fn end_fused(&self, x: Tensor<4>) -> Tensor<4> {
        match self.end {
            End::Windows(_) => x,
            End::Map(_) if self.extra_activation => self.activation.forward(self.end.forward(x)),
            End::Map(_) => self.end.forward(x),
        }
    }

    /// Tells whether the pool is computed in front of the activation, which gives the same result faster.
    pub(in crate::nn) fn pool_goes_first(&self) -> bool {
        self.end.pool() == Pool::Max && self.activation.is_monotone()
    }
}

impl Pool {
    fn fused(self) -> flex_kernels::Pool {
        match self {
            Self::Max => flex_kernels::Pool::Max2x2,
            Self::Average => flex_kernels::Pool::Average2x2,
        }
    }

    /// Returns the pool without its window.
    pub(in crate::nn) fn kind(self) -> PoolKind {
        match self {
            Self::Max => PoolKind::Max,
            Self::Average => PoolKind::Average,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn values<const D: usize>(shape: [usize; D]) -> TensorData {
        TensorData::new(
            (0..shape.iter().product()).map(|i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0).collect::<Vec<_>>(),
            shape,
        )
    }

    fn convolution(inputs: usize, kernel: usize, padding: usize, affine: Option<bool>, device: &Device) -> Convolution {
        let weight = Param::from_data(values([6, inputs, kernel, kernel]), device);
        let parameter = |scale: f32, shift: f32| {
            let data: Vec<f32> = values([6]).iter::<f32>().map(|value| scale * value + shift).collect();
            Param::<Tensor<1>>::from_data(data.as_slice(), device)
        };
        let norm = affine.map(|affine| Norm {
            // A negative scale turns a maximum into a minimum.
            weight: affine.then(|| parameter(1.5, 0.2)),
            bias: affine.then(|| parameter(1.0, -0.1)),
            running_mean: parameter(0.3, 0.1).set_require_grad(false),
            running_var: parameter(0.4, 1.0).set_require_grad(false),
        });
        Convolution { weight, bias: norm.is_none().then(|| parameter(1.0, 0.0)), norm, padding }
    }

    /// Values by what they are: the output, the gradients and the running statistics.
    type Found = Vec<(&'static str, Vec<f32>)>;

    fn run(block: &Block, device: &Device, forward: fn(&mut Block, Tensor<4>) -> Tensor<4>) -> Found {
        let mut block = block.clone();
        let x = Tensor::<4>::from_data(values([3, 2, 9, 10]), device).require_grad();
        let y = forward(&mut block, x.clone());
        let gradients = (y.clone() * Tensor::from_data(values(y.dims()), device)).sum().backward();
        let all = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
        let flat = |tensor: Tensor<4>| all(tensor.flatten(0, 3));
        let mut found = vec![("output", flat(y.inner())), ("input", flat(x.grad(&gradients).unwrap()))];
        for convolution in &block.convolutions {
            found.push(("weight", flat(convolution.weight.val().grad(&gradients).unwrap())));
            if let Some(bias) = &convolution.bias {
                found.push(("bias", all(bias.val().grad(&gradients).unwrap())));
            }
            let Some(norm) = &convolution.norm else { continue };
            for (what, parameter) in [("scale", &norm.weight), ("shift", &norm.bias)] {
                found
                    .extend(parameter.as_ref().map(|parameter| (what, all(parameter.val().grad(&gradients).unwrap()))));
            }
            for (what, statistic) in [("running mean", &norm.running_mean), ("running variance", &norm.running_var)] {
                assert!(!statistic.is_require_grad() && statistic.val().grad(&gradients).is_none());
                found.push((what, all(statistic.val().inner())));
            }
        }
        found
    }

    fn compare(found: &Found, expected: &Found, what: &str) {
        assert_eq!(found.len(), expected.len());
        for ((name, found), (_, expected)) in found.iter().zip(expected) {
            let scale = expected.iter().fold(0.1, |scale: f32, value| scale.max(value.abs()));
            let error =
                found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
            assert!(found.len() == expected.len() && error <= 3e-5 * scale, "{what}, {name}: {error} of {scale}");
        }
    }

    #[test]
    fn fused_and_composed_blocks_are_equal() {
        let device = Device::flex().autodiff();
        let ends = [End::Windows(Pool::Max), End::Windows(Pool::Average), End::Map(Pool::Max), End::Map(Pool::Average)];
        for (activation, end) in Activation::ALL.into_iter().flat_map(|activation| ends.map(|end| (activation, end))) {
            for (kernel, count, extra_activation) in [(3, 1, false), (3, 2, true), (5, 1, true)] {
                for affine in [None, Some(false), Some(true)] {
                    let padding = if count == 2 { kernel / 2 } else { 0 };
                    let convolutions = [2, 6][..count]
                        .iter()
                        .map(|inputs| convolution(*inputs, kernel, padding, affine, &device))
                        .collect();
                    let block = Block { convolutions, activation, end, extra_activation, last: count == 1 };
                    let what = format!("{activation:?} {end:?} {kernel} {count} {affine:?}");
                    let expected = run(&block, &device, |block, x| block.forward_composed(x));
                    compare(&run(&block, &device, |block, x| block.forward(x)), &expected, &what);
                    let expected = run(&block, &device, Block::forward_training_composed);
                    compare(&run(&block, &device, Block::forward_training), &expected, &format!("training {what}"));
                }
            }
        }
    }

    #[test]
    fn the_largest_of_equal_values_has_a_finite_gradient() {
        let device = Device::flex().autodiff();
        for affine in [None, Some(false), Some(true)] {
            let mut block = Block {
                convolutions: vec![convolution(1, 3, 1, affine, &device)],
                activation: Activation::Relu,
                end: End::Map(Pool::Max),
                extra_activation: false,
                last: true,
            };
            let x = Tensor::<4>::zeros([2, 1, 5, 5], &device).require_grad();
            let y = block.forward_training(x.clone());
            let gradients = y.sum().backward();
            let found = x.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
            assert!(found.iter().all(|value| value.is_finite()), "{affine:?}: {found:?}");
        }
    }
}
