//! Synthetic images that are not digits, to train the detector on.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    data::{Digits, Images, PIXELS, SIDE},
    imaging::{Centre, Filter, Gray, digit_from_ink, draw_line},
    seed::Seed,
};

/// Side of the canvas on which they are drawn, in pixels: four times that of a digit.
const CANVAS: usize = 112;

/// Label of a digit.
pub(super) const DIGIT: u8 = 0;
/// Label of a scribble or a blot.
pub(super) const SCRIBBLE: u8 = 1;
/// Label of two digits side by side.
pub(super) const SEVERAL: u8 = 2;

/// Generates `count` images that are not digits but framed like digits. Labels: 1 for scribbles and blots, 2 for two of
/// `digits` side by side. Image `i` depends only on the seed, on `i` and on the digits.
///
/// # Panics
/// If `digits` is empty.
pub fn nondigits(count: usize, digits: &Images, seed: Seed) -> Digits {
    let made: Vec<([u8; PIXELS], u8)> =
        (0..count).into_par_iter().map(|index| nondigit(index, digits, seed.index(index as u64))).collect();
    let (images, labels): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    Digits::new(Images::from_images(images), labels)
}

fn nondigit(index: usize, digits: &Images, seed: Seed) -> ([u8; PIXELS], u8) {
    let mut draw = seed.rng();
    let by = if draw.random_range(0..2) == 0 { Centre::Mass } else { Centre::Box };
    let mut kind = index % 3;
    loop {
        let (ink, label) = match kind {
            0 => (scribble(&mut draw, false), SCRIBBLE),
            1 => (scribble(&mut draw, true), SCRIBBLE),
            _ => (pair(&mut draw, digits), SEVERAL),
        };
        if let Some(drawn) = ink.and_then(|ink| digit_from_ink(ink, by)) {
            return (drawn.image, label);
        }
        // Only two blank digits give no ink; a scribble replaces them.
        kind = 0;
    }
}

type Point = (f32, f32);

/// A polyline or curve through 6 to about 20 random points, thin or so thick that it forms a blot.
fn scribble(draw: &mut ChaCha8Rng, curved: bool) -> Option<Gray> {
    let width =
        if draw.random_range(0..10) == 0 { draw.random_range(12.0..40.0) } else { draw.random_range(3.0..12.0f32) };
    let (wide, high) = (draw.random_range(0.4..1.0f32), draw.random_range(0.4..1.0f32));
    let reach = CANVAS as f32 - width;
    let mut point = || {
        (
            width / 2.0 + reach * wide * draw.random_range(0.0..1.0f32),
            width / 2.0 + reach * high * draw.random_range(0.0..1.0f32),
        )
    };
    let first: Vec<Point> = (0..6).map(|_| point()).collect();
    let more = (point().0 / CANVAS as f32 * 16.0) as usize;
    let points: Vec<Point> = first.into_iter().chain((0..more).map(|_| point())).collect();
    let path = if curved { smoothed(&points) } else { points };
    let mut levels = vec![0u8; CANVAS * CANVAS];
    for ends in path.windows(2) {
        draw_line(&mut levels, CANVAS, ends[0], ends[1], width);
    }
    Gray::new(CANVAS, CANVAS, levels)
}

/// Quadratic Bézier curves between the midpoints of the segments, with the points as control points.
fn smoothed(points: &[Point]) -> Vec<Point> {
    const STEPS: usize = 8;
    let middle = |a: Point, b: Point| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let mut path = Vec::new();
    for corner in points.windows(3) {
        let (from, to) = (middle(corner[0], corner[1]), middle(corner[1], corner[2]));
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            path.push(interpolated(interpolated(from, corner[1], t), interpolated(corner[1], to, t), t));
        }
    }
    path
}

/// The point at `share` (0 to 1) of the way from `a` to `b`.
fn interpolated(a: Point, b: Point, share: f32) -> Point {
    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
}

/// Two digits side by side, of slightly different size and height.
fn pair(draw: &mut ChaCha8Rng, digits: &Images) -> Option<Gray> {
    let mut levels = vec![0u8; CANVAS * CANVAS];
    for side in 0..2 {
        let digit = Gray::new(SIDE, SIDE, digits.get(draw.random_range(0..digits.len())).to_vec())?;
        let size = draw.random_range(38..=CANVAS / 2);
        let large = digit.resize(size, size, Filter::Bilinear);
        // The 28×28 frame includes a margin, so that digits in overlapping frames nearly touch.
        let overlap = draw.random_range(0..8) * side;
        let left = side * CANVAS / 2 + draw.random_range(0..=CANVAS / 2 - size) - overlap;
        let top = 20 + draw.random_range(0..=16);
        for (y, row) in large.rows().enumerate() {
            for (x, &level) in row.iter().enumerate() {
                let target = &mut levels[(top + y) * CANVAS + left + x];
                *target = level.max(*target);
            }
        }
    }
    Gray::new(CANVAS, CANVAS, levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::synthetic, imaging::ink_box};

    #[test]
    fn images_are_framed_like_digits_and_depend_only_on_seed_and_index() {
        let digits = synthetic::generate(50, Seed(1)).images;
        let many = nondigits(90, &digits, Seed(2));
        assert_eq!(nondigits(30, &digits, Seed(2)).images.pixels(), &many.images.pixels()[..30 * PIXELS]);
        assert_ne!(nondigits(30, &digits, Seed(3)).images.pixels(), &many.images.pixels()[..30 * PIXELS]);
        for (image, &label) in many.images.iter().zip(&many.labels) {
            let area = ink_box(image).unwrap();
            assert!((16..=20).contains(&area.width.max(area.height)), "{area:?}");
            assert!(label == SCRIBBLE || label == SEVERAL);
            assert_eq!(image.iter().max(), Some(&255));
        }
    }

    #[test]
    fn most_pairs_are_wider_than_high() {
        let digits = synthetic::generate(50, Seed(1)).images;
        let made = nondigits(300, &digits, Seed(2));
        let pairs: Vec<_> = made.images.iter().zip(&made.labels).filter(|(_, label)| **label == SEVERAL).collect();
        let wide =
            pairs.iter().filter(|(image, _)| ink_box(image).is_some_and(|area| area.width > area.height)).count();
        assert_eq!(pairs.len(), 100);
        assert!(wide >= 80, "{wide}");
    }
}
