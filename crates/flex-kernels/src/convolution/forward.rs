//! The forward pass of a batch.

use std::cell::RefCell;

use super::{
    plan::{Finish, Piece, Plan, Task, for_each},
    saved::Saved,
    winograd::{Rounding, Tiles},
};
use crate::{
    kernels::{Convolve, PANEL},
    layout::{self, Room},
    memory::{Buffer, Fresh, View},
};

/// Images per task of a direct convolution.
const IMAGES: usize = 4;

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    finish: Finish,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());

impl Plan<'_> {
    /// The block's output, `[image][output][channel]` or `[image][channel][output]` as `memory` says, and what
    /// `backward` needs.
    pub fn forward(&self, input: &View, weight: &[f32], bias: &[f32], track: bool) -> (Vec<f32>, Option<Saved>) {
        let (g, channels) = (&self.geometry, self.channels());
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(channels, 0.0);
        let (image, padded) = (g.outputs() * g.channels_out, g.positions() * channels);
        let mut values = Fresh::new(g.batch * image);
        let mut saved = track.then(|| Saved::take(g.batch * padded, g.pooled));
        // Slopes bend at single values: where they are kept, equal sums must be equal.
        let tiles = Tiles::new(self.level, g, if track { Rounding::Exact } else { Rounding::Free });
        let images = tiles.as_ref().map_or(IMAGES, Tiles::images);
        let mut tasks: Vec<Task> = values
            .parts(images * image)
            .enumerate()
            .map(|(i, values)| Task { first: i * images, values, saved: None })
            .collect();
        if let Some(saved) = &mut saved {
            let (slopes, winners) = (&mut saved.buffers.slopes, &mut saved.buffers.winners);
            let parts = slopes.chunks_mut(images * padded).zip(winners.chunks_mut(images * padded));
            for (task, part) in tasks.iter_mut().zip(parts) {
                task.saved = Some(part);
            }
        }
        match tiles {
            Some(tiles) => self.forward_by_tiles(&tiles, input, weight, &padded_bias, tasks),
            None => {
                let panels = layout::panels(weight, g, channels, PANEL * self.level.lanes());
                let (panels, bases) = (panels.get(g.kernel * g.segment() * channels), g.bases());
                for_each(tasks, |piece| self.forward_piece(piece, input, panels, &padded_bias, &bases));
            }
        }
        (values.finish(), saved)
    }

    fn forward_piece(&self, piece: Piece, input: &View, panels: &[f32], bias: &[f32], bases: &[usize]) {
        let (g, padded) = (&self.geometry, self.geometry.positions() * bias.len());
        SCRATCH.with_borrow_mut(|Scratch { staged, finish }| {
            for piece in piece.images(g.outputs() * g.channels_out, padded) {
                let staged = layout::stage(input, piece.first, g, Room::default(), &mut *staged);
                self.finish(piece, finish, |values, winners| {
                    self.level.run(Convolve { patches: self.patches(bases), staged, panels, bias, values, winners });
                });
            }
        });
    }
}
