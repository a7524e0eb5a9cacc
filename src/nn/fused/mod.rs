//! The parts of a net as single operations on the CPU, foremost a block of a convolutional net: `convolution →
//! activations → pool → activations`.
//!
//! Burn's Flex backend multiplies matrices at the processor's peak, and spends most of a training step around that:
//! activations over maps that the pool then quarters, a pool that looks at one value at a time, weight gradients in
//! which three of four terms are zero, copies between layouts. This operation computes the same block and does less:
//!
//! * The convolution is computed at the outputs that the pool looks at, and pooled while it is still in registers.
//! * Activations run behind a max-pool, on a quarter of the values. The caller moves them there, which is exact for
//!   monotone functions ([`Activation::is_monotone`]). In front of a pool they see the map of all outputs that the pool
//!   keeps, in the cache.
//! * The backward pass follows only the winner of each window: a quarter of the terms, for the weight and the input at
//!   once.
//! * The gradient of the input is skipped where nobody asks for it (the first layer).
//! * A 3×3 convolution of many channels takes 16 multiplications for every 36 of its definition (`winograd`).
//! * Channels lie innermost in memory ([`Memory`]) from block to block without copies; the shapes stay Burn's `[batch,
//!   channels, h, w]`.
//!
//! It runs on Flex devices only ([`available`]); elsewhere the caller composes Burn's own operations, which mean the
//! same: results differ by rounding. Where a *gradient* is infinite or NaN, further elements of the input's gradient in
//! the same rows may become NaN; where it is exactly zero it adds nothing, even at an infinite input, unless nothing
//! follows the convolution (`plain`).
//!
//! Results are bit-identical for every number of threads; see the source of `passes` for how, and for where that ends.
//!
//! The modules, in the order of the data: `spec` (what to compute) → `op` (Burn) → `passes`, `by_tiles` and `plain`
//! (batch) on `tasks` (threads) → `stage` (layouts), `fresh` and `saved` (buffers) → `winograd` (fewer multiplications)
//! → `kernels`, `functions` and `pooling` (vector code) on `level` (instruction set). The rest of a training step of
//! the same nets, on the same devices: [`dense()`] layers (on `matrix`), the [`cross_entropy()`], the rules of
//! `update`, and batch normalisation with what follows it (`norm`). `single` runs a whole net on one image with these
//! kernels and without Burn.

mod by_tiles;
mod cross_entropy;
mod dense;
mod fresh;
mod functions;
mod kernels;
mod level;
mod matrix;
mod norm;
mod op;
mod passes;
mod plain;
mod pooling;
mod saved;
pub(in crate::nn) mod single;
mod spec;
mod stage;
mod tasks;
mod update;
mod winograd;

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{Device, Tensor};

pub use cross_entropy::cross_entropy;
pub use dense::dense;
use level::Level;
pub use norm::{batch_statistics, norm_pool_activation};
use op::BlockOps;
use spec::Geometry;
pub use spec::{Activation, BlockSpec, LARGEST_KERNEL, Memory, NormSpec, Padding, Pool};
pub(in crate::nn) use tasks::for_each;
pub use update::{
    AdadeltaRule, AdamRule, DescentRule, MomentumRule, TwoMeans, descent_step, momentum_step, two_means_step,
};

/// Whether this process does without the operations of this module; see [`use_plain_operations`].
static PLAIN: AtomicBool = AtomicBool::new(false);

/// From now on every net of this process is composed of Burn's own operations, as it is on a GPU: for comparisons.
pub fn use_plain_operations() {
    PLAIN.store(true, Ordering::Relaxed);
}

/// Whether [`use_plain_operations`] was called, or this runs inside [`with_plain_operations`].
pub fn plain_operations() -> bool {
    PLAIN.load(Ordering::Relaxed) || PLAIN_HERE.get()
}

thread_local! {
    /// The same for this thread alone.
    static PLAIN_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with every net that this thread composes made of Burn's own operations, as it is on a GPU: for
/// comparisons in one process.
pub fn with_plain_operations<R>(work: impl FnOnce() -> R) -> R {
    /// Puts back what was, also when `work` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            PLAIN_HERE.set(self.0);
        }
    }
    let _before = Before(PLAIN_HERE.replace(true));
    work()
}

/// The vector instructions that the operations of this module run on: `avx512`, `avx2` or `portable`; see the
/// environment variable `DIGITSTACK_SIMD`.
pub fn instructions() -> &'static str {
    Level::chosen().name()
}

/// Whether the operations of this module are to be used on this device: Burn's Flex backend, with or without autodiff.
pub fn available(device: &Device) -> bool {
    !plain_operations() && matches!(device.as_dispatch().clone().inner(), DispatchDevice::Flex(_))
}

/// A convolution of stride 1 with bias, activations, a pool and activations, differentiable in all three tensors.
///
/// # Shapes
/// - `input`: `[batch, in, height, width]`, any strides
/// - `weight`: `[out, in, k, k]`, `k` odd and at most [`LARGEST_KERNEL`]
/// - `bias`: `[out]`
/// - result: `[batch, out, height', width']`; `height' = height` with [`Padding::Same`], `height − k + 1` with
///   [`Padding::Valid`], halved (rounding down) by a pool; in memory as [`BlockSpec::memory`] says.
///
/// # Panics
/// As Burn's own operations do: if the shapes do not fit each other, nothing would be left of the image, the tensors
/// are not `f32`, or the device is not [`available`].
pub fn conv_pool_activation(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: BlockSpec) -> Tensor<4> {
    run(input, weight, bias, spec, Level::chosen())
}

fn run(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: BlockSpec, level: Level) -> Tensor<4> {
    let [channels] = bias.dims();
    if let Err(problem) = Geometry::new(input.dims(), weight.dims(), channels, &spec) {
        panic!("conv_pool_activation: {problem}");
    }
    Tensor::from_dispatch(<Dispatch as BlockOps>::block(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        spec,
        level,
    ))
}

#[cfg(test)]
mod tests;
