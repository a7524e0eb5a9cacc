//! Deskewing by image moments.

use super::{centering::MASS_CENTRE, intensity::stretch, vector::vectorised, warp::Affine};
use crate::data::{PIXELS, SIDE};

/// Removes the slant of a digit: shears it horizontally by the covariance of row and column over the variance of the
/// rows, moves the centre of mass to (14, 14), both in one bilinear pass, and stretches the result to 0–255.
///
/// This is the usual SciPy recipe for MNIST (`affine_transform` with `order=1`). An image of a single row is only
/// centred; an empty image stays empty.
pub fn deskew(image: &[u8; PIXELS]) -> [u8; PIXELS] {
    let Some(moments) = Moments::of(image) else { return *image };
    let slant = if moments.variance_y > 0.0 { moments.covariance / moments.variance_y } else { 0.0 };
    let lookup = Affine {
        xy: slant,
        x0: moments.mean_x - MASS_CENTRE - slant * MASS_CENTRE,
        y0: moments.mean_y - MASS_CENTRE,
        ..Affine::IDENTITY
    };
    stretch(&lookup.apply(image))
}

/// First and second moments of the ink.
struct Moments {
    mean_x: f32,
    mean_y: f32,
    variance_y: f32,
    covariance: f32,
}

impl Moments {
    /// Computes the moments; `None` if there is no ink.
    fn of(image: &[u8; PIXELS]) -> Option<Self> {
        // Integer sums are exact in any order of summation; none exceeds 28·27²·28·255.
        let mut rows = [(0u32, 0u32); SIDE];
        vectorised(
            #[inline(always)]
            || {
                for (sums, row) in rows.iter_mut().zip(image.as_chunks::<SIDE>().0) {
                    let (mut ink, mut by_column) = (0, 0);
                    for (x, &pixel) in row.iter().enumerate() {
                        ink += u32::from(pixel);
                        by_column += x as u32 * u32::from(pixel);
                    }
                    *sums = (ink, by_column);
                }
            },
        );
        let (mut total, mut x, mut y, mut yy, mut xy) = (0u32, 0u32, 0u32, 0u32, 0u32);
        for (row, (ink, by_column)) in (0u32..).zip(rows) {
            total += ink;
            x += by_column;
            y += row * ink;
            yy += row * row * ink;
            xy += row * by_column;
        }
        if total == 0 {
            return None;
        }
        let [total, x, y, yy, xy] = [total, x, y, yy, xy].map(f64::from);
        let (mean_x, mean_y) = (x / total, y / total);
        let (variance_y, covariance) = (yy / total - mean_y * mean_y, xy / total - mean_x * mean_y);
        // Rounding can leave a variance of about 1e-14 instead of 0 for a single row.
        let variance_y = if variance_y > 1e-9 { variance_y } else { 0.0 };
        Some(Self {
            mean_x: mean_x as f32,
            mean_y: mean_y as f32,
            variance_y: variance_y as f32,
            covariance: covariance as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{centre_of_mass, ink_box};

    #[test]
    fn a_slanted_bar_becomes_upright() {
        let mut image = [0; PIXELS];
        for y in 4..24 {
            for x in 0..3 {
                image[y * SIDE + 4 + (24 - y) / 2 + x] = 255;
            }
        }
        let width = ink_box(&image).unwrap().width;
        let upright = deskew(&image);
        assert!(width >= 12 && ink_box(&upright).unwrap().width <= 6, "{width} → {:?}", ink_box(&upright));
        let (x, y) = centre_of_mass(&upright).unwrap();
        assert!((x - 14.0).abs() < 0.05 && (y - 14.0).abs() < 0.05, "({x}, {y})");
    }

    #[test]
    fn degenerate_images_are_handled() {
        assert_eq!(deskew(&[0; PIXELS]), [0; PIXELS]);
        let mut pixel = [0; PIXELS];
        pixel[5] = 9;
        let mut expected = [0; PIXELS];
        expected[14 * SIDE + 14] = 255;
        assert_eq!(deskew(&pixel), expected);
        let mut line = [0; PIXELS];
        line[..SIDE].fill(80);
        // Its centre of mass, at 13.5, lies between two pixels, so both ends are interpolated.
        let moved = deskew(&line);
        assert_eq!(ink_box(&moved).map(|area| (area.top, area.height)), Some((14, 1)));
        assert!(deskew(&[255; PIXELS]).iter().filter(|&&level| level == 255).count() > 700);
    }
}
