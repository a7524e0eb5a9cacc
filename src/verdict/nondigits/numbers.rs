//! Numbers of two or three digits, apart or touching.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{
    CANVAS,
    sketch::{Point, Sketch},
};
use crate::{
    data::{CLASSES, Digits, SIDE, synthetic},
    imaging::{Filter, Gray},
    seed::Seed,
};

/// Number of digits: two, one time in four three.
fn length(draw: &mut ChaCha8Rng) -> usize {
    if draw.random_range(0..4) == 0 { 3 } else { 2 }
}

/// Gap between two digits, relative to their height. Negative ones overlap.
fn gap(draw: &mut ChaCha8Rng) -> f32 {
    draw.random_range(-0.05..0.4)
}

/// A number in one pen's strokes.
pub fn draw_number(seed: Seed) -> Sketch {
    number(&mut seed.derive("number").rng(), seed)
}

pub(super) fn number(draw: &mut ChaCha8Rng, seed: Seed) -> Sketch {
    let mut strokes: Vec<Vec<Point>> = Vec::new();
    let mut left = 0.0;
    for place in 0..length(draw) {
        let class = draw.random_range(0..CLASSES as u8);
        let digit = Sketch::of(synthetic::write_digit(class, seed.index(place as u64)));
        let (wide, high) = digit.size();
        let height = draw.random_range(0.75..1.1f32);
        let scale = height / high.max(0.5);
        strokes.extend(digit.placed((left, draw.random_range(-0.15..0.15) - height / 2.0), scale));
        left += scale * wide + gap(draw);
    }
    Sketch::new(strokes, draw.random_range(0.35..1.1))
}

/// A number of `digits`, which are images. `None` if all of them are blank.
pub(super) fn collage(draw: &mut ChaCha8Rng, digits: &Digits) -> Option<Gray> {
    /// Height of the canvas: twice that of a digit.
    const HEIGHT: usize = 60;
    const WIDTH: usize = 3 * CANVAS;
    let mut levels = vec![0u8; HEIGHT * WIDTH];
    let mut left = 16.0f32;
    for _ in 0..length(draw) {
        let digit = Gray::new(SIDE, SIDE, digits.images.get(draw.random_range(0..digits.len())).to_vec())?;
        let cropped = digit.ink_box().and_then(|area| digit.crop(area))?;
        let scale = draw.random_range(26.0..38.0f32) / cropped.height().max(14) as f32;
        let scaled = |side: usize| ((scale * side as f32) as usize).max(1);
        let large = cropped.resize(scaled(cropped.width()), scaled(cropped.height()), Filter::Bilinear);
        let top = draw.random_range(0..=HEIGHT - large.height()).clamp(5, 17);
        for (y, row) in large.rows().enumerate() {
            for (x, &level) in row.iter().enumerate() {
                let target = &mut levels[(top + y) * WIDTH + left as usize + x];
                *target = level.max(*target);
            }
        }
        left += large.width() as f32 + 30.0 * gap(draw);
    }
    Gray::new(WIDTH, HEIGHT, levels)
}
