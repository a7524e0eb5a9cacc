//! The forward pass of a batch for what [`Tiles`] makes faster.
//!
//! The batch is cut by its own size only; besides, an image's outputs do not depend on the cut.

use std::cell::{Cell, RefCell};

use super::{
    plan::{Finish, Piece, Plan, Task, for_each},
    winograd::{self, Filters, Outputs, Tiles},
};
use crate::{
    layout,
    memory::{Buffer, View},
};

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    winograd: winograd::Scratch,
    finish: Finish,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
thread_local!(static FILTERS: Cell<Buffer> = Cell::default());

/// Inputs that all tasks share.
struct Shared<'a> {
    tiles: &'a Tiles,
    input: &'a View<'a>,
    filters: Filters,
    bias: &'a [f32],
}

impl Plan<'_> {
    /// Fills the pieces of a batch; `bias` is padded to whole vectors.
    pub(crate) fn forward_by_tiles(&self, tiles: &Tiles, input: &View, weight: &[f32], bias: &[f32], tasks: Vec<Task>) {
        // The buffer is taken out: a thread that waits for its tasks below may begin another pass.
        let shared = Shared { tiles, input, filters: tiles.filters(weight, FILTERS.take()), bias };
        for_each(tasks, |piece| SCRATCH.with_borrow_mut(|scratch| self.piece_by_tiles(&shared, piece, scratch)));
        FILTERS.set(shared.filters.0);
    }

    fn piece_by_tiles(&self, shared: &Shared, piece: Piece, scratch: &mut Scratch) {
        let (g, tiles, first) = (&self.geometry, shared.tiles, piece.first);
        let images = piece.values.len() / (g.outputs() * g.channels_out);
        let Scratch { staged, winograd, finish } = scratch;
        self.finish(piece, finish, |values, winners| {
            let (mut image, mut last) = (&[][..], None);
            for block in tiles.blocks(images) {
                for share in tiles.shares(&block) {
                    if last.replace(share.image) != Some(share.image) {
                        image = layout::stage(shared.input, first + share.image, g, tiles.room(), &mut *staged);
                    }
                    tiles.transform(&block, share, image, winograd);
                }
                let outputs = Outputs { values: &mut *values, winners: &mut *winners };
                tiles.multiply(&block, &shared.filters, shared.bias, outputs, winograd);
            }
        });
    }
}
