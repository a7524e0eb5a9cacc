//! Pool over a whole map.

use pulp::{Simd, WithSimd};

use crate::{
    kernels::{Activate, wins},
    level::Level,
    spec::{Activation, PoolKind},
};

/// Pool that reduces a map to one position, with the activations behind it.
pub(crate) struct GlobalPool {
    pub pool: PoolKind,
    pub activations: Vec<Activation>,
}

impl GlobalPool {
    /// Pools `map`, `[position][channel]` of `channels` padded channels, into its first position.
    pub fn run(&self, level: Level, channels: usize, map: &mut [f32]) {
        level.run(Reduce { pool: self.pool, channels, map: &mut *map });
        level.run(Activate { chain: &self.activations, values: &mut map[..channels], slopes: None });
    }
}

struct Reduce<'a> {
    pool: PoolKind,
    channels: usize,
    map: &'a mut [f32],
}

impl WithSimd for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let positions = self.map.len() / self.channels;
        let (result, others) = self.map.split_at_mut(self.channels);
        let result = S::as_mut_simd_f32s(result).0;
        for position in others.chunks_exact(self.channels) {
            for (result, value) in result.iter_mut().zip(S::as_simd_f32s(position).0) {
                *result = match self.pool {
                    PoolKind::Max => s.select_f32s(wins(s, *value, *result), *value, *result),
                    PoolKind::Average => s.add_f32s(*result, *value),
                };
            }
        }
        if self.pool == PoolKind::Average {
            let share = s.splat_f32s(1.0 / positions as f32);
            for result in result {
                *result = s.mul_f32s(*result, share);
            }
        }
    }
}
