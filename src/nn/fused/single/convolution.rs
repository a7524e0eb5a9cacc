//! One packed convolution with its pool and activations.

use super::Map;
use crate::nn::Pool;
use crate::nn::fused::functions::Activate;
use crate::nn::fused::kernels::{Convolve, PANEL, Patches};
use crate::nn::fused::level::Level;
use crate::nn::fused::pooling::PoolMap;
use crate::nn::fused::spec::{Activation, Geometry, Window};
use crate::nn::fused::stage::{self, Buffer};
use crate::nn::fused::winograd::{self, Filters, Outputs, Tiles};

/// A convolution of stride 1, a pool, and the activations around the pool.
pub(in crate::nn) struct ConvolutionSpec<'a> {
    /// `[out, in, kernel, kernel]`; any kernel.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
    /// Side of the kernel.
    pub kernel: usize,
    /// Zeros on every side of the image.
    pub border: usize,
    /// Right behind the convolution.
    pub activations: &'a [Activation],
    /// Behind them.
    pub pool: Option<Pool>,
    /// Behind the pool.
    pub pooled_activations: &'a [Activation],
}

/// The same, ready to run.
pub(super) struct PackedConvolution {
    /// Pooled if the kernel does that.
    geometry: Geometry,
    padded: usize,
    method: Method,
    bias: Vec<f32>,
    activations: Vec<Activation>,
    /// What follows the geometry's window.
    pooled_activations: Vec<Activation>,
}

/// How it is computed, with the weights that this needs.
enum Method {
    Direct {
        bases: Vec<usize>,
        /// As [`Convolve`] wants them.
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
        // Monotone functions change places with a maximum without changing any value: then the pool is part of the
        // kernel.
        let pooled = spec.pool == Some(Pool::Max) && activations.iter().all(|activation| activation.is_monotone());
        let window = spec.pool.filter(|_| !pooled).map(|pool| match pool {
            Pool::Max => Window::Max,
            Pool::Average => Window::Average,
        });
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
        let method = match Tiles::new(level, &geometry) {
            Some(tiles) => Method::ByTiles { filters: tiles.filters(spec.weight, Buffer::default()), tiles },
            None => Method::Direct {
                bases: geometry.bases(),
                panels: stage::panels(spec.weight, &geometry, padded, PANEL * level.lanes()),
            },
        };
        Self { geometry, padded, method, bias, activations, pooled_activations }
    }

    /// What the next layer sees.
    pub fn map(&self) -> Map {
        Map { side: self.geometry.out_height, channels: self.geometry.channels_out, padded: self.padded }
    }

    /// Values that the kernel writes.
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
            Method::ByTiles { tiles, .. } => tiles.slack(),
        }
    }

    /// Makes room for its tiles, if it has any.
    pub fn reserve(&self, scratch: &mut winograd::Scratch) {
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
        winograd: &mut winograd::Scratch,
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
                stage::compact(from, padded_in, g.channels_in, to);
            }
        }
    }
}
