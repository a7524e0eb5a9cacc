//! The unaligned vector load that the convolution and matrix kernels share.
#![allow(unsafe_code)]

use pulp::Simd;

/// Whole vectors of a buffer at any offset.
///
/// # Safety
/// `offset + S::F32_LANES <= from.len()`.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(from: &[f32], offset: usize) -> S::f32s {
    debug_assert!(offset + S::F32_LANES <= from.len());
    // SAFETY: inside the slice by contract; pulp's vectors are plain data, and `read_unaligned` asks for no alignment.
    unsafe { from.as_ptr().add(offset).cast::<S::f32s>().read_unaligned() }
}
