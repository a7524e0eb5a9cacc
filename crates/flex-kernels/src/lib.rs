//! Operations of small image nets on the CPU, as vector code.
//!
//! Burn's Flex backend multiplies matrices at the processor's peak, and spends most of a training step around that:
//! activations over maps that the pool then quarters, a pool that looks at one value at a time, weight gradients in
//! which three of four terms are zero, copies between layouts. The operations of this crate compute the same layers and
//! do less. The largest is a block of a convolutional net, `convolution → activations → pool → activations`
//! ([`conv_pool_activation`]):
//!
//! * The convolution is computed at the outputs that the pool looks at, and pooled while it is still in registers.
//! * Activations run behind a max-pool, on a quarter of the values. The caller moves them there, which is exact for
//!   monotone functions ([`Activation::is_monotone`]). In front of a pool they see the map of all outputs that the pool
//!   keeps, in the cache.
//! * The backward pass follows only the winner of each window: a quarter of the terms, for the weight and the input at
//!   once.
//! * The gradient of the input is skipped where nobody asks for it (the first layer).
//! * A 3×3 convolution of many channels takes 16 multiplications for every 36 of its definition (Winograd's F(2×2,
//!   3×3)), and one with nothing but a norm behind it 9 in both passes, the gradient of the weight included (F(4×4,
//!   3×3)). Without a pool the gradients behind activations take 9, too. A 5×5 convolution takes 36 for every 100
//!   (F(2×2, 5×5)) in front of a norm and where no gradient will be asked for.
//! * Channels lie innermost in memory ([`Memory`]) from block to block without copies; the shapes stay Burn's `[batch,
//!   channels, h, w]`.
//!
//! The rest of a training step: [`dense()`] layers, the [`cross_entropy()`], batch normalisation with what follows it
//! ([`batch_statistics`], [`norm_pool_activation`]), and the update rules ([`descent_step`], [`momentum_step`],
//! [`two_means_step`]). [`single`] runs a whole net on one image with the same kernels and without Burn.
//!
//! # Guarantees
//! * Bit-identical results for every number of threads: work is cut by the sizes of its tensors only, and partial sums
//!   are added in a fixed order. Results differ by rounding between levels, and from Burn's own operations.
//! * Slopes are finite for every finite input.
//! * Where a *gradient* is infinite or NaN, further elements of the input's gradient in the same rows may become NaN;
//!   where it is exactly zero it adds nothing, even at an infinite input, unless nothing follows the convolution or its
//!   gradients go by tiles. A dense layer may pass over zero inputs, even at an infinite weight.
//! * Every load and store that is not checked by the language rests on an `assert!` at the kernel's entry. They are in
//!   six small files of `kernels` and `memory`; all other code is safe. `tests/memory.sh` of the repository runs all
//!   kernels under AddressSanitizer.
//!
//! # Levels
//! Every kernel is written once and compiled for AVX-512, for AVX2 with FMA, and for portable vectors of four lanes.
//! The best level of the processor is found at the first call. The environment variable `DIGITSTACK_SIMD` (`avx512`,
//! `avx2`, `portable`) selects a lower one; [`instructions`] names the level in use.
//!
//! # Features
//! `burn` (default): the operations on tensors. They run on Flex devices only ([`available`]); elsewhere the caller
//! composes Burn's own operations. Without the feature the crate is the kernels and [`single`], and builds in seconds.
//!
//! # Modules
//! Each imports only from those above it:
//!
//! | module | contents |
//! |---|---|
//! | `spec`, `geometry` | what an operation computes, and the sizes that follow |
//! | `level`, `parallel` | vector instructions, threads |
//! | `memory`, `kernels`, `layout` | buffers and views, vector code, copies between layouts |
//! | `matrix`, `convolution`, `norm` | one operation on slices, on all threads |
//! | `single`, `operations` | a net on one image; the operations on Burn's tensors |
#![cfg_attr(
    not(feature = "burn"),
    allow(dead_code, unused_imports, reason = "the operations on tensors use most of the kernels")
)]

mod convolution;
mod geometry;
mod kernels;
mod layout;
mod level;
mod matrix;
mod memory;
mod norm;
#[cfg(feature = "burn")]
mod operations;
pub mod parallel;
pub mod single;
mod spec;
#[cfg(test)]
mod tests;

pub use geometry::LARGEST_KERNEL;
pub use kernels::{AdadeltaRule, AdamRule, DescentRule, MomentumRule};
pub use level::check_instructions;
#[cfg(feature = "burn")]
pub use operations::{
    TwoMeans, available, batch_statistics, conv_pool_activation, cross_entropy, dense, descent_step, momentum_step,
    norm_pool_activation, plain_operations, two_means_step, use_plain_operations, with_plain_operations,
};
pub use spec::{Activation, BlockSpec, Memory, NormSpec, Padding, Pool, PoolKind};

/// Returns the name of the vector instructions that the operations run on: `avx512`, `avx2` or `portable`; see the
/// environment variable `DIGITSTACK_SIMD`.
pub fn instructions() -> &'static str {
    level::Level::chosen().name()
}
