//! Minimal filterings of one dimension, and their matrices as sums of vectors.
//!
//! `TILE` outputs of a kernel of `LINE` weights depend on `PATCH = TILE + LINE − 1` pixels. Winograd's algorithm
//! evaluates the polynomials that they are at `PATCH` points, one of them at infinity: `y = Aᵀ [(G g) ⊙ (Bᵀ d)]`. Each
//! point is one multiplication. Used for the columns and then for the rows, a line filters an image.
//!
//! The gradient of the weights is the transposed map, `Gᵀ [(A y) ⊙ (Bᵀ d)]`, `y` the gradient of the outputs: it takes
//! the same products.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use pulp::Simd;

use super::arithmetic::mul_add;

/// Most weights of a line of a kernel.
pub(crate) const MOST_LINE: usize = 5;
/// Most pixels of a line of a patch.
pub(crate) const MOST_PATCH: usize = 6;
/// Most outputs of a line of a tile.
pub(crate) const MOST_TILE: usize = 4;

/// One filtering. Vectors hold the same element for as many channels; of an array's elements those beyond `LINE`,
/// `TILE` or `PATCH` mean nothing.
pub(crate) trait Filtering {
    /// Weights of a line of the kernel.
    const LINE: usize;
    /// Outputs of a line.
    const TILE: usize;
    /// Pixels of a line, and products.
    const PATCH: usize;

    /// `G g`
    fn filter<S: Simd>(s: S, g: [S::f32s; MOST_LINE]) -> [S::f32s; MOST_PATCH];

    /// `Bᵀ d`
    fn patch<S: Simd>(s: S, d: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_PATCH];

    /// Element `y` of `Bᵀ d`, each pixel asked for where it is used: so few registers are enough for a whole row.
    fn patch_element<S: Simd>(s: S, y: usize, d: impl Fn(usize) -> S::f32s) -> S::f32s;

    /// `Aᵀ m`
    fn output<S: Simd>(s: S, m: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_TILE];

    /// `A y`
    fn gradient<S: Simd>(s: S, y: [S::f32s; MOST_TILE]) -> [S::f32s; MOST_PATCH];

    /// `Gᵀ u`
    fn weight<S: Simd>(s: S, u: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_LINE];
}

/// Two outputs in four products, at the points 0, 1, −1 and ∞.
pub(crate) enum Two {}

impl Filtering for Two {
    const LINE: usize = 3;
    const TILE: usize = 2;
    const PATCH: usize = 4;

    /// `(g₀, (g₀ + g₁ + g₂) / 2, (g₀ − g₁ + g₂) / 2, g₂)`
    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::f32s; MOST_LINE]) -> [S::f32s; MOST_PATCH] {
        let (half, zero) = (s.splat_f32s(0.5), s.splat_f32s(0.0));
        let (outer, middle) = (s.mul_f32s(half, s.add_f32s(g[0], g[2])), s.mul_f32s(half, g[1]));
        [g[0], s.add_f32s(outer, middle), s.sub_f32s(outer, middle), g[2], zero, zero]
    }

    /// `(d₀ − d₂, d₁ + d₂, d₂ − d₁, d₁ − d₃)`
    #[inline(always)]
    fn patch<S: Simd>(s: S, d: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_PATCH] {
        let zero = s.splat_f32s(0.0);
        [s.sub_f32s(d[0], d[2]), s.add_f32s(d[1], d[2]), s.sub_f32s(d[2], d[1]), s.sub_f32s(d[1], d[3]), zero, zero]
    }

    #[inline(always)]
    fn patch_element<S: Simd>(s: S, y: usize, d: impl Fn(usize) -> S::f32s) -> S::f32s {
        match y {
            0 => s.sub_f32s(d(0), d(2)),
            1 => s.add_f32s(d(1), d(2)),
            2 => s.sub_f32s(d(2), d(1)),
            _ => s.sub_f32s(d(1), d(3)),
        }
    }

    /// `(m₀ + m₁ + m₂, m₁ − m₂ − m₃)`
    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_TILE] {
        let zero = s.splat_f32s(0.0);
        [s.add_f32s(s.add_f32s(m[0], m[1]), m[2]), s.sub_f32s(s.sub_f32s(m[1], m[2]), m[3]), zero, zero]
    }

    /// `(y₀, y₀ + y₁, y₀ − y₁, −y₁)`
    #[inline(always)]
    fn gradient<S: Simd>(s: S, y: [S::f32s; MOST_TILE]) -> [S::f32s; MOST_PATCH] {
        let zero = s.splat_f32s(0.0);
        [y[0], s.add_f32s(y[0], y[1]), s.sub_f32s(y[0], y[1]), s.sub_f32s(zero, y[1]), zero, zero]
    }

    /// `(u₀ + (u₁ + u₂) / 2, (u₁ − u₂) / 2, (u₁ + u₂) / 2 + u₃)`
    #[inline(always)]
    fn weight<S: Simd>(s: S, u: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_LINE] {
        let half = s.splat_f32s(0.5);
        let (sum, difference) = (s.mul_f32s(half, s.add_f32s(u[1], u[2])), s.mul_f32s(half, s.sub_f32s(u[1], u[2])));
        let zero = s.splat_f32s(0.0);
        [s.add_f32s(u[0], sum), difference, s.add_f32s(sum, u[3]), zero, zero]
    }
}

/// Four outputs in six products, at the points 0, ±√½, ±√2 and ∞: powers of them grow slower than those of the usual ±1
/// and ±2, and the largest rounding errors are a third of theirs (random values, 16 to 128 channels).
pub(crate) enum Four {}

/// The inner points, ±√½.
const NEAR: f32 = FRAC_1_SQRT_2;
/// The outer points, ±√2.
const FAR: f32 = SQRT_2;
/// The cubes of both.
const CUBES: [f32; 2] = [0.5 * NEAR, 2.0 * FAR];

impl Filtering for Four {
    const LINE: usize = 3;
    const TILE: usize = 4;
    const PATCH: usize = 6;

    /// `(g₀, −(g₀ + g₂ / 2 ± √½ g₁) / 1.5, (g₀ + 2g₂ ± √2 g₁) / 6, g₂)`
    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::f32s; MOST_LINE]) -> [S::f32s; MOST_PATCH] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let near = times(-2.0 / 3.0, plus(0.5, g[2], g[0]));
        let far = times(1.0 / 6.0, plus(2.0, g[2], g[0]));
        [
            g[0],
            plus(-NEAR * (2.0 / 3.0), g[1], near),
            plus(NEAR * (2.0 / 3.0), g[1], near),
            plus(FAR / 6.0, g[1], far),
            plus(-FAR / 6.0, g[1], far),
            g[2],
        ]
    }

    /// `(d₀ − 2.5d₂ + d₄, (d₄ − 2d₂) ± √½ (d₃ − 2d₁), (d₄ − d₂ / 2) ± √2 (d₃ − d₁ / 2), d₁ − 2.5d₃ + d₅)`
    #[inline(always)]
    fn patch<S: Simd>(s: S, d: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_PATCH] {
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let (near, near_odd) = (plus(-2.0, d[2], d[4]), plus(-2.0, d[1], d[3]));
        let (far, far_odd) = (plus(-0.5, d[2], d[4]), plus(-0.5, d[1], d[3]));
        [
            plus(-2.5, d[2], s.add_f32s(d[0], d[4])),
            plus(NEAR, near_odd, near),
            plus(-NEAR, near_odd, near),
            plus(FAR, far_odd, far),
            plus(-FAR, far_odd, far),
            plus(-2.5, d[3], s.add_f32s(d[1], d[5])),
        ]
    }

    #[inline(always)]
    fn patch_element<S: Simd>(s: S, y: usize, d: impl Fn(usize) -> S::f32s) -> S::f32s {
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        match y {
            0 => plus(-2.5, d(2), s.add_f32s(d(0), d(4))),
            1 => plus(NEAR, plus(-2.0, d(1), d(3)), plus(-2.0, d(2), d(4))),
            2 => plus(-NEAR, plus(-2.0, d(1), d(3)), plus(-2.0, d(2), d(4))),
            3 => plus(FAR, plus(-0.5, d(1), d(3)), plus(-0.5, d(2), d(4))),
            4 => plus(-FAR, plus(-0.5, d(1), d(3)), plus(-0.5, d(2), d(4))),
            _ => plus(-2.5, d(3), s.add_f32s(d(1), d(5))),
        }
    }

    /// `(m₀ + p + r, √½ q + √2 t, p / 2 + 2r, √½³ q + √2³ t + m₅)` with `p, q = m₁ ± m₂` and `r, t = m₃ ± m₄`
    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_TILE] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let (p, q) = (s.add_f32s(m[1], m[2]), s.sub_f32s(m[1], m[2]));
        let (r, t) = (s.add_f32s(m[3], m[4]), s.sub_f32s(m[3], m[4]));
        [
            s.add_f32s(m[0], s.add_f32s(p, r)),
            plus(NEAR, q, times(FAR, t)),
            plus(0.5, p, s.add_f32s(r, r)),
            plus(CUBES[0], q, plus(CUBES[1], t, m[5])),
        ]
    }

    /// `(y₀, (y₀ + y₂ / 2) ± (√½ y₁ + √½³ y₃), (y₀ + 2y₂) ± (√2 y₁ + √2³ y₃), y₃)`
    #[inline(always)]
    fn gradient<S: Simd>(s: S, y: [S::f32s; MOST_TILE]) -> [S::f32s; MOST_PATCH] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let (near, near_odd) = (plus(0.5, y[2], y[0]), plus(CUBES[0], y[3], times(NEAR, y[1])));
        let (far, far_odd) = (plus(2.0, y[2], y[0]), plus(CUBES[1], y[3], times(FAR, y[1])));
        [
            y[0],
            s.add_f32s(near, near_odd),
            s.sub_f32s(near, near_odd),
            s.add_f32s(far, far_odd),
            s.sub_f32s(far, far_odd),
            y[3],
        ]
    }

    /// `(u₀ − p / 1.5 + r / 6, −√½ q / 1.5 + √2 t / 6, −p / 3 + r / 3 + u₅)` with `p, q = u₁ ± u₂` and `r, t = u₃ ± u₄`
    #[inline(always)]
    fn weight<S: Simd>(s: S, u: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_LINE] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let (p, q) = (s.add_f32s(u[1], u[2]), s.sub_f32s(u[1], u[2]));
        let (r, t) = (s.add_f32s(u[3], u[4]), s.sub_f32s(u[3], u[4]));
        [
            plus(1.0 / 6.0, r, plus(-2.0 / 3.0, p, u[0])),
            plus(FAR / 6.0, t, times(-NEAR * (2.0 / 3.0), q)),
            plus(1.0 / 3.0, s.sub_f32s(r, p), u[5]),
            s.splat_f32s(0.0),
            s.splat_f32s(0.0),
        ]
    }
}

/// Two outputs of a line of five weights in six products, at the points of [`Four`]: the patch is transformed alike.
pub(crate) enum TwoOfFive {}

impl Filtering for TwoOfFive {
    const LINE: usize = 5;
    const TILE: usize = 2;
    const PATCH: usize = 6;

    /// `(g₀, −(g₀ + g₂ / 2 + g₄ / 4 ± √½ (g₁ + g₃ / 2)) / 1.5, (g₀ + 2g₂ + 4g₄ ± √2 (g₁ + 2g₃)) / 6, g₄)`
    #[inline(always)]
    fn filter<S: Simd>(s: S, g: [S::f32s; MOST_LINE]) -> [S::f32s; MOST_PATCH] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let near = times(-2.0 / 3.0, plus(0.25, g[4], plus(0.5, g[2], g[0])));
        let far = times(1.0 / 6.0, plus(4.0, g[4], plus(2.0, g[2], g[0])));
        let (near_odd, far_odd) = (plus(0.5, g[3], g[1]), plus(2.0, g[3], g[1]));
        [
            g[0],
            plus(-NEAR * (2.0 / 3.0), near_odd, near),
            plus(NEAR * (2.0 / 3.0), near_odd, near),
            plus(FAR / 6.0, far_odd, far),
            plus(-FAR / 6.0, far_odd, far),
            g[4],
        ]
    }

    #[inline(always)]
    fn patch<S: Simd>(s: S, d: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_PATCH] {
        Four::patch(s, d)
    }

    #[inline(always)]
    fn patch_element<S: Simd>(s: S, y: usize, d: impl Fn(usize) -> S::f32s) -> S::f32s {
        Four::patch_element(s, y, d)
    }

    /// `(m₀ + m₁ + m₂ + m₃ + m₄, √½ (m₁ − m₂) + √2 (m₃ − m₄) + m₅)`
    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_TILE] {
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let zero = s.splat_f32s(0.0);
        let even = s.add_f32s(s.add_f32s(m[1], m[2]), s.add_f32s(m[3], m[4]));
        let odd = plus(NEAR, s.sub_f32s(m[1], m[2]), plus(FAR, s.sub_f32s(m[3], m[4]), m[5]));
        [s.add_f32s(m[0], even), odd, zero, zero]
    }

    /// `(y₀, y₀ ± √½ y₁, y₀ ± √2 y₁, y₁)`
    #[inline(always)]
    fn gradient<S: Simd>(s: S, y: [S::f32s; MOST_TILE]) -> [S::f32s; MOST_PATCH] {
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        [y[0], plus(NEAR, y[1], y[0]), plus(-NEAR, y[1], y[0]), plus(FAR, y[1], y[0]), plus(-FAR, y[1], y[0]), y[1]]
    }

    /// `(u₀ − p / 1.5 + r / 6, −√½ q / 1.5 + √2 t / 6, (r − p) / 3, −√½ q / 3 + √2 t / 3, −p / 6 + r / 1.5 + u₅)` with
    /// `p, q = u₁ ± u₂` and `r, t = u₃ ± u₄`
    #[inline(always)]
    fn weight<S: Simd>(s: S, u: [S::f32s; MOST_PATCH]) -> [S::f32s; MOST_LINE] {
        let times = |factor: f32, value| s.mul_f32s(s.splat_f32s(factor), value);
        let plus = |factor: f32, value, sum| mul_add(s, value, s.splat_f32s(factor), sum);
        let (p, q) = (s.add_f32s(u[1], u[2]), s.sub_f32s(u[1], u[2]));
        let (r, t) = (s.add_f32s(u[3], u[4]), s.sub_f32s(u[3], u[4]));
        [
            plus(1.0 / 6.0, r, plus(-2.0 / 3.0, p, u[0])),
            plus(FAR / 6.0, t, times(-NEAR * (2.0 / 3.0), q)),
            times(1.0 / 3.0, s.sub_f32s(r, p)),
            plus(FAR / 3.0, t, times(-NEAR / 3.0, q)),
            plus(2.0 / 3.0, r, plus(-1.0 / 6.0, p, u[5])),
        ]
    }
}
