//! The packed net and the memory that it runs in.

use super::{
    convolution::{ConvolutionSpec, PackedConvolution},
    dense::{DenseInputs, PackedDense},
    global_pool::GlobalPool,
    map::Map,
};
use crate::{
    convolution::TileScratch,
    level::Level,
    memory::Buffer,
    spec::{Activation, PoolKind},
};

/// Layers of a net, packed for one instruction set.
pub struct PackedNet {
    level: Level,
    /// Side of the square image of one channel, in pixels.
    side: usize,
    convolutions: Vec<PackedConvolution>,
    /// Pool between the convolutions and the dense layers.
    global_pool: Option<GlobalPool>,
    dense: Vec<PackedDense>,
}

/// Buffers of one thread that runs a [`PackedNet`].
pub struct Scratch {
    /// Staged image of each convolution; its border is zero from the start and never written.
    staged: Vec<Buffer>,
    /// Output of the previous layer.
    values: Buffer,
    /// Output of a pool that is not part of its convolution.
    pooled: Buffer,
    inputs: DenseInputs,
    winograd: TileScratch,
}

impl PackedNet {
    /// Creates a net without layers for images `[side, side]`, on the level that this process runs on.
    pub fn new(side: usize) -> Self {
        Self::on(Level::chosen(), side)
    }

    /// Creates one net for each level that this processor has: for comparisons of the levels.
    pub fn on_every_level(side: usize) -> Vec<Self> {
        Level::available().into_iter().map(|level| Self::on(level, side)).collect()
    }

    fn on(level: Level, side: usize) -> Self {
        Self { level, side, convolutions: Vec::new(), global_pool: None, dense: Vec::new() }
    }

    /// Returns the sizes of the next layer's input.
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
    pub fn add_global_pool(&mut self, pool: PoolKind, activations: &[Activation]) {
        debug_assert!(self.dense.is_empty());
        self.global_pool = Some(GlobalPool { pool, activations: activations.to_vec() });
    }

    /// Adds a dense layer: `weight` `[in, out]`, inputs in the order `[channel][position]` of a flattened map; `bias`
    /// `[out]`.
    pub fn add_dense(&mut self, weight: &[f32], bias: &[f32], activation: Option<Activation>) {
        self.dense.push(PackedDense::new(self.level, self.map(), weight, bias, activation));
    }

    /// Allocates the buffers that [`forward`](Self::forward) needs.
    pub fn scratch(&self) -> Scratch {
        let convolved = self.convolutions.iter().map(PackedConvolution::convolved);
        let largest =
            convolved.chain(self.dense.iter().map(|dense| dense.map().len())).fold(self.side * self.side, usize::max);
        let buffer = || {
            let mut buffer = Buffer::default();
            buffer.take(largest);
            buffer
        };
        let mut winograd = TileScratch::default();
        self.convolutions.iter().for_each(|convolution| convolution.reserve(&mut winograd));
        Scratch {
            winograd,
            staged: self.convolutions.iter().map(PackedConvolution::staged).collect(),
            values: buffer(),
            pooled: buffer(),
            inputs: DenseInputs::new(self.dense.iter().map(PackedDense::inputs).max().unwrap_or(0)),
        }
    }

    /// Computes the outputs of the last layer, `[outputs]`, for one image, `[side · side]` pixels.
    pub fn forward<'a>(&self, image: impl Iterator<Item = f32>, scratch: &'a mut Scratch) -> &'a [f32] {
        let pixels = scratch.values.take(self.side * self.side);
        pixels.iter_mut().zip(image).for_each(|(value, pixel)| *value = pixel);
        self.run(scratch)
    }

    /// Runs the layers on the image in `scratch`.
    fn run<'a>(&self, scratch: &'a mut Scratch) -> &'a [f32] {
        let Scratch { staged, values, pooled, inputs, winograd } = scratch;
        let mut map = Map { side: self.side, channels: 1, padded: 1 };
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
