//! Gradient of a weight with short segments, channels in the lanes.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use super::{arithmetic::mul_add, patches::Patches};

/// Gradient of the weight from one image, for short segments: `[tap][channel]`, added to.
pub(crate) struct Taps<'a> {
    pub patches: Patches<'a>,
    pub staged: &'a [f32],
    /// Offset of each tap from the beginning of a patch.
    pub taps: &'a [usize],
    /// `[position][channel]`, channels padded to whole vectors.
    pub gradient: &'a [f32],
    /// Index of the candidate that receives the gradient, like `gradient`.
    pub winners: &'a [u32],
    pub weight_gradient: &'a mut [f32],
}

impl WithSimd for Taps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let positions = self.patches.bases.len();
        let channels = self.gradient.len() / positions;
        assert!(
            channels.is_multiple_of(S::F32_LANES)
                && self.gradient.len() == channels * positions
                && self.winners.len() == self.gradient.len()
        );
        assert!(self.weight_gradient.len() == self.taps.len() * channels);
        let furthest = (self.patches.kernel - 1) * self.patches.row + self.patches.segment;
        assert!(self.taps.iter().all(|&tap| tap < furthest), "a tap outside the patch");
        assert!(self.patches.reach(self.patches.segment) <= self.staged.len(), "a patch ends outside the staged image");
        let mut tap = 0;
        while tap < self.taps.len() {
            tap += match self.taps.len() - tap {
                9.. => self.some::<S, 9>(s, tap, channels),
                4..9 => self.some::<S, 4>(s, tap, channels),
                2..4 => self.some::<S, 2>(s, tap, channels),
                _ => self.some::<S, 1>(s, tap, channels),
            };
        }
    }
}

impl Taps<'_> {
    /// `T` taps from `first` on. Returns `T`.
    #[inline(always)]
    fn some<S: Simd, const T: usize>(&mut self, s: S, first: usize, channels: usize) -> usize {
        let Patches { bases, corners, candidates, .. } = self.patches;
        let mut taps = [0; T];
        taps.copy_from_slice(&self.taps[first..first + T]);
        let zero = s.splat_f32s(0.0);
        for channel in (0..channels).step_by(S::F32_LANES) {
            let mut sums = [zero; T];
            for (position, &base) in bases.iter().enumerate() {
                let at = position * channels + channel;
                let gradient = S::as_simd_f32s(&self.gradient[at..at + S::F32_LANES]).0[0];
                let winner = S::as_simd_u32s(&self.winners[at..at + S::F32_LANES]).0[0];
                for candidate in 0..candidates {
                    let here = s.equal_u32s(winner, s.splat_u32s(candidate as u32));
                    let gradient = s.select_f32s(here, gradient, zero);
                    let offset = base + corners[candidate & 3];
                    for t in 0..T {
                        debug_assert!(offset + taps[t] < self.staged.len());
                        // SAFETY: base + corner + tap < `reach(segment)`, which `with_simd` asserted to be inside
                        // `staged`.
                        let x = s.splat_f32s(unsafe { *self.staged.get_unchecked(offset + taps[t]) });
                        sums[t] = mul_add(s, x, gradient, sums[t]);
                    }
                }
            }
            for t in 0..T {
                let at = (first + t) * channels + channel;
                let sum = &mut S::as_mut_simd_f32s(&mut self.weight_gradient[at..at + S::F32_LANES]).0[0];
                *sum = s.add_f32s(*sum, sums[t]);
            }
        }
        T
    }
}
