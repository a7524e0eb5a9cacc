//! The background of a picture as a smooth surface.

/// Number of terms of the surface: 1, x, y, x², xy, y².
const TERMS: usize = 6;

/// A quadratic surface over a picture whose sides run from −1 to 1.
///
/// Six numbers follow a lamp's gradient, vignetting or the bend of a page, and cannot follow a stroke, however thick.
/// Unlike a median or morphological filter it has no window size that would have to fit the stroke width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    factors: [f64; TERMS],
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

/// Position `index` of `count` on −1 to 1; 0 if there is only one.
fn position(index: usize, count: usize) -> f64 {
    if count > 1 { 2.0 * index as f64 / (count - 1) as f64 - 1.0 } else { 0.0 }
}

impl Surface {
    /// The surface through most of `levels`, `[height, width]`: least squares, reweighted ten times so that what lies
    /// far from the surface, the ink, loses its pull (Cauchy weights, scaled by the median residual). At most about
    /// 16,000 pixels on a grid are used.
    pub(super) fn fit(levels: &[f32], width: usize, height: usize) -> Self {
        let step = ((width * height) as f64 / 16_000.0).sqrt().ceil().max(1.0) as usize;
        let mut points = Vec::new();
        for y in (0..height).step_by(step) {
            for x in (0..width).step_by(step) {
                points.push((terms(position(x, width), position(y, height)), f64::from(levels[y * width + x])));
            }
        }
        let mut middle: Vec<f64> = points.iter().map(|&(_, level)| level).collect();
        let mut surface = Self { factors: [median(&mut middle), 0.0, 0.0, 0.0, 0.0, 0.0] };
        for _ in 0..10 {
            let mut residuals: Vec<f64> =
                points.iter().map(|(terms, level)| (level - surface.value(terms)).abs()).collect();
            // Never below a grey level and a half, so that a flawless background does not make every pixel an outlier.
            let scale = (2.0 * median(&mut residuals)).max(1.5);
            match surface.refit(&points, scale) {
                Some(better) => surface = better,
                None => break,
            }
        }
        surface
    }

    fn value(&self, terms: &[f64; TERMS]) -> f64 {
        self.factors.iter().zip(terms).map(|(factor, term)| factor * term).sum()
    }

    /// The surface at pixel (x, y).
    pub(super) fn at(&self, (x, width): (usize, usize), (y, height): (usize, usize)) -> f32 {
        self.value(&terms(position(x, width), position(y, height))) as f32
    }

    /// Weighted least squares; `None` if the equations are singular.
    fn refit(&self, points: &[([f64; TERMS], f64)], scale: f64) -> Option<Self> {
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
        // A little pull to flatness makes pictures of a few pixels solvable.
        for (place, row) in equations.iter_mut().enumerate().skip(1) {
            row[place] += 1e-6 * points.len() as f64;
        }
        solve(equations).map(|factors| Self { factors })
    }
}

/// Gaussian elimination with row exchanges; `None` if a pivot vanishes.
fn solve(mut equations: [[f64; TERMS + 1]; TERMS]) -> Option<[f64; TERMS]> {
    for pivot in 0..TERMS {
        let best = (pivot..TERMS).max_by(|&a, &b| equations[a][pivot].abs().total_cmp(&equations[b][pivot].abs()))?;
        equations.swap(pivot, best);
        let leading = equations[pivot];
        if leading[pivot].abs() < 1e-12 {
            return None;
        }
        for (_, row) in equations.iter_mut().enumerate().filter(|&(place, _)| place != pivot) {
            let factor = row[pivot] / leading[pivot];
            for (value, above) in row.iter_mut().zip(&leading) {
                *value -= factor * above;
            }
        }
    }
    let mut place = 0;
    Some(equations.map(|row| {
        place += 1;
        row[TERMS] / row[place - 1]
    }))
}

/// The middle value; reorders what it is given. 0 for nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lit_page_is_found_under_thick_ink() {
        let (width, height) = (80, 60);
        let page = |x: usize, y: usize| 150.0 + 0.8 * x as f32 - 0.3 * y as f32;
        let inked = |x: usize, y: usize| (25..55).contains(&x) && (10..50).contains(&y);
        let levels: Vec<f32> = (0..width * height)
            .map(|place| (place % width, place / width))
            .map(|(x, y)| if inked(x, y) { 30.0 } else { page(x, y) + ((x * 7 + y * 13) % 5) as f32 - 2.0 })
            .collect();
        let surface = Surface::fit(&levels, width, height);
        for (x, y) in [(0, 0), (79, 59), (40, 30), (0, 59)] {
            let found = surface.at((x, width), (y, height));
            assert!((found - page(x, y)).abs() < 8.0, "({x}, {y}): {found}, {}", page(x, y));
        }
    }

    #[test]
    fn pictures_of_a_few_pixels_have_a_background() {
        for (width, height) in [(1, 1), (2, 1), (1, 7), (3, 3)] {
            let surface = Surface::fit(&vec![90.0; width * height], width, height);
            assert!((surface.at((0, width), (0, height)) - 90.0).abs() < 0.1, "{width}×{height}");
        }
    }
}
