//! Convolutions → pool → activation: the unit a convolutional net is made of.
//!
//! A block is one call from `[batch, channels, height, width]` to the pooled and activated map, so that how it is computed concerns nobody
//! outside. A monotone activation and a maximum change places without changing any value: the pool goes first, and the activation sees a
//! quarter of the elements. On the CPU a block whose parts allow it is one operation ([`fused`]); on a GPU, and for average pools, even
//! kernels and swish, it is composed of Burn's.

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
        if self.pool == Pool::Max && self.activation.is_monotone() && last.can_be_fused() && fused::available(&x.device()) {
            return self.forward_fused(x, last, others);
        }
        let x = others.iter().fold(x, |x, convolution| self.activation.forward(convolution.forward(x)));
        let x = last.forward(x);
        let x = match self.pool {
            Pool::Max if self.activation.is_monotone() => self.activation.forward(max_pool(x)),
            Pool::Max => max_pool(self.activation.forward(x)),
            Pool::Average => avg_pool2d(self.activation.forward(x), AvgPoolOptions::new([2, 2]).with_stride([2, 2])),
        };
        if self.extra_activation { self.activation.forward(x) } else { x }
    }

    fn forward_fused(&self, x: Tensor<4>, last: &Convolution, others: &[Convolution]) -> Tensor<4> {
        let activation = self.activation.fused();
        let spec = |pool, activations, memory| BlockSpec { padding: last.fused_padding(), pool, activations, memory };
        let x = others
            .iter()
            .fold(x, |x, convolution| convolution.forward_fused(x, spec(fused::Pool::None, vec![activation], Memory::ChannelsLast)));
        let memory = if self.last { Memory::Contiguous } else { Memory::ChannelsLast };
        let activations = vec![activation; 1 + usize::from(self.extra_activation)];
        last.forward_fused(x, spec(fused::Pool::Max2x2, activations, memory))
    }
}

fn max_pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
}
