//! A packed convolution with its pool and activations.

use super::map::Map;
use crate::{
    convolution::{Filters, Outputs, Rounding, TileScratch, Tiles},
    geometry::Geometry,
    kernels::{Activate, Convolve, PANEL, Patches, PoolMap},
    layout,
    level::Level,
    memory::Buffer,
    spec::{Activation, PoolKind},
};

/// Convolution of stride 1, a pool, and the activations around the pool.
pub struct ConvolutionSpec<'a> {
    /// Weight, `[out, in, kernel, kernel]`; any kernel size.
    pub weight: &'a [f32],
    /// Bias, `[out]`.
    pub bias: &'a [f32],
    /// Side of the kernel.
    pub kernel: usize,
    /// Number of zeros on every side of the image.
    pub border: usize,
    /// Activations between the convolution and the pool.
    pub activations: &'a [Activation],
    /// Pool of 2×2 windows with stride 2.
    pub pool: Option<PoolKind>,
    /// Activations behind the pool.
    pub pooled_activations: &'a [Activation],
}

/// Convolution with packed weights.
pub(crate) struct PackedConvolution {
    /// Sizes; pooled if the pool is part of the kernel.
    geometry: Geometry,
    padded: usize,
    method: Method,
    bias: Vec<f32>,
    activations: Vec<Activation>,
    /// Activations behind the pool of the stored map.
    pooled_activations: Vec<Activation>,
}

/// Algorithm, with the weights in its layout.
enum Method {
    Direct {
        bases: Vec<usize>,
        /// Weights in the layout of [`Convolve`].
        panels: Buffer,
    },
    ByTiles {
        tiles: Tiles,
        filters: Filters,
    },
}

impl PackedConvolution {
    pub fn new(level: Level, map: Map, spec: &ConvolutionSpec) -> Self {
        let ConvolutionSpec { kernel, border, .. } = *spec;
        let mut activations = spec.activations.to_vec();
        // Monotone functions commute with a maximum: then the pool is part of the
        // kernel.
        let pooled = spec.pool == Some(PoolKind::Max) && activations.iter().all(|activation| activation.is_monotone());
        let window = spec.pool.filter(|_| !pooled);
        let mut pooled_activations = spec.pooled_activations.to_vec();
        if window.is_none() {
            activations.append(&mut pooled_activations);
        }
        let out = (map.side + 2 * border + 1 - kernel) / if spec.pool.is_some() { 2 } else { 1 };
        let geometry = Geometry {
            batch: 1,
            channels_in: map.channels,
            height: map.side,
            width: map.side,
            channels_out: spec.bias.len(),
            kernel,
            border,
            pooled,
            window,
            out_height: out,
            out_width: out,
        };
        let padded = geometry.channels_out.next_multiple_of(level.lanes());
        let mut bias = spec.bias.to_vec();
        bias.resize(padded, 0.0);
        let method = match Tiles::new(level, &geometry, Rounding::Exact) {
            Some(tiles) => Method::ByTiles { filters: tiles.filters(spec.weight, Buffer::default()), tiles },
            None => Method::Direct {
                bases: geometry.bases(),
                panels: layout::panels(spec.weight, &geometry, padded, PANEL * level.lanes()),
            },
        };
        Self { geometry, padded, method, bias, activations, pooled_activations }
    }

    /// Returns the sizes of the output.
    pub fn map(&self) -> Map {
        Map { side: self.geometry.out_height, channels: self.geometry.channels_out, padded: self.padded }
    }

    /// Returns the number of values that the kernel writes.
    pub fn convolved(&self) -> usize {
        self.geometry.positions() * self.padded
    }

    /// Memory for its staged image, zeros all over.
    pub fn staged(&self) -> Buffer {
        let mut staged = Buffer::default();
        staged.take(self.geometry.staged() + self.slack());
        staged
    }

    /// Values behind the staged image.
    fn slack(&self) -> usize {
        match &self.method {
            Method::Direct { .. } => 0,
            Method::ByTiles { tiles, .. } => tiles.room().slack,
        }
    }

    /// Makes room for its tiles, if it has any.
    pub fn reserve(&self, scratch: &mut TileScratch) {
        if let Method::ByTiles { tiles, .. } = &self.method {
            tiles.reserve(1, scratch);
        }
    }

    /// Replaces the input in `values`, its channels `padded_in` apart, by the output. `staged` is
    /// [`staged`](Self::staged)'s, `pooled` a buffer as large as `values`, and `winograd` has been
    /// [reserved](Self::reserve).
    pub fn run(
        &self,
        level: Level,
        padded_in: usize,
        staged: &mut Buffer,
        values: &mut Buffer,
        pooled: &mut Buffer,
        winograd: &mut TileScratch,
    ) {
        let g = &self.geometry;
        self.stage(values.get(g.height * g.width * padded_in), padded_in, staged);
        let staged = staged.get(g.staged() + self.slack());
        let convolved = values.take(self.convolved());
        match &self.method {
            Method::Direct { bases, panels } => level.run(Convolve {
                patches: Patches {
                    bases,
                    corners: g.corners(),
                    candidates: g.candidates(),
                    kernel: g.kernel,
                    row: g.row(),
                    segment: g.segment(),
                },
                staged,
                panels: panels.get(g.kernel * g.segment() * self.padded),
                bias: &self.bias,
                values: convolved,
                winners: &mut [],
            }),
            Method::ByTiles { tiles, filters } => {
                for block in tiles.blocks(1) {
                    for share in tiles.shares(&block) {
                        tiles.transform(&block, share, staged, winograd);
                    }
                    let outputs = Outputs { values: &mut *convolved, winners: &mut [] };
                    tiles.multiply(&block, filters, &self.bias, outputs, winograd);
                }
            }
        }
        level.run(Activate { chain: &self.activations, values: convolved, slopes: None });
        if let Some(window) = g.window {
            let outputs = pooled.take(self.map().len());
            level.run(PoolMap {
                window,
                width: g.out_width,
                channels: self.padded,
                map: convolved,
                slopes: None,
                pooled: outputs,
            });
            level.run(Activate { chain: &self.pooled_activations, values: outputs, slopes: None });
            std::mem::swap(values, pooled);
        }
    }

    /// Copies a map into the frame of zeros, without the padding of its channels.
    fn stage(&self, map: &[f32], padded_in: usize, staged: &mut Buffer) {
        let g = &self.geometry;
        let line = g.width * g.channels_in;
        let rows = staged.take(g.staged()).chunks_exact_mut(g.row()).skip(g.border);
        for (from, row) in map.chunks_exact(g.width * padded_in).zip(rows) {
            let to = &mut row[g.border * g.channels_in..][..line];
            if padded_in == g.channels_in {
                to.copy_from_slice(from);
            } else {
                layout::compact(from, padded_in, g.channels_in, to);
            }
        }
    }
}
