//! The backward pass of a batch: gradients as sums over the winners of the pool's windows.

use std::cell::RefCell;

use rayon::prelude::*;

use super::{
    plan::{Gradients, Plan},
    saved::Saved,
};
use crate::{
    kernels::{InputGradient, Source, Taps, WeightGradient, Widen},
    layout::{self, Room, ScaledGradient},
    memory::{Buffer, Fresh, Part, View},
};

/// Least images per task of the backward pass.
const IMAGES: usize = 4;
/// At most this many partial sums of a weight gradient.
const PARTS: usize = 8;
/// Values of a weight gradient whose partial sums one task adds.
const SUMMED: usize = 1 << 13;

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    gradient: Buffer,
    scattered: Buffer,
    winners: Vec<u32>,
    sources: Vec<Source>,
    ends: Vec<usize>,
    sorted: Vec<Source>,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());

impl Plan<'_> {
    /// The gradients, given that of the block's output.
    pub fn backward(
        &self,
        input: &View,
        weight: &[f32],
        gradient: &View,
        saved: &Saved,
        input_wanted: bool,
    ) -> Gradients {
        if self.goes_by_maps() {
            return self.backward_by_maps(input, weight, gradient, saved, input_wanted);
        }
        let (g, channels) = (&self.geometry, self.channels());
        let padded = g.segment().next_multiple_of(self.level.lanes());
        // Segments of at most half a vector would leave most lanes empty.
        let short = 2 * g.segment() <= self.level.lanes();
        let weight_size = if short { g.kernel * g.segment() * channels } else { g.channels_out * g.kernel * padded };
        let shared = Shared {
            bases: g.bases(),
            taps: (0..g.kernel).flat_map(|row| (0..g.segment()).map(move |i| row * g.row() + i)).collect(),
            weight: if input_wanted {
                layout::weight_blocks(weight, g, padded, self.level.lanes())
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
                layout::from_taps(&weight_sum, g, channels)
            } else {
                layout::from_segments(&weight_sum, g, padded)
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
        let staged = layout::stage(input, n, g, Room::slack(padded - g.segment()), &mut scratch.staged);
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
                layout::unstage(scratch.scattered.take(g.staged()), g, to);
            }
        }
    }
}

/// Inputs that all tasks of a backward pass share.
struct Shared {
    bases: Vec<usize>,
    taps: Vec<usize>,
    weight: Buffer,
    short: bool,
}
