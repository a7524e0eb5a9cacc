//! Products of whole matrices: panels and threads around [`Product`].
//!
//! The kernel reads columns of the second factor where they lie, as far as they are whole vectors of a row-major
//! matrix; the rest, and all of a transposed one, is copied into panels first, at the sizes of a small net's layers for
//! a few parts in a hundred of the product. Rows are shared among threads, the summed dimension never is: the result is
//! the same in a pool of any size.

use std::cell::Cell;

use rayon::prelude::*;

use crate::{
    kernels::{Panel, Product, Strided, Sum},
    level::Level,
    memory::Buffer,
};

/// Multiply-adds of one task: fewer are done before another thread has woken up.
const GRAIN: usize = 1 << 23;

thread_local!(static PACKED: Cell<Buffer> = Cell::default());

/// The second factor of a product, `[depth, columns]`.
#[derive(Clone, Copy)]
pub(crate) enum Factor<'a> {
    /// `[depth][columns]` in memory.
    Rows(&'a [f32]),
    /// `[columns][depth]` in memory.
    Columns(&'a [f32]),
}

impl Factor<'_> {
    /// Columns that need no copy: whole panels, and what follows them if it is whole vectors.
    fn direct(self, columns: usize, lanes: usize, panel: usize) -> usize {
        match self {
            Self::Rows(_) if columns.is_multiple_of(lanes) => columns,
            Self::Rows(_) => columns / panel * panel,
            Self::Columns(_) => 0,
        }
    }
}

/// Adds `a · b` to `c`, `[rows][columns]` in memory; `a` is `[rows, depth]`.
pub(crate) fn add_product(level: Level, a: Strided, depth: usize, b: Factor, columns: usize, c: &mut [f32]) {
    let (lanes, panel) = (level.lanes(), level.panel(columns));
    let direct = b.direct(columns, lanes, panel);
    let padded = columns.next_multiple_of(lanes);
    // The buffer is taken out: a thread that waits for its tasks below may begin another product.
    let mut packed = PACKED.take();
    let mut rest = packed.take(depth * (padded - direct));
    let mut panels = Vec::new();
    for first in (0..padded).step_by(panel) {
        let width = panel.min(padded - first);
        let (data, row) = match b {
            Factor::Rows(b) if first < direct => (&b[first..], columns),
            _ => {
                let (to, behind) = rest.split_at_mut(depth * width);
                rest = behind;
                pack(b, depth, columns, first, width, to);
                (&*to, width)
            }
        };
        panels.push(Panel { data, row, first, vectors: width / lanes });
    }
    let rows = GRAIN.div_ceil(depth * columns).next_multiple_of(8);
    if rayon::current_num_threads() == 1 || c.len() <= rows * columns {
        level.run(Product { a, depth, b: &panels, columns, c, sum: Sum::Continued });
    } else {
        c.par_chunks_mut(rows * columns).enumerate().for_each(|(i, c)| {
            let a = Strided { data: &a.data[i * rows * a.row..], ..a };
            level.run(Product { a, depth, b: &panels, columns, c, sum: Sum::Continued });
        });
    }
    drop(panels);
    PACKED.set(packed);
}

/// The columns from `first` on as `[depth][width]`; what there is no column for is zero.
fn pack(b: Factor, depth: usize, columns: usize, first: usize, width: usize, to: &mut [f32]) {
    let used = width.min(columns - first);
    match b {
        Factor::Rows(b) => {
            for (to, from) in to.chunks_exact_mut(width).zip(b.chunks_exact(columns)) {
                to[..used].copy_from_slice(&from[first..first + used]);
                to[used..].fill(0.0);
            }
        }
        Factor::Columns(b) => {
            to.chunks_exact_mut(width).for_each(|to| to[used..].fill(0.0));
            for (column, from) in b[first * depth..].chunks_exact(depth).take(used).enumerate() {
                for (to, from) in to.iter_mut().skip(column).step_by(width).zip(from) {
                    *to = *from;
                }
            }
        }
    }
}
