//! Elastic distortion, after Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to
//! visual document analysis" (2003).
//!
//! Each pixel is displaced by a random field: uniform in [−1, 1], smoothed by a Gaussian of standard deviation σ and
//! multiplied by α. The Gaussian is that of `scipy.ndimage.gaussian_filter` (cut off at 4 σ, mirrored at the edges). On
//! 28 positions such a filter is a 28×28 matrix, so smoothing a field takes two small matrix products, whose cost does
//! not depend on σ.

use rand::Rng;

use super::{
    vector::vectorised,
    warp::{Affine, LANES},
};
use crate::data::{PIXELS, SIDE};

type Rows = [[f32; LANES]; SIDE];

/// Generator of random smooth displacement fields.
#[derive(Clone, Debug)]
pub struct Elastic {
    /// Filter times √α, `[28 outputs, 28 inputs]`; applied along both axes of every field.
    smoothing: Box<[[f32; SIDE]; SIDE]>,
    /// Transpose of `smoothing`, with padded rows.
    transposed: Box<Rows>,
}

/// Random draws of a field before any arithmetic: 1,568 numbers of 16 bits.
#[derive(Clone, Debug)]
pub struct RawField {
    /// Little-endian, row-major; all draws for x, then all for y.
    bytes: [u8; 4 * PIXELS],
}

/// A displacement field: output pixel (x, y) is sampled at (x + dx, y + dy).
#[derive(Clone, Debug)]
pub struct Field {
    dx: Rows,
    dy: Rows,
}

impl Elastic {
    /// Makes a generator with amplitude `alpha` (at least 0) and smoothing of standard deviation `sigma` (above 0),
    /// both in pixels.
    pub fn new(alpha: f32, sigma: f32) -> Self {
        let matrix = gaussian_matrix(f64::from(sigma));
        let gain = f64::from(alpha).sqrt();
        let mut smoothing = Box::new([[0.0; SIDE]; SIDE]);
        let mut transposed = Box::new([[0.0; LANES]; SIDE]);
        for (output, row) in matrix.iter().enumerate() {
            for (input, weight) in row.iter().enumerate() {
                smoothing[output][input] = (gain * weight) as f32;
                transposed[input][output] = (gain * weight) as f32;
            }
        }
        Self { smoothing, transposed }
    }

    /// Smooths given raw displacements, each `[28, 28]` in [−1, 1].
    pub fn field(&self, dx: &[f32; PIXELS], dy: &[f32; PIXELS]) -> Field {
        vectorised(
            #[inline(always)]
            || Field { dx: self.smooth(&pad(dx)), dy: self.smooth(&pad(dy)) },
        )
    }

    /// Draws a [`RawField`] and smooths it.
    pub fn random_field(&self, rng: &mut impl Rng) -> Field {
        let raw = RawField::draw(rng);
        vectorised(
            #[inline(always)]
            || {
                let mut values = [[0.0f32; PIXELS]; 2];
                for (value, &draw) in values.as_flattened_mut().iter_mut().zip(raw.bytes.as_chunks::<2>().0) {
                    // Midpoints of 65,536 equal intervals of [−1, 1].
                    *value = (f32::from(u16::from_le_bytes(draw)) + 0.5) / 32768.0 - 1.0;
                }
                Field { dx: self.smooth(&pad(&values[0])), dy: self.smooth(&pad(&values[1])) }
            },
        )
    }

    /// Smoothing matrix times √α, `[28 outputs, 28 inputs]`: a smoothed field is matrix · raw field · matrixᵀ.
    pub fn smoothing(&self) -> &[[f32; SIDE]; SIDE] {
        &self.smoothing
    }

    /// Smooths along both axes: smoothing · field · smoothingᵀ.
    #[inline(always)]
    fn smooth(&self, field: &Rows) -> Rows {
        let across = product(|y, x| field[y][x], &self.transposed);
        product(|y, input| self.smoothing[y][input], &across)
    }
}

impl RawField {
    /// Draws the next 3,136 bytes of the generator.
    #[inline]
    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 4 * PIXELS];
        rng.fill_bytes(&mut bytes);
        Self { bytes }
    }

    /// Draws for x and for y of every pixel, row-major. A draw `d` is the raw displacement (d + ½) / 32,768 − 1, in
    /// [−1, 1].
    pub fn pixels(&self) -> impl Iterator<Item = (u16, u16)> {
        let (x, y) = self.bytes.split_at(2 * PIXELS);
        x.as_chunks().0.iter().zip(y.as_chunks().0).map(|(&x, &y)| (u16::from_le_bytes(x), u16::from_le_bytes(y)))
    }
}

impl Field {
    /// Warps an image by this field and by `affine`, in one bilinear pass.
    pub fn apply(&self, image: &[u8; PIXELS], affine: &Affine) -> [u8; PIXELS] {
        affine.apply_displaced(image, &self.dx, &self.dy)
    }

    /// Displacement (dx, dy) of the pixel at column `x` and row `y`, both below 28.
    pub fn at(&self, x: usize, y: usize) -> (f32, f32) {
        (self.dx[y][..SIDE][x], self.dy[y][..SIDE][x])
    }
}

/// Pads the rows of a `[28, 28]` matrix with zeros.
#[inline(always)]
fn pad(values: &[f32; PIXELS]) -> Rows {
    let mut rows = [[0.0; LANES]; SIDE];
    for (row, values) in rows.iter_mut().zip(values.as_chunks::<SIDE>().0) {
        row[..SIDE].copy_from_slice(values);
    }
    rows
}

/// Matrix product `out[y] = Σ_k left(y, k) · right[k]`, two rows at a time so that the sums stay in registers.
#[inline(always)]
fn product(left: impl Fn(usize, usize) -> f32, right: &Rows) -> Rows {
    let mut out = [[0.0; LANES]; SIDE];
    for (pair, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let mut sums = [[0.0f32; LANES]; 2];
        for (k, right) in right.iter().enumerate() {
            let (first, second) = (left(2 * pair, k), left(2 * pair + 1, k));
            for (lane, &value) in right.iter().enumerate() {
                sums[0][lane] += first * value;
                sums[1][lane] += second * value;
            }
        }
        *out = sums;
    }
    out
}

/// `scipy.ndimage.gaussian_filter1d(·, sigma, mode="reflect", truncate=4)` on 28 values, as a matrix `[output, input]`.
fn gaussian_matrix(sigma: f64) -> [[f64; SIDE]; SIDE] {
    let radius = (4.0 * sigma + 0.5) as i64;
    let weight = |offset: i64| (-0.5 * (offset as f64 / sigma).powi(2)).exp();
    let total: f64 = (-radius..=radius).map(weight).sum();
    let period = 2 * SIDE as i64;
    let mut matrix = [[0.0; SIDE]; SIDE];
    for (output, row) in matrix.iter_mut().enumerate() {
        for offset in -radius..=radius {
            // … 1 0 | 0 1 … 27 | 27 26 …
            let index = (output as i64 + offset).rem_euclid(period);
            row[index.min(period - 1 - index) as usize] += weight(offset) / total;
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn smoothing_keeps_a_constant_field() {
        for sigma in [0.1, 1.0, 4.0, 60.0] {
            let field = Elastic::new(3.0, sigma).field(&[1.0; PIXELS], &[-0.5; PIXELS]);
            for index in 0..PIXELS {
                let (dx, dy) = field.at(index % SIDE, index / SIDE);
                assert!((dx - 3.0).abs() < 1e-4 && (dy + 1.5).abs() < 1e-4, "σ {sigma}: ({dx}, {dy})");
            }
        }
    }

    #[test]
    fn no_displacement_changes_nothing() {
        let image: [u8; PIXELS] = std::array::from_fn(|i| (i * 37 % 256) as u8);
        let field = Elastic::new(0.0, 4.0).random_field(&mut Seed(1).rng());
        assert_eq!(field.apply(&image, &Affine::IDENTITY), image);
    }

    #[test]
    fn random_displacements_have_the_expected_spread() {
        // Standard deviation α · 3^-½ · Σ w², far from the edges: 34 · 0.577 · 0.0705 = 1.38.
        let elastic = Elastic::new(34.0, 4.0);
        let mut rng = Seed(2).rng();
        let mut squares = 0.0;
        for _ in 0..400 {
            let (dx, dy) = elastic.random_field(&mut rng).at(14, 14);
            squares += dx * dx + dy * dy;
        }
        let spread = (squares / 800.0).sqrt();
        assert!((1.25..1.55).contains(&spread), "{spread}");
    }
}
