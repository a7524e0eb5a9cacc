//! Images that are no digit, to learn from.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    data::{Digits, Images, PIXELS, SIDE},
    imaging::{Centre, Filter, Gray, digit_from_ink, draw_line},
    seed::Seed,
};

/// Side of the canvas that they are drawn on, in pixels: four for each that remains.
const CANVAS: usize = 112;

/// The label of a digit.
pub(super) const DIGIT: u8 = 0;
/// The label of a scribble or a blot.
pub(super) const SCRIBBLE: u8 = 1;
/// The label of two digits side by side.
pub(super) const SEVERAL: u8 = 2;

/// `count` images that are no digit, framed as digits are, with labels: 1 for scribbles and blots, 2 for two of
/// `digits` side by side. Image `i` depends on the seed, on `i` and on the digits alone.
///
/// # Panics
/// If there are no digits.
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
        // Two blank images side by side are the only ink that is none: a scribble takes their place.
        kind = 0;
    }
}

type Point = (f32, f32);

/// A pen that wanders between six and some twenty points, in straight lines or in curves, thin or so thick that a blot
/// remains.
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

/// Quadratic curves between the middles of the points' sides, each bent towards the point between them.
fn smoothed(points: &[Point]) -> Vec<Point> {
    const STEPS: usize = 8;
    let middle = |a: Point, b: Point| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let mut path = Vec::new();
    for corner in points.windows(3) {
        let (from, to) = (middle(corner[0], corner[1]), middle(corner[1], corner[2]));
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            path.push(middle_at(middle_at(from, corner[1], t), middle_at(corner[1], to, t), t));
        }
    }
    path
}

fn middle_at(a: Point, b: Point, share: f32) -> Point {
    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
}

/// Two digits side by side, a little different in size and height.
fn pair(draw: &mut ChaCha8Rng, digits: &Images) -> Option<Gray> {
    let mut levels = vec![0u8; CANVAS * CANVAS];
    for place in 0..2 {
        let digit = Gray::new(SIDE, SIDE, digits.get(draw.random_range(0..digits.len())).to_vec())?;
        let size = draw.random_range(38..=CANVAS / 2);
        let large = digit.resize(size, size, Filter::Bilinear);
        // The 28×28 frame has a margin of its own: overlapping frames are digits that nearly touch.
        let overlap = draw.random_range(0..8) * place;
        let left = place * CANVAS / 2 + draw.random_range(0..=CANVAS / 2 - size) - overlap;
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
    fn they_are_framed_like_digits_and_depend_on_seed_and_place_alone() {
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
    fn pairs_are_wide() {
        let digits = synthetic::generate(50, Seed(1)).images;
        let made = nondigits(300, &digits, Seed(2));
        let pairs: Vec<_> = made.images.iter().zip(&made.labels).filter(|(_, label)| **label == SEVERAL).collect();
        let wide =
            pairs.iter().filter(|(image, _)| ink_box(image).is_some_and(|area| area.width > area.height)).count();
        assert_eq!(pairs.len(), 100);
        assert!(wide >= 80, "{wide}");
    }
}
