//! Runs a loop with the widest vector instructions that the processor has.
//!
//! A portable build for x86-64 may use SSE2 only, a quarter of what most machines offer. The hot loops of this room are
//! compiled for several instruction sets and chosen at run time.

use std::sync::LazyLock;

static ARCH: LazyLock<pulp::Arch> = LazyLock::new(pulp::Arch::new);

/// Runs `work`, compiled for the instruction set of this processor. What it calls must be `#[inline(always)]` to be
/// compiled along.
#[inline]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    ARCH.dispatch(work)
}

/// Adding this to a number between 0 and 2^21 puts the number, rounded to the nearest integer (ties to even), into the
/// low bits of the sum. Unlike `as u8` it costs one addition for a whole vector.
const ROUNDER: f32 = 12_582_912.0;

/// `value` rounded to the nearest integer, and that integer's low bits. For −0.5 ≤ `value` < 2^21.
#[inline(always)]
pub(super) fn round(value: f32) -> (f32, u32) {
    let shifted = value + ROUNDER;
    (shifted - ROUNDER, shifted.to_bits())
}

/// The grey level nearest to `value`, which must lie between 0 and 255.
#[inline(always)]
pub(super) fn grey_level(value: f32) -> u8 {
    (round(value).1 & 0xFF) as u8
}

/// `value` forced into `low..=high`; `low` if it is not a number. Two instructions, where `f32::clamp` takes more.
#[inline(always)]
pub(super) fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let raised = if value > low { value } else { low };
    if raised < high { raised } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest() {
        for (value, expected) in [(0.0, 0), (0.49, 0), (0.51, 1), (1.5, 2), (254.4, 254), (254.6, 255), (255.0, 255)] {
            assert_eq!(grey_level(value), expected, "{value}");
        }
        assert_eq!(round(-0.5).0, 0.0);
    }

    #[test]
    fn clamping_keeps_the_range_and_refuses_nan() {
        assert_eq!(clamp(-3.0, 0.0, 255.0), 0.0);
        assert_eq!(clamp(300.0, 0.0, 255.0), 255.0);
        assert_eq!(clamp(7.5, 0.0, 255.0), 7.5);
        assert_eq!(clamp(f32::NAN, 0.0, 255.0), 0.0);
    }
}
