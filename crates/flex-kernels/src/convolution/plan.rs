//! A convolution with all that follows it, as sizes and settings that are ready to run, and the parts that every way
//! of computing it shares: pieces of a batch, and what happens behind the convolution.

use crate::{
    geometry::Geometry,
    kernels::{Activate, Narrow, Patches, PoolMap, Spread},
    layout,
    level::Level,
    memory::{Buffer, Part},
    parallel,
    spec::{Activation, Memory, PoolKind},
};

/// Memory of one thread for what follows a convolution.
#[derive(Default)]
pub(crate) struct Finish {
    values: Buffer,
    pooled: Buffer,
    pooled_slopes: Buffer,
    winners: Vec<u32>,
}

/// A block with its sizes, ready to run.
pub(crate) struct Plan<'a> {
    pub level: Level,
    pub geometry: Geometry,
    /// Applied to every position.
    pub on_positions: Vec<Activation>,
    /// Applied behind the geometry's window.
    pub on_outputs: &'a [Activation],
    pub memory: Memory,
}

/// The gradients, each in its parameter's own order; `input` is `[image][row][column][channel]`.
pub(crate) struct Gradients {
    pub input: Option<Vec<f32>>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Some images of a batch in the forward pass.
pub(crate) struct Piece<'a> {
    /// Index of the first image in the batch.
    pub first: usize,
    /// The block's output, zero.
    pub values: &'a mut [f32],
    /// Slopes and winners, where they are kept.
    pub saved: Option<(&'a mut [f32], &'a mut [u8])>,
}

/// A [`Piece`] before its thread begins with it.
pub(crate) struct Task<'a> {
    pub first: usize,
    pub values: Part<'a>,
    pub saved: Option<(&'a mut [f32], &'a mut [u8])>,
}

impl<'a> Piece<'a> {
    /// Cuts the piece into single images of `image` values and `padded` slopes each.
    pub fn images(self, image: usize, padded: usize) -> impl Iterator<Item = Piece<'a>> {
        let mut saved = self.saved.map(|(slopes, winners)| slopes.chunks_mut(padded).zip(winners.chunks_mut(padded)));
        let values = self.values.chunks_exact_mut(image).enumerate();
        values.map(move |(i, values)| Piece {
            first: self.first + i,
            values,
            saved: saved.as_mut().and_then(Iterator::next),
        })
    }
}

/// Runs `work` for each of the pieces.
pub(crate) fn for_each(pieces: Vec<Task>, work: impl Fn(Piece) + Send + Sync) {
    parallel::for_each(pieces.into_iter(), |Task { first, values, saved }| {
        work(Piece { first, values: values.cleared(), saved })
    });
}

impl Plan<'_> {
    /// Output channels rounded up to whole vectors.
    pub(crate) fn channels(&self) -> usize {
        self.geometry.channels_out.next_multiple_of(self.level.lanes())
    }

    pub(crate) fn patches<'a>(&self, bases: &'a [usize]) -> Patches<'a> {
        let g = &self.geometry;
        Patches {
            bases,
            corners: g.corners(),
            candidates: g.candidates(),
            kernel: g.kernel,
            row: g.row(),
            segment: g.segment(),
        }
    }

    /// Runs `convolve` and the layers behind it in the memory of a piece. `convolve` gets room for the values of all
    /// positions of the piece's images and, if a pool is part of it and tracked, for the winners; else none.
    pub(crate) fn finish(&self, piece: Piece, scratch: &mut Finish, convolve: impl FnOnce(&mut [f32], &mut [u32])) {
        let (g, channels) = (&self.geometry, self.channels());
        let (image, padded) = (g.outputs() * g.channels_out, g.positions() * channels);
        let Piece { values: out, saved, .. } = piece;
        let size = out.len() / image * padded;
        let direct = self.memory == Memory::ChannelsLast && channels == g.channels_out;
        let Finish { values, pooled, pooled_slopes, winners } = scratch;
        let winners = if saved.is_some() && g.pooled {
            winners.resize(winners.len().max(size), 0);
            &mut winners[..size]
        } else {
            &mut []
        };
        let on_positions = |values: &mut [f32]| {
            convolve(values, winners);
            let mut slopes = saved.map(|(slopes, kept)| {
                self.level.run(Narrow { winners, kept });
                slopes
            });
            self.level.run(Activate { chain: &self.on_positions, values, slopes: slopes.as_deref_mut() });
            slopes
        };
        if g.window.is_none() && direct {
            on_positions(out);
            return;
        }
        let values = values.take(size);
        let mut slopes = on_positions(values);
        for (i, (values, out)) in values.chunks_exact(padded).zip(out.chunks_exact_mut(image)).enumerate() {
            let Some(window) = g.window else {
                self.arrange(values, out);
                continue;
            };
            let slopes = slopes.as_mut().map(|slopes| &mut slopes[i * padded..][..padded]);
            if direct {
                self.pool(window, values, slopes, out, pooled_slopes);
            } else {
                let pooled = pooled.take(padded / 4);
                self.pool(window, values, slopes, pooled, pooled_slopes);
                self.arrange(pooled, out);
            }
        }
    }

    /// `[output][channel]` with padded channels to the order of the result.
    pub(crate) fn arrange(&self, from: &[f32], out: &mut [f32]) {
        match self.memory {
            Memory::ChannelsLast => layout::compact(from, self.channels(), self.geometry.channels_out, out),
            Memory::Contiguous => layout::transpose(from, self.channels(), self.geometry.outputs(), out),
        }
    }

    /// Pools a map and applies what follows; the positions' slopes become those of the outputs with respect to them.
    pub(crate) fn pool(
        &self,
        window: PoolKind,
        map: &[f32],
        slopes: Option<&mut [f32]>,
        pooled: &mut [f32],
        pooled_slopes: &mut Buffer,
    ) {
        let (width, channels, chain) = (self.geometry.out_width, self.channels(), self.on_outputs);
        let Some(slopes) = slopes else {
            self.level.run(PoolMap { window, width, channels, map, slopes: None, pooled });
            return self.level.run(Activate { chain, values: pooled, slopes: None });
        };
        self.level.run(PoolMap { window, width, channels, map, slopes: Some(&mut *slopes), pooled });
        if !chain.is_empty() {
            let outer = pooled_slopes.take(pooled.len());
            self.level.run(Activate { chain, values: pooled, slopes: Some(&mut *outer) });
            self.level.run(Spread { width, channels, outer, slopes });
        }
    }
}
