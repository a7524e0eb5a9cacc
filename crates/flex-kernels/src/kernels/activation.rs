//! The activations and their slopes on vectors.
//!
//! Each function returns its value and its slope at the same point, because both come from one exponential. The forward
//! pass multiplies the slopes along the chain of activations and keeps that product only, so the backward pass needs no
//! exponential at all. Slopes are finite for every finite input (the exponent is clamped), also where the composition
//! of stock operations gives 0·∞.
//!
//! `eˣ − 1` is Cephes' single-precision polynomial (S. Moshier, `expf.c`) on |r| ≤ ½ ln 2; `ln(1 + u)` on `0 ≤ u ≤ 1`
//! is the series of `2 artanh(u / (2 + u))`. Relative errors stay below 3e-7.

use pulp::{Simd, WithSimd};

use super::arithmetic::mul_add;
use crate::spec::Activation;

const SELU_SCALE: f32 = 1.050_701;
const SELU_LIMIT: f32 = 1.758_099_3;

/// `eˣ` and `eˣ − 1`; the exponent is held within [−87, 88], NaN stays NaN.
#[inline(always)]
fn exp<S: Simd>(s: S, x: S::f32s) -> (S::f32s, S::f32s) {
    /// 1.5 · 2²³: adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let held = s.max_f32s(s.splat_f32s(-87.0), s.min_f32s(s.splat_f32s(88.0), x));
    let shifted = mul_add(s, held, s.splat_f32s(std::f32::consts::LOG2_E), s.splat_f32s(ROUND));
    let n = s.sub_f32s(shifted, s.splat_f32s(ROUND));
    let r = mul_add(s, n, s.splat_f32s(-0.693_359_4), held);
    let r = mul_add(s, n, s.splat_f32s(2.121_944_4e-4), r);
    let mut p = s.splat_f32s(1.987_569_2e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = mul_add(s, p, r, s.splat_f32s(c));
    }
    let y = mul_add(s, s.mul_f32s(p, r), r, r);
    let exponent = s.add_u32s(s.transmute_u32s_f32s(shifted), s.splat_u32s(127));
    let power = s.transmute_f32s_u32s(s.wrapping_dyn_shl_u32s(exponent, s.splat_u32s(23)));
    let number = s.equal_f32s(x, x);
    let minus_one = mul_add(s, y, power, s.sub_f32s(power, s.splat_f32s(1.0)));
    (s.select_f32s(number, mul_add(s, y, power, power), x), s.select_f32s(number, minus_one, x))
}

/// `1 / (1 + e⁻ˣ)`
#[inline(always)]
fn sigmoid<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let one = s.splat_f32s(1.0);
    s.div_f32s(one, s.add_f32s(exp(s, s.neg_f32s(x)).0, one))
}

/// `ln(1 + u)` for `0 ≤ u ≤ 1`.
#[inline(always)]
fn ln_1p_unit<S: Simd>(s: S, u: S::f32s) -> S::f32s {
    let t = s.div_f32s(u, s.add_f32s(u, s.splat_f32s(2.0)));
    let t2 = s.mul_f32s(t, t);
    let mut p = s.splat_f32s(2.0 / 15.0);
    for c in [2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0] {
        p = mul_add(s, p, t2, s.splat_f32s(c));
    }
    s.mul_f32s(p, t)
}

/// A function with its slope.
trait Function: Copy {
    /// Value and slope at `x`.
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s);
}

#[derive(Clone, Copy)]
struct Relu;
impl Function for Relu {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let zero = s.splat_f32s(0.0);
        let off = s.less_than_or_equal_f32s(x, zero);
        (s.select_f32s(off, zero, x), s.select_f32s(off, zero, s.splat_f32s(1.0)))
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu(f32);
impl Function for LeakyRelu {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let slope =
            s.select_f32s(s.greater_than_or_equal_f32s(x, s.splat_f32s(0.0)), s.splat_f32s(1.0), s.splat_f32s(self.0));
        (s.mul_f32s(slope, x), slope)
    }
}

/// `scale · x` on the right, `limit · (eˣ − 1)` on the left; `closed` puts 0 on the right.
#[derive(Clone, Copy)]
struct Exponential {
    scale: f32,
    limit: f32,
    closed: bool,
}
impl Function for Exponential {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let (zero, scale, limit) = (s.splat_f32s(0.0), s.splat_f32s(self.scale), s.splat_f32s(self.limit));
        let (e, minus_one) = exp(s, x);
        let right = if self.closed { s.greater_than_or_equal_f32s(x, zero) } else { s.greater_than_f32s(x, zero) };
        (
            s.select_f32s(right, s.mul_f32s(scale, x), s.mul_f32s(limit, minus_one)),
            s.select_f32s(right, scale, s.mul_f32s(limit, e)),
        )
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;
impl Function for Sigmoid {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let y = sigmoid(s, x);
        (y, s.mul_f32s(y, s.sub_f32s(s.splat_f32s(1.0), y)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;
impl Function for Tanh {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let e = exp(s, s.add_f32s(x, x)).1;
        let y = s.div_f32s(e, s.add_f32s(e, s.splat_f32s(2.0)));
        (y, s.sub_f32s(s.splat_f32s(1.0), s.mul_f32s(y, y)))
    }
}

#[derive(Clone, Copy)]
struct Softplus;
impl Function for Softplus {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let (zero, one) = (s.splat_f32s(0.0), s.splat_f32s(1.0));
        let u = exp(s, s.neg_f32s(s.abs_f32s(x))).0;
        let positive = s.select_f32s(s.less_than_f32s(x, zero), zero, x);
        let part = s.div_f32s(one, s.add_f32s(one, u));
        let slope = s.select_f32s(s.less_than_f32s(x, zero), s.mul_f32s(u, part), part);
        (s.add_f32s(positive, ln_1p_unit(s, u)), slope)
    }
}

#[derive(Clone, Copy)]
struct Softsign;
impl Function for Softsign {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let one = s.splat_f32s(1.0);
        let part = s.div_f32s(one, s.add_f32s(one, s.abs_f32s(x)));
        (s.mul_f32s(x, part), s.mul_f32s(part, part))
    }
}

#[derive(Clone, Copy)]
struct Swish;
impl Function for Swish {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::f32s) -> (S::f32s, S::f32s) {
        let g = sigmoid(s, x);
        // Further left the clamped sigmoid is too large for the product with x, and g is NaN where x is.
        let y = s.mul_f32s(s.max_f32s(s.splat_f32s(-88.0), x), g);
        (y, mul_add(s, y, s.sub_f32s(s.splat_f32s(1.0), g), g))
    }
}

/// Replaces `values`, a whole number of vectors, by their exponentials; the exponent is held within [−87, 88].
pub(crate) struct Exponentials<'a> {
    pub values: &'a mut [f32],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        debug_assert_eq!(self.values.len() % S::F32_LANES, 0);
        for x in S::as_mut_simd_f32s(self.values).0 {
            *x = exp(s, *x).0;
        }
    }
}

/// Replaces `values` by the chain's values and, if there are any `slopes`, fills them with the product of the chain's
/// slopes. Both are whole numbers of vectors long.
pub(crate) struct Activate<'a> {
    pub chain: &'a [Activation],
    pub values: &'a mut [f32],
    pub slopes: Option<&'a mut [f32]>,
}

/// Values treated at a time, so that a chain runs over them in the first-level cache.
const BLOCK: usize = 2048;

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        debug_assert_eq!(self.values.len() % S::F32_LANES, 0);
        let mut slopes = self.slopes;
        if let Some(slopes) = &mut slopes {
            assert_eq!(slopes.len(), self.values.len());
            if self.chain.iter().all(|a| *a == Activation::Identity) {
                slopes.fill(1.0);
            }
        }
        for (index, values) in self.values.chunks_mut(BLOCK).enumerate() {
            let mut slopes = slopes.as_mut().map(|all| &mut all[index * BLOCK..][..values.len()]);
            let mut first = true;
            for &activation in self.chain {
                let slopes = slopes.as_deref_mut();
                match activation {
                    Activation::Identity => continue,
                    Activation::Relu => each(s, Relu, values, slopes, first),
                    Activation::LeakyRelu { slope } => each(s, LeakyRelu(slope), values, slopes, first),
                    Activation::Elu { alpha } => {
                        each(s, Exponential { scale: 1.0, limit: alpha, closed: false }, values, slopes, first)
                    }
                    Activation::Selu => each(
                        s,
                        Exponential { scale: SELU_SCALE, limit: SELU_LIMIT, closed: true },
                        values,
                        slopes,
                        first,
                    ),
                    Activation::Sigmoid => each(s, Sigmoid, values, slopes, first),
                    Activation::Tanh => each(s, Tanh, values, slopes, first),
                    Activation::Softplus => each(s, Softplus, values, slopes, first),
                    Activation::Softsign => each(s, Softsign, values, slopes, first),
                    Activation::Swish => each(s, Swish, values, slopes, first),
                }
                first = false;
            }
        }
    }
}

#[inline(always)]
fn each<S: Simd, F: Function>(s: S, f: F, values: &mut [f32], slopes: Option<&mut [f32]>, first: bool) {
    let (values, _) = S::as_mut_simd_f32s(values);
    match slopes {
        None => {
            for x in values {
                *x = f.at(s, *x).0;
            }
        }
        Some(slopes) => {
            let (slopes, _) = S::as_mut_simd_f32s(slopes);
            for (x, d) in values.iter_mut().zip(slopes) {
                let (y, slope) = f.at(s, *x);
                *x = y;
                *d = if first { slope } else { s.mul_f32s(*d, slope) };
            }
        }
    }
}
