//! Run-time selection of vector instructions.
//!
//! A portable build for x86-64 may use SSE2 only, a quarter of the vector width of most machines. The hot loops of this
//! module are compiled for several instruction sets; the best one is selected at run time.

use std::sync::LazyLock;

static ARCH: LazyLock<pulp::Arch> = LazyLock::new(pulp::Arch::new);

/// Runs `work` in the version compiled for this processor's instruction set. Functions that it calls must be
/// `#[inline(always)]` to be compiled for it too.
#[inline]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    ARCH.dispatch(work)
}

/// Adding this constant to a number between 0 and 2^21 rounds the number to the nearest integer (ties to even) and
/// leaves it in the low bits of the sum. Unlike `as u8`, it costs one addition for a whole vector.
const ROUNDER: f32 = 12_582_912.0;

/// Rounds `value` to the nearest integer; returns it and its low bits. Valid for −0.5 ≤ `value` < 2^21.
#[inline(always)]
pub(super) fn round(value: f32) -> (f32, u32) {
    let shifted = value + ROUNDER;
    (shifted - ROUNDER, shifted.to_bits())
}

/// Rounds `value`, which must lie between 0 and 255, to a grey level.
#[inline(always)]
pub(super) fn grey_level(value: f32) -> u8 {
    (round(value).1 & 0xFF) as u8
}

/// Clamps `value` to `low..=high`; NaN becomes `low`. Two instructions, where `f32::clamp` takes more.
#[inline(always)]
pub(super) fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let raised = if value > low { value } else { low };
    if raised < high { raised } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_levels_are_rounded_to_nearest() {
        for (value, expected) in [(0.0, 0), (0.49, 0), (0.51, 1), (1.5, 2), (254.4, 254), (254.6, 255), (255.0, 255)] {
            assert_eq!(grey_level(value), expected, "{value}");
        }
        assert_eq!(round(-0.5).0, 0.0);
    }

    #[test]
    fn clamping_maps_nan_to_the_lower_bound() {
        assert_eq!(clamp(-3.0, 0.0, 255.0), 0.0);
        assert_eq!(clamp(300.0, 0.0, 255.0), 255.0);
        assert_eq!(clamp(7.5, 0.0, 255.0), 7.5);
        assert_eq!(clamp(f32::NAN, 0.0, 255.0), 0.0);
    }
}
