//! Vector code: the inner loops of every operation.
//!
//! Everything reads a *staged* image: `[row][column][channel]` with its border, so that one row of the kernel over one
//! output covers one run of consecutive values (a *segment*). Four kernels of convolutions and two of matrices, each
//! written once and compiled for every [`Level`](crate::level::Level):
//!
//! * [`Convolve`]: a register tile of outputs × channels, exactly the outputs that the pool looks at, the pool in the
//!   tile's epilogue.
//! * [`WeightGradient`] and [`InputGradient`]: an output channel's gradient is not zero at one candidate of each pool
//!   window only, so both gradients are sums of segments, four times fewer than the convolution had. The first sums the
//!   image's segments over the windows of one channel, the second the weight's segments over the channels of one
//!   candidate; both keep the sum in registers.
//! * [`Taps`]: gradient of the weight where a segment is much shorter than a vector (the first layer), with channels in
//!   the lanes.
//! * [`Product`]: a register tile of rows × columns; [`SparseProduct`] leaves out what is zero in all rows of a tile.
//!
//! [`MatrixVector`], a dense layer of a [single image](crate::single), the transforms around Winograd's products
//! ([`TransformTiles`] and its neighbours), activations, pools, norms and update rules are safe code. `unsafe` code is
//! in `convolve`, `gradients`, `product`, `taps` and `load` only.
//!
//! # Invariants
//! Offsets into a staged image come from `bases[position] + corners[candidate] + kernel_row · row + i` with `i` below
//! the segment, rounded up to whole vectors in [`WeightGradient`]; into matrices from a row and a step. Each kernel
//! proves by `assert!` on entry, from the largest of each, that every such offset is inside its slices; only the loads
//! and stores that rest on that proof are unchecked. Everything else is an ordinary slice.
// Arrays of vectors are registers: loops over constant indices unroll, iterators over them often do not.
#![allow(clippy::needless_range_loop)]

mod activation;
mod arithmetic;
mod convolve;
mod filtering;
mod gradients;
mod load;
mod matrix_vector;
mod norm;
mod patches;
mod pool;
mod product;
mod sparse_product;
mod taps;
mod update;
mod winners;
mod winograd;

pub(crate) use activation::{Activate, Exponentials};
pub(crate) use arithmetic::wins;
pub(crate) use convolve::Convolve;
pub(crate) use filtering::{Filtering, Four, Two, TwoOfFive};
pub(crate) use gradients::{InputGradient, Source, WeightGradient, blocks};
pub(crate) use matrix_vector::{Input, MatrixVector, panel};
pub(crate) use norm::{GradientSums, MapGradient, MapGradientInPlace, Moments, Normalize};
pub(crate) use patches::{PANEL, Patches};
pub(crate) use pool::{PoolMap, Spread};
pub(crate) use product::{Panel, Product, Strided, Sum};
pub(crate) use sparse_product::{Gathered, SparseProduct, tile_rows};
pub(crate) use taps::Taps;
pub use update::{AdadeltaRule, AdamRule, DescentRule, MomentumRule};
pub(crate) use update::{Rule, Update};
pub(crate) use winners::{Narrow, Widen};
pub(crate) use winograd::{
    Placement, TransformFilters, TransformGradients, TransformProducts, TransformTiles, TransformWeightGradients,
};
