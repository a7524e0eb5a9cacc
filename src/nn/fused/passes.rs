//! The forward and the backward pass of a batch.
//!
//! # Determinism
//! The batch is cut into pieces by its own size only, each piece is computed by one thread in a fixed order, and
//! partial sums of the weight gradient are added in the order of their pieces. So the pass gives the same bits in a
//! pool of any size. It runs in the current rayon pool and, where that has one thread, without rayon. The guarantee
//! ends at another [`Level`], another batch size and another processor whose level differs.

use std::cell::RefCell;

use rayon::prelude::*;

use super::fresh::{Fresh, Part};
use super::functions::Activate;
use super::kernels::{Convolve, InputGradient, PANEL, Patches, Source, Taps, WeightGradient};
use super::level::Level;
use super::pooling::{PoolMap, Spread};
use super::saved::{Narrow, Saved, Widen};
use super::spec::{Activation, Geometry, Memory, Window};
use super::stage::{self, Buffer, ScaledGradient, View};
use super::tasks;
use super::winograd::Tiles;

/// Images per task of the forward pass.
const IMAGES: usize = 4;
/// At most this many partial sums of a weight gradient.
const PARTS: usize = 8;
/// Values of a weight gradient whose partial sums one task adds.
const SUMMED: usize = 1 << 13;

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    finish: Finish,
    gradient: Buffer,
    scattered: Buffer,
    winners: Vec<u32>,
    sources: Vec<Source>,
    ends: Vec<usize>,
    sorted: Vec<Source>,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());

/// Memory of one thread for what follows a convolution.
#[derive(Default)]
pub(super) struct Finish {
    values: Buffer,
    pooled: Buffer,
    pooled_slopes: Buffer,
    winners: Vec<u32>,
}

/// A block with its sizes, ready to run.
pub(super) struct Plan<'a> {
    pub level: Level,
    pub geometry: Geometry,
    /// Applied to every position.
    pub on_positions: Vec<Activation>,
    /// Applied behind the geometry's window.
    pub on_outputs: &'a [Activation],
    pub memory: Memory,
}

/// The gradients, each in its parameter's own order; `input` is `[image][row][column][channel]`.
pub(super) struct Gradients {
    pub input: Option<Vec<f32>>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Some images of a batch in the forward pass.
pub(super) struct Piece<'a> {
    /// The first one's place in the batch.
    pub first: usize,
    /// The block's output, zero.
    pub values: &'a mut [f32],
    /// Slopes and winners, where they are kept.
    pub saved: Option<(&'a mut [f32], &'a mut [u8])>,
}

/// A [`Piece`] before its thread begins with it.
pub(super) struct Task<'a> {
    first: usize,
    values: Part<'a>,
    saved: Option<(&'a mut [f32], &'a mut [u8])>,
}

impl<'a> Piece<'a> {
    /// One by one, of `image` values and `padded` slopes each.
    fn images(self, image: usize, padded: usize) -> impl Iterator<Item = Piece<'a>> {
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
pub(super) fn for_each(pieces: Vec<Task>, work: impl Fn(Piece) + Send + Sync) {
    tasks::for_each(pieces.into_iter(), |Task { first, values, saved }| {
        work(Piece { first, values: values.cleared(), saved })
    });
}

impl Plan<'_> {
    /// Output channels rounded up to whole vectors.
    pub(super) fn channels(&self) -> usize {
        self.geometry.channels_out.next_multiple_of(self.level.lanes())
    }

    pub(super) fn patches<'a>(&self, bases: &'a [usize]) -> Patches<'a> {
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

    /// The block's output, `[image][output][channel]` or `[image][channel][output]` as `memory` says, and what
    /// `backward` needs.
    pub fn forward(&self, input: &View, weight: &[f32], bias: &[f32], track: bool) -> (Vec<f32>, Option<Saved>) {
        let (g, channels) = (&self.geometry, self.channels());
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(channels, 0.0);
        let (image, padded) = (g.outputs() * g.channels_out, g.positions() * channels);
        let mut values = Fresh::new(g.batch * image);
        let mut saved = track.then(|| Saved::take(g.batch * padded, g.pooled));
        let mut tasks: Vec<Task> = values
            .parts(IMAGES * image)
            .enumerate()
            .map(|(i, values)| Task { first: i * IMAGES, values, saved: None })
            .collect();
        if let Some(saved) = &mut saved {
            let parts =
                saved.buffers.slopes.chunks_mut(IMAGES * padded).zip(saved.buffers.winners.chunks_mut(IMAGES * padded));
            for (task, part) in tasks.iter_mut().zip(parts) {
                task.saved = Some(part);
            }
        }
        match Tiles::new(self.level, g) {
            Some(tiles) => self.forward_by_tiles(&tiles, input, weight, &padded_bias, tasks),
            None => {
                let panels = stage::panels(weight, g, channels, PANEL * self.level.lanes());
                let (panels, bases) = (panels.get(g.kernel * g.segment() * channels), g.bases());
                for_each(tasks, |piece| self.forward_piece(piece, input, panels, &padded_bias, &bases));
            }
        }
        (values.finish(), saved)
    }

    fn forward_piece(&self, piece: Piece, input: &View, panels: &[f32], bias: &[f32], bases: &[usize]) {
        let (g, padded) = (&self.geometry, self.geometry.positions() * bias.len());
        SCRATCH.with_borrow_mut(|Scratch { staged, finish, .. }| {
            for piece in piece.images(g.outputs() * g.channels_out, padded) {
                let staged = stage::stage(input, piece.first, g, 0, &mut *staged);
                self.finish(piece, finish, |values, winners| {
                    self.level.run(Convolve { patches: self.patches(bases), staged, panels, bias, values, winners });
                });
            }
        });
    }

    /// What follows a convolution in the memory of a piece. `convolve` gets room for the values of all positions of the
    /// piece's images and, if a pool is part of it and tracked, for the winners; else none.
    pub(super) fn finish(&self, piece: Piece, scratch: &mut Finish, convolve: impl FnOnce(&mut [f32], &mut [u32])) {
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
    pub(super) fn arrange(&self, from: &[f32], out: &mut [f32]) {
        match self.memory {
            Memory::ChannelsLast => stage::compact(from, self.channels(), self.geometry.channels_out, out),
            Memory::Contiguous => stage::transpose(from, self.channels(), self.geometry.outputs(), out),
        }
    }

    /// Pools a map and applies what follows; the positions' slopes become those of the outputs with respect to them.
    pub(super) fn pool(
        &self,
        window: Window,
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

    /// The gradients, given that of the block's output.
    pub fn backward(
        &self,
        input: &View,
        weight: &[f32],
        gradient: &View,
        saved: &Saved,
        input_wanted: bool,
    ) -> Gradients {
        let (g, channels) = (&self.geometry, self.channels());
        let padded = g.segment().next_multiple_of(self.level.lanes());
        // Segments of at most half a vector would leave most lanes empty.
        let short = 2 * g.segment() <= self.level.lanes();
        let weight_size = if short { g.kernel * g.segment() * channels } else { g.channels_out * g.kernel * padded };
        let shared = Shared {
            bases: g.bases(),
            taps: (0..g.kernel).flat_map(|row| (0..g.segment()).map(move |i| row * g.row() + i)).collect(),
            weight: if input_wanted {
                stage::weight_blocks(weight, g, padded, self.level.lanes())
            } else {
                Buffer::default()
            },
            short,
        };
        let image = g.height * g.width * g.channels_in;
        let images = g.batch.div_ceil(PARTS).max(IMAGES);
        let mut input_gradient = Fresh::new(if input_wanted { g.batch * image } else { 0 });
        let mut of_images = input_gradient.parts(image);
        let parts: Vec<Vec<Part>> =
            (0..g.batch.div_ceil(images)).map(|_| of_images.by_ref().take(images).collect()).collect();
        drop(of_images);
        let run = |part: usize, to_input: Vec<Part>, to_weight: &mut [f32], to_bias: &mut [f32]| {
            let range = part * images..((part + 1) * images).min(g.batch);
            let mut to_input = to_input.into_iter();
            SCRATCH.with_borrow_mut(|scratch| {
                for n in range {
                    let to_input = to_input.next().map(Part::cleared);
                    self.backward_image(n, input, gradient, saved, &shared, to_weight, to_bias, to_input, scratch);
                }
            });
        };
        let (mut weight_sum, mut bias_sum) = (vec![0.0; weight_size], vec![0.0; channels]);
        let add = |sum: &mut [f32], part: &[f32]| sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        if rayon::current_num_threads() == 1 {
            let (mut to_weight, mut to_bias) = (Buffer::default(), vec![0.0; channels]);
            let to_weight = to_weight.take(weight_size);
            for (part, to_input) in parts.into_iter().enumerate() {
                to_weight.fill(0.0);
                to_bias.fill(0.0);
                run(part, to_input, to_weight, &mut to_bias);
                add(&mut weight_sum, to_weight);
                add(&mut bias_sum, &to_bias);
            }
        } else {
            let sums: Vec<(Buffer, Vec<f32>)> = parts
                .into_par_iter()
                .enumerate()
                .map(|(part, to_input)| {
                    let (mut to_weight, mut to_bias) = (Buffer::default(), vec![0.0; channels]);
                    run(part, to_input, to_weight.take(weight_size), &mut to_bias);
                    (to_weight, to_bias)
                })
                .collect();
            weight_sum.par_chunks_mut(SUMMED).enumerate().for_each(|(i, sum)| {
                for (to_weight, _) in &sums {
                    add(sum, &to_weight.get(weight_size)[i * SUMMED..]);
                }
            });
            for (_, to_bias) in &sums {
                add(&mut bias_sum, to_bias);
            }
        }
        bias_sum.truncate(g.channels_out);
        Gradients {
            input: input_wanted.then(|| input_gradient.finish()),
            weight: if short {
                stage::from_taps(&weight_sum, g, channels)
            } else {
                stage::from_segments(&weight_sum, g, padded)
            },
            bias: bias_sum,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn backward_image(
        &self,
        n: usize,
        input: &View,
        gradient: &View,
        saved: &Saved,
        shared: &Shared,
        to_weight: &mut [f32],
        to_bias: &mut [f32],
        to_input: Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let (g, channels) = (&self.geometry, self.channels());
        let size = g.positions() * channels;
        let (slopes, winners) = (&saved.buffers.slopes[n * size..][..size], &saved.buffers.winners[n * size..][..size]);
        let padded = g.segment().next_multiple_of(self.level.lanes());
        let staged = stage::stage(input, n, g, padded - g.segment(), &mut scratch.staged);
        let values = scratch.gradient.take(size);
        self.level.run(ScaledGradient { view: gradient, n, geometry: g, channels, slopes, to: &mut *values });
        for row in values.chunks_exact(channels) {
            to_bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let patches = self.patches(&shared.bases);
        let channels_out = g.channels_out;
        if shared.short {
            scratch.winners.resize(scratch.winners.len().max(size), 0);
            let wide = &mut scratch.winners[..size];
            self.level.run(Widen { kept: winners, winners: &mut *wide });
            let winners = &*wide;
            self.level.run(Taps {
                patches,
                staged,
                taps: &shared.taps,
                gradient: values,
                winners,
                weight_gradient: to_weight,
            });
        } else {
            let (sources, ends) = (&mut scratch.sources, &mut scratch.ends);
            let weight_gradient = to_weight;
            self.level.run(WeightGradient {
                patches,
                staged,
                gradient: values,
                winners,
                channels_out,
                weight_gradient,
                sources,
                ends,
            });
        }
        if let Some(to) = to_input {
            // Without a border the sum grows where it is needed, on the zeros the tensor was made of.
            let bordered = g.border > 0;
            let input_gradient = if bordered { scratch.scattered.take(g.staged()) } else { &mut *to };
            if bordered {
                input_gradient.fill(0.0);
            }
            self.level.run(InputGradient {
                patches,
                gradient: values,
                winners,
                channels_out,
                weight: shared.weight.get(g.channels_out * g.kernel * padded),
                input_gradient,
                sources: &mut scratch.sources,
                ends: &mut scratch.ends,
                sorted: &mut scratch.sorted,
            });
            if bordered {
                stage::unstage(scratch.scattered.take(g.staged()), g, to);
            }
        }
    }
}

/// What all tasks of a backward pass read.
struct Shared {
    bases: Vec<usize>,
    taps: Vec<usize>,
    weight: Buffer,
    short: bool,
}
