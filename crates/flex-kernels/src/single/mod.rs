//! A whole net on one image at a time, without Burn: weights are packed once, every buffer is allocated before the
//! first image.
//!
//! The batch op packs its weights at every call and hands tensors to Burn, which costs a single image more than the
//! arithmetic does. Here the same kernels run on layers that were packed once and that any number of threads may share;
//! each thread has a [`Scratch`], and nothing is allocated after that. Results differ from the batch op's by rounding
//! only, in the dense layers.
//!
//! Maps are `[position][channel]` between layers, channels padded to whole vectors. The padding is never read.

mod convolution;
mod dense;
mod global_pool;
mod map;
mod net;

pub use convolution::ConvolutionSpec;
pub use net::{PackedNet, Scratch};
