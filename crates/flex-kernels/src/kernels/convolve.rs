//! Convolution, bias and pool in one register tile.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use super::{
    arithmetic::{mul_add, wins},
    patches::{PANEL, Patches},
};

/// Convolution, bias and pool of one image.
pub(crate) struct Convolve<'a> {
    pub patches: Patches<'a>,
    pub staged: &'a [f32],
    /// `[panel][kernel row][segment][channel]`, panels of [`PANEL`] vectors, the last one perhaps narrower.
    pub panels: &'a [f32],
    /// Bias of each channel, padded to whole vectors.
    pub bias: &'a [f32],
    /// `[position][channel]`, channels padded as in `bias`.
    pub values: &'a mut [f32],
    /// Index of the winning candidate, like `values`; empty if not required.
    pub winners: &'a mut [u32],
}

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let (lanes, channels) = (S::F32_LANES, self.bias.len());
        let (patches, positions) = (self.patches, self.patches.bases.len());
        let taps = patches.kernel * patches.segment;
        assert!(
            channels.is_multiple_of(lanes)
                && self.panels.len() == taps * channels
                && self.values.len() == positions * channels
        );
        assert!(self.winners.is_empty() || self.winners.len() == self.values.len());
        assert!(patches.reach(patches.segment) <= self.staged.len(), "a patch ends outside the staged image");
        let mut channel = 0;
        while channel < channels {
            let width = (PANEL * lanes).min(channels - channel);
            let panel = &self.panels[channel * taps..][..width * taps];
            // Eight outputs × two vectors keep both multiply-add units busy; sixteen registers hold half of that.
            match (patches.candidates, width == PANEL * lanes, S::REGISTER_COUNT >= 32) {
                (4, true, true) => self.panel::<S, 2, 4, PANEL>(s, panel, channel),
                (4, true, false) => self.panel::<S, 1, 4, PANEL>(s, panel, channel),
                (4, false, _) => self.panel::<S, 2, 4, 1>(s, panel, channel),
                (_, true, true) => self.panel::<S, 8, 1, PANEL>(s, panel, channel),
                (_, true, false) => self.panel::<S, 4, 1, PANEL>(s, panel, channel),
                (_, false, _) => self.panel::<S, 8, 1, 1>(s, panel, channel),
            }
            channel += width;
        }
    }
}

impl Convolve<'_> {
    /// `V` vectors of channels from `channel` on for every position, `W` positions of `P` candidates at a time.
    #[inline(always)]
    fn panel<S: Simd, const W: usize, const P: usize, const V: usize>(&mut self, s: S, panel: &[f32], channel: usize) {
        let positions = self.patches.bases.len();
        let whole = positions / W * W;
        for position in (0..whole).step_by(W) {
            self.tile::<S, W, P, V>(s, panel, channel, position);
        }
        for position in whole..positions {
            self.tile::<S, 1, P, V>(s, panel, channel, position);
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const W: usize, const P: usize, const V: usize>(
        &mut self,
        s: S,
        panel: &[f32],
        channel: usize,
        position: usize,
    ) {
        let Patches { bases, corners, kernel, row, segment, .. } = self.patches;
        let channels = self.bias.len();
        let (bias, _) = S::as_simd_f32s(&self.bias[channel..]);
        let mut sums = [[[s.splat_f32s(0.0); V]; P]; W];
        for window in &mut sums {
            for sum in window {
                sum.copy_from_slice(&bias[..V]);
            }
        }
        let bases = &bases[position..position + W];
        let (weights, _) = S::as_simd_f32s(panel);
        for kernel_row in 0..kernel {
            let weights = &weights[kernel_row * segment * V..][..segment * V];
            let mut starts = [[self.staged.as_ptr(); P]; W];
            for w in 0..W {
                for p in 0..P {
                    let offset = bases[w] + corners[p] + kernel_row * row;
                    debug_assert!(offset + segment <= self.staged.len());
                    // SAFETY: `with_simd` asserted that the largest base, corner and kernel row plus a segment stay
                    // inside `staged`.
                    starts[w][p] = unsafe { self.staged.as_ptr().add(offset) };
                }
            }
            for (i, weights) in weights.chunks_exact(V).enumerate() {
                for w in 0..W {
                    for p in 0..P {
                        // SAFETY: `i < segment`, see above.
                        let x = s.splat_f32s(unsafe { *starts[w][p].add(i) });
                        for v in 0..V {
                            sums[w][p][v] = mul_add(s, x, weights[v], sums[w][p][v]);
                        }
                    }
                }
            }
        }
        for w in 0..W {
            let at = (position + w) * channels + channel;
            for v in 0..V {
                let mut best = sums[w][0][v];
                let mut winner = s.splat_u32s(0);
                for p in 1..P {
                    let value = sums[w][p][v];
                    let better = wins(s, value, best);
                    best = s.select_f32s(better, value, best);
                    winner = s.select_u32s(better, s.splat_u32s(p as u32), winner);
                }
                let (values, _) = S::as_mut_simd_f32s(&mut self.values[at..at + channels - channel]);
                values[v] = best;
                if P > 1 && !self.winners.is_empty() {
                    let (winners, _) = S::as_mut_simd_u32s(&mut self.winners[at..at + channels - channel]);
                    winners[v] = winner;
                }
            }
        }
    }
}
