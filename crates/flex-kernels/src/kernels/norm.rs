//! Vector code over `[position][channel]`, channels padded to whole vectors; constants are one vector row, `[channel]`.

use pulp::{Simd, WithSimd};

use super::arithmetic::mul_add;

/// Vectors of channels whose sums are kept at a time: a line of the cache is read once for all of its values.
const GROUP: usize = 4;

/// `to = (map − mean) · factor + shift`.
pub(crate) struct Normalize<'a> {
    pub map: &'a [f32],
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub shift: &'a [f32],
    pub to: &'a mut [f32],
}

impl WithSimd for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let [mean, factor, shift] = [self.mean, self.factor, self.shift].map(|row| S::as_simd_f32s(row).0);
        let vectors = mean.len();
        let (map, to) = (S::as_simd_f32s(self.map).0, S::as_mut_simd_f32s(self.to).0);
        assert!(factor.len() == vectors && shift.len() == vectors && map.len() == to.len());
        for (map, to) in map.chunks_exact(vectors).zip(to.chunks_exact_mut(vectors)) {
            for i in 0..vectors {
                to[i] = mul_add(s, s.sub_f32s(map[i], mean[i]), factor[i], shift[i]);
            }
        }
    }
}

/// The sum of `map`, and the sum of the squares of `map − sum / positions`, over all positions.
pub(crate) struct Moments<'a> {
    pub map: &'a [f32],
    pub sum: &'a mut [f32],
    pub squares: &'a mut [f32],
}

impl WithSimd for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let (sum, squares) = (S::as_mut_simd_f32s(self.sum).0, S::as_mut_simd_f32s(self.squares).0);
        let map = S::as_simd_f32s(self.map).0;
        let vectors = sum.len();
        let (zero, share) = (s.splat_f32s(0.0), s.splat_f32s(vectors as f32 / map.len() as f32));
        for first in (0..vectors).step_by(GROUP) {
            let group = GROUP.min(vectors - first);
            let (mut totals, mut means, mut spreads) = ([zero; GROUP], [zero; GROUP], [zero; GROUP]);
            for row in map.chunks_exact(vectors) {
                for (total, value) in totals.iter_mut().zip(&row[first..first + group]) {
                    *total = s.add_f32s(*total, *value);
                }
            }
            for i in 0..GROUP {
                means[i] = s.mul_f32s(totals[i], share);
            }
            for row in map.chunks_exact(vectors) {
                for ((spread, mean), value) in spreads.iter_mut().zip(&means).zip(&row[first..first + group]) {
                    let off = s.sub_f32s(*value, *mean);
                    *spread = mul_add(s, off, off, *spread);
                }
            }
            sum[first..first + group].copy_from_slice(&totals[..group]);
            squares[first..first + group].copy_from_slice(&spreads[..group]);
        }
    }
}

/// The sums of `gradient` and of `gradient · (map − mean)` over all positions.
pub(crate) struct GradientSums<'a> {
    pub map: &'a [f32],
    pub gradient: &'a [f32],
    pub mean: &'a [f32],
    pub sum: &'a mut [f32],
    pub product: &'a mut [f32],
}

impl WithSimd for GradientSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let [map, gradient, mean] = [self.map, self.gradient, self.mean].map(|values| S::as_simd_f32s(values).0);
        let (sum, product) = (S::as_mut_simd_f32s(self.sum).0, S::as_mut_simd_f32s(self.product).0);
        let (zero, vectors) = (s.splat_f32s(0.0), mean.len());
        for first in (0..vectors).step_by(GROUP) {
            let group = first..(first + GROUP).min(vectors);
            let (mut totals, mut products) = ([zero; GROUP], [zero; GROUP]);
            for (map, gradient) in map.chunks_exact(vectors).zip(gradient.chunks_exact(vectors)) {
                let values = map[group.clone()].iter().zip(&gradient[group.clone()]).zip(&mean[group.clone()]);
                for ((total, product), ((value, gradient), mean)) in totals.iter_mut().zip(&mut products).zip(values) {
                    *total = s.add_f32s(*total, *gradient);
                    *product = mul_add(s, *gradient, s.sub_f32s(*value, *mean), *product);
                }
            }
            sum[group.clone()].copy_from_slice(&totals[..group.len()]);
            product[group.clone()].copy_from_slice(&products[..group.len()]);
        }
    }
}

/// `to = to · factor + (map − mean) · slope + offset`: the gradient behind the norm becomes that of the map in place.
pub(crate) struct MapGradientInPlace<'a> {
    pub map: &'a [f32],
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub slope: &'a [f32],
    pub offset: &'a [f32],
    pub to: &'a mut [f32],
}

impl WithSimd for MapGradientInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let [mean, factor, slope, offset] =
            [self.mean, self.factor, self.slope, self.offset].map(|row| S::as_simd_f32s(row).0);
        let vectors = mean.len();
        let (map, to) = (S::as_simd_f32s(self.map).0, S::as_mut_simd_f32s(self.to).0);
        assert!([factor.len(), slope.len(), offset.len()] == [vectors; 3] && map.len() == to.len());
        for (map, to) in map.chunks_exact(vectors).zip(to.chunks_exact_mut(vectors)) {
            for i in 0..vectors {
                let own = mul_add(s, s.sub_f32s(map[i], mean[i]), slope[i], offset[i]);
                to[i] = mul_add(s, to[i], factor[i], own);
            }
        }
    }
}

/// `to = gradient · factor + (map − mean) · slope + offset`; where there is no gradient it counts as zero.
pub(crate) struct MapGradient<'a> {
    pub map: &'a [f32],
    pub gradient: Option<&'a [f32]>,
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub slope: &'a [f32],
    pub offset: &'a [f32],
    pub to: &'a mut [f32],
}

impl WithSimd for MapGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let [mean, factor, slope, offset] =
            [self.mean, self.factor, self.slope, self.offset].map(|row| S::as_simd_f32s(row).0);
        let vectors = mean.len();
        let (map, to) = (S::as_simd_f32s(self.map).0, S::as_mut_simd_f32s(self.to).0);
        assert!([factor.len(), slope.len(), offset.len()] == [vectors; 3] && map.len() == to.len());
        for (map, to) in map.chunks_exact(vectors).zip(to.chunks_exact_mut(vectors)) {
            for i in 0..vectors {
                to[i] = mul_add(s, s.sub_f32s(map[i], mean[i]), slope[i], offset[i]);
            }
        }
        if let Some(gradient) = self.gradient {
            let gradient = S::as_simd_f32s(gradient).0;
            for (gradient, to) in gradient.chunks_exact(vectors).zip(to.chunks_exact_mut(vectors)) {
                for i in 0..vectors {
                    to[i] = mul_add(s, gradient[i], factor[i], to[i]);
                }
            }
        }
    }
}
