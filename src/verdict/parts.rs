//! Connected parts of an image: digits that stand apart are told by counting.

use crate::{
    data::{PIXELS, SIDE},
    imaging::ink_box,
};

/// Minimum level that connects pixels.
const SOLID: u8 = 64;
/// Minimum height of a part, relative to the ink.
const MIN_HEIGHT: f32 = 0.5;
/// Minimum share of the ink in a part.
const MIN_INK: f32 = 0.15;

/// A connected part.
#[derive(Clone, Copy, Default)]
struct Part {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    ink: u32,
}

/// Tells whether two large connected parts, each at least half as high as the ink, stand side by side without a column
/// in common. Of the 60,000 training digits of MNIST three are like that: broken strokes mostly overlap, or lie above one
/// another.
pub(super) fn stand_side_by_side(image: &[u8; PIXELS]) -> bool {
    let Some(area) = ink_box(image) else { return false };
    let all: u32 = image.iter().map(|&level| u32::from(level)).sum();
    let is_large = |part: &Part| {
        (part.bottom + 1 - part.top) as f32 >= MIN_HEIGHT * area.height as f32
            && part.ink as f32 >= MIN_INK * all as f32
    };
    let large: Vec<Part> = parts(image).into_iter().filter(is_large).collect();
    large.iter().any(|one| large.iter().any(|other| one.right < other.left))
}

/// The connected parts (8-neighbourhood) of the solid pixels.
fn parts(image: &[u8; PIXELS]) -> Vec<Part> {
    let mut seen: [bool; PIXELS] = image.map(|level| level < SOLID);
    let (mut parts, mut open) = (Vec::new(), Vec::new());
    for start in 0..PIXELS {
        if seen[start] {
            continue;
        }
        let mut part = Part { left: SIDE, top: SIDE, ..Part::default() };
        seen[start] = true;
        open.push(start);
        while let Some(pixel) = open.pop() {
            let (y, x) = (pixel / SIDE, pixel % SIDE);
            part = Part {
                left: part.left.min(x),
                right: part.right.max(x),
                top: part.top.min(y),
                bottom: part.bottom.max(y),
                ink: part.ink + u32::from(image[pixel]),
            };
            for row in y.saturating_sub(1)..=(y + 1).min(SIDE - 1) {
                for column in x.saturating_sub(1)..=(x + 1).min(SIDE - 1) {
                    let next = row * SIDE + column;
                    if !seen[next] {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
        }
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::synthetic, seed::Seed};

    fn with_boxes(boxes: &[(usize, usize, usize, usize)]) -> [u8; PIXELS] {
        std::array::from_fn(|pixel| {
            let (y, x) = (pixel / SIDE, pixel % SIDE);
            let inside = |&(left, top, width, height): &(usize, usize, usize, usize)| {
                (left..left + width).contains(&x) && (top..top + height).contains(&y)
            };
            if boxes.iter().any(inside) { 200 } else { 0 }
        })
    }

    #[test]
    fn two_large_parts_apart_are_several() {
        assert!(stand_side_by_side(&with_boxes(&[(4, 8, 8, 12), (16, 9, 8, 12)])));
        assert!(stand_side_by_side(&with_boxes(&[(16, 9, 8, 12), (4, 8, 3, 7)])));
        // One above the other, one with a dot, one part, none.
        assert!(!stand_side_by_side(&with_boxes(&[(4, 4, 8, 9), (4, 15, 8, 9)])));
        assert!(!stand_side_by_side(&with_boxes(&[(4, 4, 8, 20), (16, 4, 6, 6)])));
        assert!(!stand_side_by_side(&with_boxes(&[(4, 4, 20, 20)])));
        assert!(!stand_side_by_side(&[0; PIXELS]));
        // Neighbours by a corner are one part.
        assert!(!stand_side_by_side(&with_boxes(&[(4, 4, 8, 10), (12, 14, 8, 10)])));
    }

    #[test]
    fn hardly_any_digit_is_in_two_parts() {
        let digits = synthetic::generate(3_000, Seed(4));
        let apart = digits.images.iter().filter(|image| stand_side_by_side(image)).count();
        assert!(apart <= 6, "{apart} of 3000");
    }
}
