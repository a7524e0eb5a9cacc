//! The forward pass of a batch where nothing is to be saved, for what [`Tiles`] makes faster.
//!
//! As in `passes`, the batch is cut by its own size only; besides, an image's outputs do not depend on the cut.

use std::cell::{Cell, RefCell};

use rayon::prelude::*;

use super::functions::Activate;
use super::passes::Plan;
use super::spec::Memory;
use super::stage::{self, Buffer, View};
use super::winograd::{self, Filters, Tiles};

/// Images per task.
const IMAGES: usize = 4;

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    values: Buffer,
    pooled: Buffer,
    winograd: winograd::Scratch,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
thread_local!(static FILTERS: Cell<Buffer> = Cell::default());

/// What all tasks read.
struct Shared<'a> {
    tiles: &'a Tiles,
    input: &'a View<'a>,
    filters: Filters,
    bias: &'a [f32],
}

impl Plan<'_> {
    /// The block's output, as [`forward`](Self::forward) returns it; `bias` is padded to whole vectors.
    pub(super) fn forward_by_tiles(&self, tiles: &Tiles, input: &View, weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let g = &self.geometry;
        // The buffer is taken out: a thread that waits for its tasks below may begin another pass.
        let shared = Shared { tiles, input, filters: tiles.filters(weight, FILTERS.take()), bias };
        let image = g.outputs() * g.channels_out;
        let mut values = vec![0.0; g.batch * image];
        let run = |(piece, out): (usize, &mut [f32])| {
            SCRATCH.with_borrow_mut(|scratch| self.piece_by_tiles(&shared, piece * IMAGES, out, scratch));
        };
        if rayon::current_num_threads() == 1 {
            values.chunks_mut(IMAGES * image).enumerate().for_each(run);
        } else {
            values.par_chunks_mut(IMAGES * image).enumerate().for_each(run);
        }
        FILTERS.set(shared.filters.0);
        values
    }

    /// The images from `first` on, as many as `out` has room for.
    fn piece_by_tiles(&self, shared: &Shared, first: usize, out: &mut [f32], scratch: &mut Scratch) {
        let (g, channels, tiles) = (&self.geometry, self.channels(), shared.tiles);
        let (image, padded) = (g.outputs() * g.channels_out, g.positions() * channels);
        let images = out.len() / image;
        let Scratch { staged, values, pooled, winograd } = scratch;
        let mut convolve = |values: &mut [f32]| {
            let (mut image, mut last) = (&[][..], None);
            for block in tiles.blocks(images) {
                for share in tiles.shares(&block) {
                    if last.replace(share.image) != Some(share.image) {
                        image = stage::stage(shared.input, first + share.image, g, tiles.slack(), &mut *staged);
                    }
                    tiles.transform(&block, share, image, winograd);
                }
                tiles.multiply(&block, &shared.filters, shared.bias, values, winograd);
            }
            self.level.run(Activate { chain: &self.on_positions, values, slopes: None });
        };
        if g.window.is_none() && self.memory == Memory::ChannelsLast && channels == g.channels_out {
            return convolve(out);
        }
        let values = values.take(images * padded);
        convolve(values);
        for (values, out) in values.chunks_exact_mut(padded).zip(out.chunks_exact_mut(image)) {
            let Some(window) = g.window else {
                self.arrange(values, out);
                continue;
            };
            let pooled = pooled.take(g.outputs() * channels);
            self.pool(window, values, None, pooled, &mut Buffer::default());
            self.arrange(pooled, out);
        }
    }
}
