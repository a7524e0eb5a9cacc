//! Pool of a stored map, for activations that do not commute with the pool.
//!
//! A maximum and a function that is not monotone do not commute, nor do a mean and a function that is not linear: then
//! the activation sees every position. The pool folds its own slope into the activation's (¼ for a mean, 0 for a
//! maximum's losers), so that the backward pass is that of a block without a pool, with each output's gradient read by
//! all four positions of its window.

use pulp::{Simd, WithSimd};

use super::arithmetic::wins;
use crate::spec::PoolKind;

/// Pools a map of windows `width` outputs wide; `channels` is a whole number of vectors.
pub(crate) struct PoolMap<'a> {
    pub window: PoolKind,
    pub width: usize,
    pub channels: usize,
    /// `[2 · height][2 · width][channel]`
    pub map: &'a [f32],
    /// Like `map`; multiplied by the slopes of the pool.
    pub slopes: Option<&'a mut [f32]>,
    /// `[height][width][channel]`
    pub pooled: &'a mut [f32],
}

impl WithSimd for PoolMap<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let (map, pooled) = (S::as_simd_f32s(self.map).0, S::as_mut_simd_f32s(self.pooled).0);
        assert_eq!(map.len(), 4 * pooled.len());
        let mut slopes = self.slopes.map(|slopes| S::as_mut_simd_f32s(slopes).0);
        windows(self.width, self.channels / S::F32_LANES, pooled.len(), |output, positions| {
            let values = positions.map(|position| map[position]);
            match self.window {
                PoolKind::Average => {
                    let quarter = s.splat_f32s(0.25);
                    let sum = values[1..].iter().fold(values[0], |sum, value| s.add_f32s(sum, *value));
                    pooled[output] = s.mul_f32s(quarter, sum);
                    if let Some(slopes) = &mut slopes {
                        for position in positions {
                            slopes[position] = s.mul_f32s(quarter, slopes[position]);
                        }
                    }
                }
                PoolKind::Max => {
                    let (mut best, mut winner) = (values[0], s.splat_u32s(0));
                    for (candidate, value) in (1..).zip(&values[1..]) {
                        let better = wins(s, *value, best);
                        best = s.select_f32s(better, *value, best);
                        winner = s.select_u32s(better, s.splat_u32s(candidate), winner);
                    }
                    pooled[output] = best;
                    if let Some(slopes) = &mut slopes {
                        for (candidate, position) in (0..).zip(positions) {
                            let won = s.equal_u32s(winner, s.splat_u32s(candidate));
                            slopes[position] = s.select_f32s(won, slopes[position], s.splat_f32s(0.0));
                        }
                    }
                }
            }
        });
    }
}

/// Multiplies the slopes of a window's positions by those of what follows the pool; sizes as in [`PoolMap`].
pub(crate) struct Spread<'a> {
    pub width: usize,
    pub channels: usize,
    /// `[height][width][channel]`
    pub outer: &'a [f32],
    /// `[2 · height][2 · width][channel]`
    pub slopes: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let (outer, slopes) = (S::as_simd_f32s(self.outer).0, S::as_mut_simd_f32s(self.slopes).0);
        windows(self.width, self.channels / S::F32_LANES, outer.len(), |output, positions| {
            for position in positions {
                slopes[position] = s.mul_f32s(outer[output], slopes[position]);
            }
        });
    }
}

/// Calls `visit` with the index of each of `outputs` vectors and those of its four positions, in row order.
#[inline(always)]
fn windows(width: usize, vectors: usize, outputs: usize, mut visit: impl FnMut(usize, [usize; 4])) {
    let row = 2 * width * vectors;
    for output in 0..outputs {
        let (pixel, vector) = (output / vectors, output % vectors);
        let first = pixel / width * 2 * row + pixel % width * 2 * vectors + vector;
        visit(output, [first, first + vectors, first + row, first + row + vectors]);
    }
}
