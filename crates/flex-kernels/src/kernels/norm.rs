//! Vector code over `[position][channel]`, channels padded to whole vectors; constants are one vector row, `[channel]`.

use pulp::{Simd, WithSimd};

use super::arithmetic::mul_add;

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
        let share = s.splat_f32s(vectors as f32 / map.len() as f32);
        for (i, (sum, squares)) in sum.iter_mut().zip(squares).enumerate() {
            let mut total = s.splat_f32s(0.0);
            for value in map.iter().skip(i).step_by(vectors) {
                total = s.add_f32s(total, *value);
            }
            let mean = s.mul_f32s(total, share);
            let mut spread = s.splat_f32s(0.0);
            for value in map.iter().skip(i).step_by(vectors) {
                let off = s.sub_f32s(*value, mean);
                spread = mul_add(s, off, off, spread);
            }
            (*sum, *squares) = (total, spread);
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
        let vectors = mean.len();
        for (i, (sum, product)) in sum.iter_mut().zip(product).enumerate() {
            let (mut total, mut products) = (s.splat_f32s(0.0), s.splat_f32s(0.0));
            for (value, gradient) in map.iter().zip(gradient).skip(i).step_by(vectors) {
                total = s.add_f32s(total, *gradient);
                products = mul_add(s, *gradient, s.sub_f32s(*value, mean[i]), products);
            }
            (*sum, *product) = (total, products);
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
