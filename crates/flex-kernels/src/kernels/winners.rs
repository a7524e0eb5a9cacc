//! Conversions of the winners of pools between 32 and 8 bits.

use pulp::{Simd, WithSimd};

/// Winners as the vector code finds them to winners as they are kept.
pub(crate) struct Narrow<'a> {
    pub winners: &'a [u32],
    /// As long, or longer where there are no winners.
    pub kept: &'a mut [u8],
}

impl WithSimd for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (kept, winner) in self.kept.iter_mut().zip(self.winners) {
            *kept = *winner as u8;
        }
    }
}

/// The way back of [`Narrow`].
pub(crate) struct Widen<'a> {
    pub kept: &'a [u8],
    /// As long.
    pub winners: &'a mut [u32],
}

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (winner, kept) in self.winners.iter_mut().zip(self.kept) {
            *winner = u32::from(*kept);
        }
    }
}
