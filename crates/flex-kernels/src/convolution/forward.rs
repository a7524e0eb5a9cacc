//! The forward pass of a batch.

use std::cell::RefCell;

use super::{
    plan::{Finish, Piece, Plan, Task, for_each},
    saved::Saved,
    winograd::Tiles,
};
use crate::{
    kernels::{Convolve, PANEL},
    layout,
    memory::{Buffer, Fresh, View},
};

/// Images per task of the forward pass.
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
                let staged = layout::stage(input, piece.first, g, 0, &mut *staged);
                self.finish(piece, finish, |values, winners| {
                    self.level.run(Convolve { patches: self.patches(bases), staged, panels, bias, values, winners });
                });
            }
        });
    }
}
