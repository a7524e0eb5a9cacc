//! A convolution with its activations and its pool: the forward and the backward pass of a batch.
//!
//! # Determinism
//! The batch is cut into pieces by its own size only, each piece is computed by one thread in a fixed order, and
//! partial sums of the weight gradient are added in the order of their pieces. So the pass gives the same bits in a
//! pool of any size. It runs in the current rayon pool and, where that has one thread, without rayon. The guarantee
//! ends at another [`Level`], another batch size and another processor whose level differs.

mod backward;
mod by_tiles;
mod forward;
mod plain;
mod plan;
mod saved;
mod winograd;

pub(crate) use plan::Plan;
pub(crate) use saved::Saved;
pub(crate) use winograd::{Filters, Outputs, Rounding, Scratch as TileScratch, Tiles};
