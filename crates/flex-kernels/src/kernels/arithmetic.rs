//! Arithmetic on vectors that must mean the same in every kernel.

use std::any::TypeId;

use pulp::{Scalar128b, Simd};

/// `a · b + c`, fused where the level has an instruction for it (the portable level would call a library routine per
/// lane).
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(s: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if TypeId::of::<S>() == TypeId::of::<Scalar128b>() {
        s.add_f32s(s.mul_f32s(a, b), c)
    } else {
        s.mul_add_e_f32s(a, b, c)
    }
}

/// Tells where `value` replaces `best` in a maximum: the first of equal values wins, and every NaN does.
#[inline(always)]
pub(crate) fn wins<S: Simd>(s: S, value: S::f32s, best: S::f32s) -> S::m32s {
    s.or_m32s(s.greater_than_f32s(value, best), s.not_m32s(s.equal_f32s(value, value)))
}
