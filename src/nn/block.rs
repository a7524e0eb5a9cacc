//! Convolutions → pool → activation: the unit a convolutional net is made of.
//!
//! A block is one call from `[batch, channels, height, width]` to the pooled and activated map, so that how it is computed concerns nobody
//! outside. A monotone activation and a maximum change places without changing any value: the pool goes first, and the activation sees a
//! quarter of the elements. On the CPU each convolution is one operation with all that follows it ([`fused`]); on a GPU, and for even and
//! very large kernels, the block is composed of Burn's.

use burn::{
    module::{Module, Param},
    tensor::{
        Tensor,
        module::{avg_pool2d, conv2d, max_pool2d},
        ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
    },
};

use super::{
    activation::Activation,
    config::Pool,
    fused::{self, BlockSpec, Memory},
};

/// One convolution, stride 1.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[out, in, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    pub(super) padding: usize,
}

impl Convolution {
    /// Weight `[out, in, kernel, kernel]` and bias `[out]` of the plain convolution that does when predicting what this one does with all that
    /// belongs to it.
    pub fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        (self.weight.val(), self.bias.val())
    }

    /// `[batch, in, height, width]` → `[batch, out, height', width']`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [self.padding; 2], [1, 1], 1);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }

    fn forward_fused(&self, x: Tensor<4>, spec: BlockSpec) -> Tensor<4> {
        fused::conv_pool_activation(x, self.weight.val(), self.bias.val(), spec)
    }

    fn kernel(&self) -> usize {
        self.weight.dims()[2]
    }

    fn can_be_fused(&self) -> bool {
        !self.kernel().is_multiple_of(2) && self.kernel() <= fused::LARGEST_KERNEL
    }

    fn fused_padding(&self) -> fused::Padding {
        if self.padding == 0 { fused::Padding::Valid } else { fused::Padding::Same }
    }
}

/// One or more convolutions, a 2×2 pool and the activation.
#[derive(Module, Debug)]
pub struct Block {
    /// In order; each is followed by the activation.
    pub convolutions: Vec<Convolution>,
    #[module(skip)]
    pub(super) activation: Activation,
    #[module(skip)]
    pub(super) pool: Pool,
    /// The activation again after the pool.
    #[module(skip)]
    pub(super) extra_activation: bool,
    /// A fully connected layer follows, which wants the values in the order of the shape.
    #[module(skip)]
    pub(super) last: bool,
}

impl Block {
    /// `[batch, in, height, width]` → `[batch, out, height' / 2, width' / 2]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Some((last, others)) = self.convolutions.split_last() else { return x };
        if last.can_be_fused() && fused::available(&x.device()) {
            self.forward_fused(x, last, others)
        } else {
            self.forward_composed(x, last, others)
        }
    }

    fn forward_composed(&self, x: Tensor<4>, last: &Convolution, others: &[Convolution]) -> Tensor<4> {
        let x = others.iter().fold(x, |x, convolution| self.activation.forward(convolution.forward(x)));
        let x = last.forward(x);
        let x = match self.pool {
            Pool::Max if self.pool_goes_first() => self.activation.forward(max_pool(x)),
            Pool::Max => max_pool(self.activation.forward(x)),
            Pool::Average => avg_pool2d(self.activation.forward(x), AvgPoolOptions::new([2, 2]).with_stride([2, 2])),
        };
        if self.extra_activation { self.activation.forward(x) } else { x }
    }

    fn forward_fused(&self, x: Tensor<4>, last: &Convolution, others: &[Convolution]) -> Tensor<4> {
        let activation = self.activation.fused();
        let plain = BlockSpec {
            padding: last.fused_padding(),
            before_pool: Vec::new(),
            pool: fused::Pool::None,
            after_pool: vec![activation],
            memory: Memory::ChannelsLast,
        };
        let x = others.iter().fold(x, |x, convolution| convolution.forward_fused(x, plain.clone()));
        let before = usize::from(!self.pool_goes_first());
        let pooled = BlockSpec {
            before_pool: vec![activation; before],
            pool: self.pool.fused(),
            after_pool: vec![activation; 1 - before + usize::from(self.extra_activation)],
            memory: if self.last { Memory::Contiguous } else { Memory::ChannelsLast },
            ..plain
        };
        last.forward_fused(x, pooled)
    }

    /// Whether the pool and the activation in front of it change places.
    pub(super) fn pool_goes_first(&self) -> bool {
        self.pool == Pool::Max && self.activation.is_monotone()
    }
}

impl Pool {
    fn fused(self) -> fused::Pool {
        match self {
            Self::Max => fused::Pool::Max2x2,
            Self::Average => fused::Pool::Average2x2,
        }
    }
}

fn max_pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn values<const D: usize>(shape: [usize; D]) -> TensorData {
        TensorData::new((0..shape.iter().product()).map(|i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0).collect::<Vec<_>>(), shape)
    }

    fn convolution(inputs: usize, kernel: usize, padding: usize, device: &Device) -> Convolution {
        let weight = Param::from_data(values([6, inputs, kernel, kernel]), device);
        Convolution { weight, bias: Param::from_data(values([6]), device), padding }
    }

    #[test]
    fn fused_and_composed_blocks_are_equal() {
        let device = Device::flex().autodiff();
        for (activation, pool) in Activation::ALL.into_iter().flat_map(|activation| [(activation, Pool::Max), (activation, Pool::Average)])
        {
            for (kernel, count, extra_activation) in [(3, 1, false), (3, 2, true), (5, 1, true)] {
                let padding = if count == 2 { kernel / 2 } else { 0 };
                let convolutions = [2, 6][..count].iter().map(|inputs| convolution(*inputs, kernel, padding, &device)).collect();
                let block = Block { convolutions, activation, pool, extra_activation, last: count == 1 };
                let (last, others) = block.convolutions.split_last().unwrap();
                let run = |fused: bool| {
                    let x = Tensor::<4>::from_data(values([3, 2, 9, 10]), &device).require_grad();
                    let y = if fused { block.forward(x.clone()) } else { block.forward_composed(x.clone(), last, others) };
                    let gradients = (y.clone() * Tensor::from_data(values(y.dims()), &device)).sum().backward();
                    (y.inner(), x.grad(&gradients).unwrap(), block.convolutions[0].weight.val().grad(&gradients).unwrap())
                };
                let (found, expected) = (run(true), run(false));
                for (found, expected) in [(found.0, expected.0), (found.1, expected.1), (found.2, expected.2)] {
                    let scale = expected.clone().abs().max().into_scalar::<f32>();
                    let error = (found - expected).abs().max().into_scalar::<f32>();
                    assert!(error <= 2e-5 * scale.max(0.1), "{activation:?} {pool:?} {kernel} {count}: {error} of {scale}");
                }
            }
        }
    }
}
