//! Products of whole matrices: blocks, panels and threads around [`Product`].
//!
//! A block of the second factor, [`DEPTH`] rows and about [`COLUMNS`] columns, is copied into panels that the kernel
//! reads in order; it stays in the second-level cache while all rows of the first factor pass it. Those pass in blocks
//! of [`ROWS`], which are copied, too, where their values lie far apart in memory. Read in place, the columns of a
//! layer of 128 units would share one cache set in eight, and the images of a batch one TLB entry a value. What is
//! small is read where it lies: for few rows a copy costs more than it saves.
//!
//! Where most of the first factor is zero, as in the pixels of digits, what is zero in all rows of a tile is left out.
//! Of MNIST, six rows a tile, that is 57 % of a net's first layer forward and 66 % of its weight's gradient.
//!
//! Every element is summed over the depth in order, one multiply-add after the other. How the product is cut into
//! blocks, and its rows or columns among threads, changes no bit.

use std::{cell::RefCell, ops::Range};

use rayon::prelude::*;

use crate::{
    kernels::{Gathered, Panel, Product, SparseProduct, Strided, Sum, tile_rows},
    level::Level,
    memory::Buffer,
};

/// Multiply-adds of one task: fewer are done before another thread has woken up.
const GRAIN: usize = 1 << 23;
/// Depth of a block: one of its panels takes half of the first-level cache, or less.
const DEPTH: usize = 256;
/// Columns of a block, about.
const COLUMNS: usize = 128;
/// Rows of a block: whole tiles of six and of eight.
const ROWS: usize = 48;
/// Rows from which on copying the second factor costs little.
const MANY_ROWS: usize = 48;
/// Rows of a task from which on each may copy the second factor for itself.
const ROWS_OF_TASK: usize = 96;
/// Least columns for which it pays to look for zeros in the first factor.
const SPARSE_COLUMNS: usize = 64;
/// Share of columns that are not zero in a whole tile from which on nothing is gained by leaving others out.
const DENSE: f64 = 0.7;
/// Values after which addresses compete for the same sets of the first-level cache: one way of it.
const WAY: usize = 1024;
/// Values that lie in the first-level cache however they are read.
const SMALL: usize = 4096;

#[derive(Default)]
struct Scratch {
    a: Buffer,
    b: Buffer,
    part: Buffer,
    gathered: Gathered,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());

/// The second factor of a product, `[depth, columns]`.
#[derive(Clone, Copy)]
pub(crate) enum Factor<'a> {
    /// `[depth][columns]` in memory.
    Rows(&'a [f32]),
    /// `[columns][depth]` in memory.
    Columns(&'a [f32]),
}

/// Adds `a · b` to `c`, `[rows][columns]` in memory; `a` is `[rows, depth]`.
pub(crate) fn add_product(level: Level, a: Strided, depth: usize, b: Factor, columns: usize, c: &mut [f32]) {
    let rows = c.len() / columns;
    // Of the whole factor, so that the number of threads does not decide.
    let sparse = columns >= SPARSE_COLUMNS
        && rows >= tile_rows(level.registers())
        && Gathered::density(a, rows, depth, tile_rows(level.registers())) < DENSE;
    let task = Task { level, a, depth, b, columns, panel: level.panel(columns), sparse };
    let threads = rayon::current_num_threads().min(rows * depth * columns / GRAIN);
    if threads <= 1 {
        return SCRATCH.with_borrow_mut(|scratch| task.run(0..columns, columns, c, scratch));
    }
    if rows >= threads * ROWS_OF_TASK {
        let rows = rows.div_ceil(threads).next_multiple_of(ROWS);
        return c.par_chunks_mut(rows * columns).enumerate().for_each(|(i, c)| {
            let task = Task { a: Strided { data: &a.data[i * rows * a.row..], ..a }, ..task };
            SCRATCH.with_borrow_mut(|scratch| task.run(0..columns, columns, c, scratch));
        });
    }
    // Too few rows to copy the second factor for each share of them: columns are shared, in memory of their own.
    let width = columns.div_ceil(threads).next_multiple_of(task.panel);
    let shares: Vec<Range<usize>> =
        (0..columns).step_by(width).map(|first| first..(first + width).min(columns)).collect();
    let start = &*c;
    let parts: Vec<Buffer> = shares
        .par_iter()
        .map(|share| {
            SCRATCH.with_borrow_mut(|scratch| {
                let mut part = std::mem::take(&mut scratch.part);
                let values = part.take(rows * share.len());
                for (to, from) in values.chunks_exact_mut(share.len()).zip(start.chunks_exact(columns)) {
                    to.copy_from_slice(&from[share.clone()]);
                }
                task.run(share.clone(), share.len(), values, scratch);
                part
            })
        })
        .collect();
    for (share, part) in shares.into_iter().zip(parts) {
        let part = part.get(rows * share.len());
        for (to, from) in c.chunks_exact_mut(columns).zip(part.chunks_exact(share.len())) {
            to[share.clone()].copy_from_slice(from);
        }
    }
}

/// Some rows of a product.
#[derive(Clone, Copy)]
struct Task<'a> {
    level: Level,
    /// From the first of these rows on.
    a: Strided<'a>,
    depth: usize,
    b: Factor<'a>,
    columns: usize,
    /// Columns of a panel.
    panel: usize,
    /// Whether most columns of a tile of the first factor are zero.
    sparse: bool,
}

impl Task<'_> {
    /// Adds the product with the columns of a `share` to `c`, `[rows][width]` from the first of them on.
    fn run(&self, share: Range<usize>, width: usize, c: &mut [f32], scratch: &mut Scratch) {
        let Scratch { a, b, gathered, .. } = scratch;
        let rows = c.len() / width;
        let copied = self.copies_first(rows);
        // What is not zero is collected once for each block of columns.
        let block = if self.sparse { 2 * COLUMNS } else { COLUMNS };
        let step = (block / self.panel).max(1) * self.panel;
        for first in share.clone().step_by(step) {
            let columns = first..(first + step).min(share.end);
            for start in (0..self.depth).step_by(DEPTH) {
                let depth = start..(start + DEPTH).min(self.depth);
                let panels = self.panels(&columns, &depth, first - share.start, rows, b);
                for (i, c) in c.chunks_mut(ROWS * width).enumerate() {
                    let from = Strided { data: &self.a.data[i * ROWS * self.a.row + start * self.a.step..], ..self.a };
                    if self.sparse {
                        gathered.collect(from, c.len() / width, depth.len(), tile_rows(self.level.registers()));
                        self.level.run(SparseProduct { a: gathered, b: &panels, columns: width, c });
                        continue;
                    }
                    let a = if copied { copy(from, c.len() / width, depth.len(), a) } else { from };
                    let depth = depth.len();
                    self.level.run(Product { a, depth, b: &panels, columns: width, c, sum: Sum::Continued });
                }
            }
        }
    }

    /// Tells whether the first factor is read from a copy: if each of its values would take a cache line of its own, or
    /// if its rows would take the same lines.
    fn copies_first(&self, rows: usize) -> bool {
        let scattered = self.a.step != 1 && self.a.step * self.depth > SMALL;
        let conflicting = self.a.row.is_multiple_of(WAY) && rows > 1 && self.columns >= 4 * self.level.lanes();
        scattered || conflicting
    }

    /// The columns' panels for a part of the depth; `first` is the index of the first column in the result.
    fn panels<'b>(
        &'b self,
        columns: &Range<usize>,
        depth: &Range<usize>,
        first: usize,
        rows: usize,
        buffer: &'b mut Buffer,
    ) -> Vec<Panel<'b>> {
        let (lanes, used) = (self.level.lanes(), columns.len());
        let padded = used.next_multiple_of(lanes);
        // In place a power of two of columns would take few sets of the cache.
        let few = rows < MANY_ROWS && !(self.columns.is_multiple_of(COLUMNS) && rows >= 8);
        let mut rest = buffer.take(depth.len() * padded);
        let mut panels = Vec::with_capacity(padded.div_ceil(self.panel));
        for at in (0..padded).step_by(self.panel) {
            let (width, from) = (self.panel.min(padded - at), columns.start + at);
            let (data, row) = match self.b {
                Factor::Rows(b) if few && from + width <= self.columns => {
                    (&b[depth.start * self.columns + from..], self.columns)
                }
                _ => {
                    let (to, behind) = rest.split_at_mut(depth.len() * width);
                    rest = behind;
                    self.pack(from..(from + width).min(columns.end), depth, width, to);
                    (&*to, width)
                }
            };
            panels.push(Panel { data, row, first: first + at, vectors: width / lanes });
        }
        panels
    }

    /// Copies some columns as `[depth][width]`; what there is no column for is zero.
    fn pack(&self, columns: Range<usize>, depth: &Range<usize>, width: usize, to: &mut [f32]) {
        let used = columns.len();
        match self.b {
            Factor::Rows(b) => {
                for (to, from) in to.chunks_exact_mut(width).zip(b.chunks(self.columns).skip(depth.start)) {
                    to[..used].copy_from_slice(&from[columns.clone()]);
                    to[used..].fill(0.0);
                }
            }
            Factor::Columns(b) => {
                to.chunks_exact_mut(width).for_each(|to| to[used..].fill(0.0));
                for (column, from) in b.chunks_exact(self.depth).skip(columns.start).take(used).enumerate() {
                    for (to, from) in to.iter_mut().skip(column).step_by(width).zip(&from[depth.clone()]) {
                        *to = *from;
                    }
                }
            }
        }
    }
}

/// Copies a block of at most [`ROWS`] rows so that the values of a tile lie together.
fn copy<'a>(from: Strided, rows: usize, depth: usize, buffer: &'a mut Buffer) -> Strided<'a> {
    let to = buffer.take(ROWS * depth);
    if from.row == 1 {
        for (k, to) in to.chunks_exact_mut(ROWS).enumerate() {
            to[..rows].copy_from_slice(&from.data[k * from.step..][..rows]);
        }
    } else {
        for row in 0..rows {
            let from = from.data[row * from.row..].iter().step_by(from.step);
            to[row..].iter_mut().step_by(ROWS).zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    Strided { data: to, row: 1, step: ROWS }
}
