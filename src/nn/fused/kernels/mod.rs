//! The inner loops. Their loads and stores and the memory of [`fresh`](super::fresh) are the only `unsafe` code of the
//! crate's own.
//!
//! Everything reads a *staged* image: `[row][column][channel]` with its border, so that one row of the kernel over one
//! output covers one run of consecutive values (a *segment*). Four kernels of convolutions and one of matrices, each
//! written once and compiled for every [`Level`](super::level::Level):
//!
//! * [`Convolve`]: a register tile of outputs × channels, exactly the outputs that the pool looks at, the pool in the
//!   tile's epilogue.
//! * [`WeightGradient`] and [`InputGradient`]: an output channel's gradient is not zero at one candidate of each pool
//!   window only, so both gradients are sums of segments, four times fewer than the convolution had. The first sums the
//!   image's segments over the windows of one channel, the second the weight's segments over the channels of one
//!   candidate; both keep the sum in registers.
//! * [`Taps`]: gradient of the weight where a segment is much shorter than a vector (the first layer), with channels in
//!   the lanes.
//! * [`Product`]: a register tile of rows × columns.
//!
//! [`MatrixVector`], a dense layer of a [single image](super::single), and the transforms around Winograd's products
//! ([`TransformTiles`] and its neighbours) are safe code.
//!
//! # Invariants
//! Offsets into a staged image come from `bases[position] + corners[candidate] + kernel_row · row + i` with `i` below
//! the segment, rounded up to whole vectors in [`WeightGradient`]; into matrices from a row and a step. Each kernel
//! proves by `assert!` on entry, from the largest of each, that every such offset is inside its slices; only the loads
//! and stores that rest on that proof are unchecked. Everything else is an ordinary slice.
#![allow(unsafe_code)]
// Arrays of vectors are registers: loops over constant indices unroll, iterators over them often do not.
#![allow(clippy::needless_range_loop)]

mod convolve;
mod dense;
mod gradients;
mod product;
mod taps;
mod winograd;

use pulp::Simd;

pub(super) use convolve::Convolve;
pub(super) use dense::{Input, MatrixVector, panel};
pub(super) use gradients::{InputGradient, Source, WeightGradient, blocks};
pub(super) use product::{COLUMNS, Panel, Product, Strided, Sum};
pub(super) use taps::Taps;
pub(super) use winograd::{COMPONENTS, Placement, TransformFilters, TransformProducts, TransformTiles};

/// Vectors of output channels in one tile of [`Convolve`], and in one panel of the products between Winograd's
/// transforms.
pub(in crate::nn::fused) const PANEL: usize = 2;

/// Whole vectors of a buffer at any offset.
///
/// # Safety
/// `offset + S::F32_LANES <= from.len()`.
#[inline(always)]
unsafe fn load<S: Simd>(from: &[f32], offset: usize) -> S::f32s {
    debug_assert!(offset + S::F32_LANES <= from.len());
    // SAFETY: inside the slice by contract; pulp's vectors are plain data, and `read_unaligned` asks for no alignment.
    unsafe { from.as_ptr().add(offset).cast::<S::f32s>().read_unaligned() }
}

/// How the patches of a staged image lie.
#[derive(Clone, Copy)]
pub(in crate::nn::fused) struct Patches<'a> {
    /// Where each position's first patch begins.
    pub bases: &'a [usize],
    /// What each of the position's patches adds.
    pub corners: [usize; 4],
    /// Patches of a position: 4 in front of a pool, else 1.
    pub candidates: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Values from one image row to the next.
    pub row: usize,
    /// Values of one kernel row.
    pub segment: usize,
}

impl Patches<'_> {
    /// The length that a staged image needs if every kernel row is read `segment` values long.
    fn reach(&self, segment: usize) -> usize {
        let base = self.bases.iter().copied().max().unwrap_or(0);
        let corner = self.corners.iter().copied().max().unwrap_or(0);
        base + corner + (self.kernel - 1) * self.row + segment
    }
}
