//! A whole net on one image at a time, without Burn: weights packed once, every buffer there before the first image.
//!
//! The batch op packs its weights at every call and hands tensors to Burn, which costs a single image more than the
//! arithmetic does. Here the same kernels run on layers that were packed once and that any number of threads may share;
//! each thread has a [`Scratch`], and nothing is allocated after that. Results differ from the batch op's by rounding
//! only, in the dense layers.
//!
//! Maps lie `[position][channel]` between layers, channels padded to whole vectors. Whatever stands in the padding is
//! read by nobody.

mod convolution;
mod dense;
mod global;

pub(in crate::nn) use convolution::ConvolutionSpec;

use super::level::Level;
use super::spec::Activation;
use super::stage::Buffer;
use super::winograd;
use crate::nn::Pool;
use convolution::PackedConvolution;
use dense::{DenseInputs, PackedDense};
use global::GlobalPool;

/// The layers of a net, packed for one instruction set.
pub(in crate::nn) struct PackedNet {
    level: Level,
    /// Side of the square image of one channel, in pixels.
    side: usize,
    convolutions: Vec<PackedConvolution>,
    /// Between the convolutions and the dense layers.
    global_pool: Option<GlobalPool>,
    dense: Vec<PackedDense>,
}

/// The sizes of the values between two layers: `[positions][channels]`, channels padded.
#[derive(Clone, Copy)]
struct Map {
    side: usize,
    channels: usize,
    padded: usize,
}

impl Map {
    /// Values with the padding.
    fn len(self) -> usize {
        self.side * self.side * self.padded
    }
}

/// What one thread writes to while a [`PackedNet`] runs.
pub(in crate::nn) struct Scratch {
    /// The staged image of each convolution. Their borders stay the zeros that they begin as.
    staged: Vec<Buffer>,
    /// Output of the layer before.
    values: Buffer,
    /// Where a pool writes to that cannot be part of its convolution.
    pooled: Buffer,
    inputs: DenseInputs,
    winograd: winograd::Scratch,
}

impl PackedNet {
    /// A net without layers for images `[side, side]`, on the level that this process runs on.
    pub fn new(side: usize) -> Self {
        Self::on(Level::chosen(), side)
    }

    /// One for each level that this processor has.
    #[cfg(test)]
    pub fn on_every_level(side: usize) -> Vec<Self> {
        Level::available().into_iter().map(|level| Self::on(level, side)).collect()
    }

    fn on(level: Level, side: usize) -> Self {
        Self { level, side, convolutions: Vec::new(), global_pool: None, dense: Vec::new() }
    }

    /// What the next layer sees.
    fn map(&self) -> Map {
        match (self.dense.last(), self.convolutions.last()) {
            (Some(dense), _) => dense.map(),
            (None, Some(convolution)) => {
                let map = convolution.map();
                if self.global_pool.is_some() { Map { side: 1, ..map } } else { map }
            }
            (None, None) => Map { side: self.side, channels: 1, padded: 1 },
        }
    }

    /// Adds a convolution; all of them come before the first dense layer and the global pool.
    pub fn add_convolution(&mut self, spec: &ConvolutionSpec) {
        debug_assert!(self.dense.is_empty() && self.global_pool.is_none());
        self.convolutions.push(PackedConvolution::new(self.level, self.map(), spec));
    }

    /// Ends the convolutions with a pool over the whole map and `activations` behind it.
    pub fn add_global_pool(&mut self, pool: Pool, activations: &[Activation]) {
        debug_assert!(self.dense.is_empty());
        self.global_pool = Some(GlobalPool { pool, activations: activations.to_vec() });
    }

    /// Adds a dense layer: `weight` `[in, out]`, inputs in the order `[channel][position]` of a flattened map; `bias`
    /// `[out]`.
    pub fn add_dense(&mut self, weight: &[f32], bias: &[f32], activation: Option<Activation>) {
        self.dense.push(PackedDense::new(self.level, self.map(), weight, bias, activation));
    }

    /// Buffers for this net.
    pub fn scratch(&self) -> Scratch {
        let convolved = self.convolutions.iter().map(PackedConvolution::convolved);
        let largest =
            convolved.chain(self.dense.iter().map(|dense| dense.map().len())).fold(self.side * self.side, usize::max);
        let buffer = || {
            let mut buffer = Buffer::default();
            buffer.take(largest);
            buffer
        };
        let mut winograd = winograd::Scratch::default();
        self.convolutions.iter().for_each(|convolution| convolution.reserve(&mut winograd));
        Scratch {
            winograd,
            staged: self.convolutions.iter().map(PackedConvolution::staged).collect(),
            values: buffer(),
            pooled: buffer(),
            inputs: DenseInputs::new(self.dense.iter().map(PackedDense::inputs).max().unwrap_or(0)),
        }
    }

    /// The outputs of the last layer for an image, `side · side` pixels.
    pub fn forward<'a>(&self, image: impl Iterator<Item = f32>, scratch: &'a mut Scratch) -> &'a [f32] {
        let Scratch { staged, values, pooled, inputs, winograd } = scratch;
        let mut map = Map { side: self.side, channels: 1, padded: 1 };
        values.take(map.len()).iter_mut().zip(image).for_each(|(value, pixel)| *value = pixel);
        for (convolution, staged) in self.convolutions.iter().zip(staged) {
            convolution.run(self.level, map.padded, staged, values, pooled, winograd);
            map = convolution.map();
        }
        if let Some(pool) = &self.global_pool {
            pool.run(self.level, map.padded, values.take(map.len()));
            map.side = 1;
        }
        for dense in &self.dense {
            let inputs = inputs.gather(values.get(map.len()), map);
            map = dense.map();
            dense.run(self.level, inputs, values.take(map.len()));
        }
        &values.get(map.len())[..map.channels]
    }
}
