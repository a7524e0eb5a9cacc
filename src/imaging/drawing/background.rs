//! Fits the background of a picture by a smooth surface.

/// Number of terms of the surface: 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// Ridge of the coefficients beside the constant, for each pixel.
const FLEXIBLE: f64 = 1e-6;
/// See [`FLEXIBLE`].
const STIFF: f64 = 0.05;

/// A quadratic surface over a picture, whose coordinates run from −1 to 1.
///
/// Six coefficients can follow uneven light, vignetting or a bent page, but no stroke, however thick. Unlike a median
/// or morphological filter, it has no window size that depends on the stroke width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    factors: [f64; TERMS],
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

/// Coordinate of pixel `index` of `count`, from −1 to 1; 0 if there is only one pixel.
fn position(index: usize, count: usize) -> f64 {
    if count > 1 { 2.0 * index as f64 / (count - 1) as f64 - 1.0 } else { 0.0 }
}

impl Surface {
    /// Fits a surface to `levels`, `[height, width]`, by least squares, reweighted ten times so that pixels far from
    /// the surface (the ink) lose influence (Cauchy weights, scaled by the median residual). Uses at most about 16,000
    /// pixels on a grid.
    pub(super) fn fit(levels: &[f32], width: usize, height: usize) -> Self {
        Self::fit_where(levels, width, height, |_| true, FLEXIBLE)
    }

    /// Fits a surface to the levels that are known to be background. It is held nearly level, because they may lie in a
    /// corner.
    pub(super) fn fit_background(
        levels: &[f32],
        width: usize,
        height: usize,
        is_background: impl Fn(f32) -> bool,
    ) -> Self {
        Self::fit_where(levels, width, height, is_background, STIFF)
    }

    fn fit_where(
        levels: &[f32],
        width: usize,
        height: usize,
        is_background: impl Fn(f32) -> bool,
        stiffness: f64,
    ) -> Self {
        let step = ((width * height) as f64 / 16_000.0).sqrt().ceil().max(1.0) as usize;
        let mut points = Vec::new();
        for y in (0..height).step_by(step) {
            for x in (0..width).step_by(step) {
                let level = levels[y * width + x];
                if is_background(level) {
                    points.push((terms(position(x, width), position(y, height)), f64::from(level)));
                }
            }
        }
        let mut middle: Vec<f64> = points.iter().map(|&(_, level)| level).collect();
        let mut surface = Self { factors: [median(&mut middle), 0.0, 0.0, 0.0, 0.0, 0.0] };
        for _ in 0..10 {
            let mut residuals: Vec<f64> =
                points.iter().map(|(terms, level)| (level - surface.value(terms)).abs()).collect();
            // At least 1.5 grey levels, so that pixels of a perfectly smooth background are not treated as outliers.
            let scale = (2.0 * median(&mut residuals)).max(1.5);
            match surface.refit(&points, scale, stiffness) {
                Some(better) => surface = better,
                None => break,
            }
        }
        surface
    }

    fn value(&self, terms: &[f64; TERMS]) -> f64 {
        self.factors.iter().zip(terms).map(|(factor, term)| factor * term).sum()
    }

    /// Value of the surface at pixel (x, y).
    pub(super) fn at(&self, (x, width): (usize, usize), (y, height): (usize, usize)) -> f32 {
        self.value(&terms(position(x, width), position(y, height))) as f32
    }

    /// Solves the weighted least-squares problem; `None` if it is singular.
    fn refit(&self, points: &[([f64; TERMS], f64)], scale: f64, stiffness: f64) -> Option<Self> {
        let mut equations = [[0.0; TERMS + 1]; TERMS];
        for (terms, level) in points {
            let weight = 1.0 / (1.0 + ((level - self.value(terms)) / scale).powi(2));
            for (row, term) in equations.iter_mut().zip(terms) {
                for (sum, other) in row.iter_mut().zip(terms) {
                    *sum += weight * term * other;
                }
                row[TERMS] += weight * term * level;
            }
        }
        // A ridge term keeps the problem solvable for pictures of a few pixels.
        for (index, row) in equations.iter_mut().enumerate().skip(1) {
            row[index] += stiffness * points.len() as f64;
        }
        solve(equations).map(|factors| Self { factors })
    }
}

/// Gaussian elimination with partial pivoting; `None` if a pivot vanishes.
fn solve(mut equations: [[f64; TERMS + 1]; TERMS]) -> Option<[f64; TERMS]> {
    for pivot in 0..TERMS {
        let best = (pivot..TERMS).max_by(|&a, &b| equations[a][pivot].abs().total_cmp(&equations[b][pivot].abs()))?;
        equations.swap(pivot, best);
        let leading = equations[pivot];
        if leading[pivot].abs() < 1e-12 {
            return None;
        }
        for (_, row) in equations.iter_mut().enumerate().filter(|&(index, _)| index != pivot) {
            let factor = row[pivot] / leading[pivot];
            for (value, above) in row.iter_mut().zip(&leading) {
                *value -= factor * above;
            }
        }
    }
    let mut index = 0;
    Some(equations.map(|row| {
        index += 1;
        row[TERMS] / row[index - 1]
    }))
}

/// Median; reorders `values`. 0 for an empty slice.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_light_is_fitted_despite_thick_ink() {
        let (width, height) = (80, 60);
        let page = |x: usize, y: usize| 150.0 + 0.8 * x as f32 - 0.3 * y as f32;
        let inked = |x: usize, y: usize| (25..55).contains(&x) && (10..50).contains(&y);
        let levels: Vec<f32> = (0..width * height)
            .map(|index| (index % width, index / width))
            .map(|(x, y)| if inked(x, y) { 30.0 } else { page(x, y) + ((x * 7 + y * 13) % 5) as f32 - 2.0 })
            .collect();
        let surface = Surface::fit(&levels, width, height);
        for (x, y) in [(0, 0), (79, 59), (40, 30), (0, 59)] {
            let found = surface.at((x, width), (y, height));
            assert!((found - page(x, y)).abs() < 8.0, "({x}, {y}): {found}, {}", page(x, y));
        }
    }

    #[test]
    fn pictures_of_a_few_pixels_can_be_fitted() {
        for (width, height) in [(1, 1), (2, 1), (1, 7), (3, 3)] {
            let surface = Surface::fit(&vec![90.0; width * height], width, height);
            assert!((surface.at((0, width), (0, height)) - 90.0).abs() < 0.1, "{width}×{height}");
        }
    }
}
