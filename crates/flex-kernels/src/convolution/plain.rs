//! The passes of a convolution with nothing behind it in the same operation, as in front of a norm.
//!
//! No pool leaves three quarters of a map's gradient zero here, and no slope is to be kept. So the gradients are those
//! of whole maps: that of the input is a convolution of the gradient with the mirrored kernel, and that of the weight is
//! a product of matrices, patches times gradients. Both go by tiles where that is faster.
//!
//! Activations and a pool over the stored map do not change that: the gradient of the map is first multiplied by their
//! slopes, image by image.
//!
//! Here a zero gradient counts as any other: beside an infinite or missing pixel it makes NaN of the weight's gradient.

use std::cell::{Cell, RefCell};

use super::{
    plan::{Gradients, Plan},
    saved::Saved,
    winograd::{self, Tiles},
};
use crate::{
    geometry::Geometry,
    kernels::{Panel, Product, Strided, Sum, Taps},
    layout::{self, Room, ScaledGradient},
    memory::{Buffer, View},
    parallel,
    spec::Memory,
};

/// At most this many partial sums of a weight gradient.
const PARTS: usize = 8;
/// Values of the patches that are multiplied at a time: they stay in the second-level cache.
const PATCHES: usize = 96 << 10;
/// Values of a cache line. Patches begin one line after a multiple of their length, so that they do not compete for the
/// same cache sets.
const LINE: usize = 16;

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    patches: Buffer,
    gradients: Buffer,
    winograd: winograd::Scratch,
    sums: Buffer,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
thread_local!(static SCALED: Cell<Buffer> = Cell::default());

impl Plan<'_> {
    /// Tells whether nothing follows the convolution in the same operation.
    pub(crate) fn is_plain(&self) -> bool {
        !self.geometry.pooled
            && self.geometry.window.is_none()
            && self.on_positions.is_empty()
            && self.on_outputs.is_empty()
    }

    /// Tells whether the gradients behind activations are computed as those of whole maps: if the convolution's own
    /// sums are not pooled, and tiles make it faster.
    pub(crate) fn goes_by_maps(&self) -> bool {
        !self.geometry.pooled && Tiles::of_weight(self.level, &self.geometry).is_some()
    }

    /// The gradients of a block whose convolution's sums are not pooled, given that of its output.
    pub(crate) fn backward_by_maps(
        &self,
        input: &View,
        weight: &[f32],
        gradient: &View,
        saved: &Saved,
        input_wanted: bool,
    ) -> Gradients {
        let (g, channels) = (&self.geometry, self.channels());
        // With the last row and column that a pool dropped: nothing depends on them.
        let side = |n: usize| n + 2 * g.border + 1 - g.kernel;
        let (height, width) = (side(g.height), side(g.width));
        let (size, positions) = (height * width * channels, g.positions() * channels);
        // The buffer is taken out: a thread that waits for its tasks below may begin another pass.
        let mut buffer = SCALED.take();
        let scaled = buffer.take(g.batch * size);
        let images = scaled.chunks_exact_mut(size).zip(saved.buffers.slopes.chunks_exact(positions)).enumerate();
        parallel::for_each(images, |(n, (map, slopes))| {
            let scale = |to: &mut [f32]| {
                self.level.run(ScaledGradient { view: gradient, n, geometry: g, channels, slopes, to });
            };
            if size == positions {
                return scale(map);
            }
            SCRATCH.with_borrow_mut(|Scratch { gradients, .. }| {
                let inside = gradients.take(positions);
                scale(&mut *inside);
                map.fill(0.0);
                let rows = inside.chunks_exact(g.map_width() * channels);
                map.chunks_exact_mut(width * channels)
                    .zip(rows)
                    .for_each(|(to, row)| to[..row.len()].copy_from_slice(row));
            });
        });
        let geometry = Geometry { window: None, out_height: height, out_width: width, ..*g };
        let plan = Plan { geometry, on_positions: Vec::new(), on_outputs: &[], ..*self };
        let strides = [size, 1, width * channels, channels].map(|stride| stride as isize);
        let gradient = View { data: scaled, offset: 0, strides };
        let gradients = plan.backward_plain(input, weight, &gradient, input_wanted, true);
        SCALED.set(buffer);
        gradients
    }

    /// The gradients, given that of the output; the bias' is empty unless it is wanted.
    pub(crate) fn backward_plain(
        &self,
        input: &View,
        weight: &[f32],
        gradient: &View,
        input_wanted: bool,
        bias_wanted: bool,
    ) -> Gradients {
        let (g, channels) = (&self.geometry, self.channels());
        let size = g.kernel * g.segment() * channels;
        let images = g.batch.div_ceil(PARTS);
        let mut sums = vec![0.0; g.batch.div_ceil(images) * (size + channels)];
        let tiles = Tiles::of_weight(self.level, g);
        let run = |(part, sums): (usize, &mut [f32])| {
            let (to_weight, to_bias) = sums.split_at_mut(size);
            let to_bias = bias_wanted.then_some(to_bias);
            let images = part * images..((part + 1) * images).min(g.batch);
            SCRATCH.with_borrow_mut(|scratch| match &tiles {
                Some(tiles) => self.add_tiles(tiles, images, input, gradient, to_weight, to_bias, scratch),
                None => self.add_images(images, input, gradient, to_weight, to_bias, scratch),
            });
        };
        parallel::for_each(sums.chunks_exact_mut(size + channels).enumerate(), run);
        let (sum, others) = sums.split_at_mut(size + channels);
        for part in others.chunks_exact(size + channels) {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        Gradients {
            input: input_wanted.then(|| self.input_gradient(weight, gradient)),
            weight: layout::from_taps(&sum[..size], g, channels),
            bias: if bias_wanted { sum[size..][..g.channels_out].to_vec() } else { Vec::new() },
        }
    }

    /// `[image][row][column][channel]`.
    fn input_gradient(&self, weight: &[f32], gradient: &View) -> Vec<f32> {
        let g = &self.geometry;
        let area = g.kernel * g.kernel;
        let mut mirrored = vec![0.0; weight.len()];
        for (o, weight) in weight.chunks_exact(g.channels_in * area).enumerate() {
            for (i, weight) in weight.chunks_exact(area).enumerate() {
                let to = &mut mirrored[(i * g.channels_out + o) * area..][..area];
                to.iter_mut().rev().zip(weight).for_each(|(to, from)| *to = *from);
            }
        }
        let geometry = Geometry {
            channels_in: g.channels_out,
            height: g.out_height,
            width: g.out_width,
            channels_out: g.channels_in,
            border: g.kernel - 1 - g.border,
            out_height: g.height,
            out_width: g.width,
            ..*g
        };
        let plan = Plan {
            level: self.level,
            geometry,
            on_positions: Vec::new(),
            on_outputs: &[],
            memory: Memory::ChannelsLast,
        };
        plan.forward(gradient, &mirrored, &vec![0.0; g.channels_in], false).0
    }

    /// [`add_images`](Self::add_images) by tiles.
    #[allow(clippy::too_many_arguments)]
    fn add_tiles(
        &self,
        tiles: &Tiles,
        images: std::ops::Range<usize>,
        input: &View,
        gradient: &View,
        to_weight: &mut [f32],
        mut to_bias: Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let (g, channels) = (&self.geometry, self.channels());
        let Scratch { staged, gradients, winograd, sums, .. } = scratch;
        let (sums, of_image) = (tiles.sums(sums), gradients.take(g.outputs() * channels));
        sums.fill(0.0);
        let (mut image, mut last) = (&[][..], None);
        for block in tiles.blocks(images.len()) {
            for share in tiles.shares(&block) {
                let n = images.start + share.image;
                if last.replace(n) != Some(n) {
                    image = layout::stage(input, n, g, tiles.room(), &mut *staged);
                    self.gather(gradient, n, of_image);
                    if let Some(to_bias) = &mut to_bias {
                        add_rows(of_image, to_bias);
                    }
                }
                tiles.transform_gradient(&block, &share, of_image, winograd);
                tiles.transform(&block, share, image, winograd);
            }
            tiles.add_products(&block, winograd, sums);
        }
        tiles.add_weight_gradient(sums, to_weight);
    }

    /// Adds what some images contribute: to the weight `[kernel row][kernel column][in][out padded]`, to the bias `[out
    /// padded]`.
    fn add_images(
        &self,
        images: std::ops::Range<usize>,
        input: &View,
        gradient: &View,
        to_weight: &mut [f32],
        mut to_bias: Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let (g, channels) = (&self.geometry, self.channels());
        let taps = g.kernel * g.segment();
        let short = 2 * g.segment() <= self.level.lanes();
        let Scratch { staged, patches, gradients, .. } = scratch;
        let step = taps + LINE;
        let outputs = g.outputs();
        // Whole images, or one that is cut.
        let room = (PATCHES / step).max(1);
        let group = (room / outputs).max(1).min(images.len());
        let gradients = gradients.take(group * outputs * channels);
        let patches = patches.take(if short { 0 } else { room.min(group * outputs) * step });
        let bases = g.bases();
        let offsets: Vec<usize> =
            (0..g.kernel).flat_map(|row| (0..g.segment()).map(move |i| row * g.row() + i)).collect();
        let winners = vec![0; if short { outputs * channels } else { 0 }];
        let mut count = 0;
        for n in images.clone() {
            let staged = layout::stage(input, n, g, Room::default(), staged);
            let at = (n - images.start) % group * outputs;
            let of_image = &mut gradients[at * channels..][..outputs * channels];
            self.gather(gradient, n, of_image);
            if let Some(to_bias) = &mut to_bias {
                add_rows(of_image, to_bias);
            }
            if short {
                let (gradient, winners) = (&*of_image, &winners[..]);
                self.level.run(Taps {
                    patches: self.patches(&bases),
                    staged,
                    taps: &offsets,
                    gradient,
                    winners,
                    weight_gradient: to_weight,
                });
                continue;
            }
            for (output, base) in bases.iter().enumerate() {
                let to = &mut patches[count * step..][..taps];
                for (row, to) in to.chunks_exact_mut(g.segment()).enumerate() {
                    to.copy_from_slice(&staged[base + row * g.row()..][..g.segment()]);
                }
                count += 1;
                let ended =
                    output + 1 == outputs && (n + 1 == images.end || (n + 1 - images.start).is_multiple_of(group));
                if ended || count == room {
                    let first = at + output + 1 - count;
                    self.multiply(patches, step, &gradients[first * channels..][..count * channels], to_weight);
                    count = 0;
                }
            }
        }
    }

    /// Adds the products of patches, `step` values apart, and gradients `[patch][channel padded]`.
    fn multiply(&self, patches: &[f32], step: usize, gradients: &[f32], to_weight: &mut [f32]) {
        let (columns, width) = (self.channels(), self.level.panel(self.channels()));
        let panel = |first: usize| {
            let vectors = width.min(columns - first) / self.level.lanes();
            Panel { data: &gradients[first..], row: columns, first, vectors }
        };
        let b: Vec<Panel> = (0..columns).step_by(width).map(panel).collect();
        let a = Strided { data: patches, row: 1, step };
        self.level.run(Product {
            a,
            depth: gradients.len() / columns,
            b: &b,
            columns,
            c: to_weight,
            sum: Sum::Continued,
        });
    }

    /// The gradient of an image's output, `[output][channel padded]`.
    fn gather(&self, gradient: &View, n: usize, to: &mut [f32]) {
        let (g, channels) = (&self.geometry, self.channels());
        for (output, to) in to.chunks_exact_mut(channels).enumerate() {
            let start = gradient.at(n, 0, output / g.out_width, output % g.out_width);
            let (inside, padding) = to.split_at_mut(g.channels_out);
            if gradient.strides[1] == 1 {
                inside.copy_from_slice(&gradient.data[start..][..g.channels_out]);
            } else {
                for (c, to) in inside.iter_mut().enumerate() {
                    *to = gradient.data[(start as isize + c as isize * gradient.strides[1]) as usize];
                }
            }
            padding.fill(0.0);
        }
    }
}

/// Adds all rows of a matrix to one.
fn add_rows(matrix: &[f32], sum: &mut [f32]) {
    for row in matrix.chunks_exact(sum.len()) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}
