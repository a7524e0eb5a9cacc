//! Generated images that are not digits, to train the detector on: scribbles, signs, numbers of several digits, letters,
//! symbols, doodles, and digits that are mirrored or turned.
//!
//! All of them are framed as a picture is ([`digit_from_ink`]). Letters, symbols, doodles and half of the numbers are
//! written by the hand that writes the built-in digits, so that the detector learns shapes and not a pen: to the digits
//! it is trained on belong [`pen_digits`] of the same pen.

mod altered;
mod numbers;
mod scribbles;
mod shapes;
mod sketch;

pub use numbers::draw_number;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
pub use shapes::{ShapeKind, ShapePart, draw_shape};
pub use sketch::Sketch;

use crate::{
    data::{CLASSES, Digits, Images, PIXELS, SIDE, synthetic},
    imaging::{Centre, Gray, digit_from_ink},
    seed::Seed,
};

/// Side of the canvas on which they are drawn, in pixels: four times that of a digit.
const CANVAS: usize = 112;
/// Longer side of a pen drawing on it, without the width of the line.
const LENGTH: f32 = 80.0;

/// Label of a digit.
pub(super) const DIGIT: u8 = 0;
/// Label of a scribble, a blot or a sign.
pub(super) const SCRIBBLE: u8 = 1;
/// Label of several digits side by side.
pub(super) const SEVERAL: u8 = 2;
/// Label of a letter.
const LETTER: u8 = 3;
/// Label of a symbol.
const SYMBOL: u8 = 4;
/// Label of a doodle.
const DOODLE: u8 = 5;
/// Label of a digit that is mirrored or turned.
const ALTERED: u8 = 6;

/// Kinds in turn: image `i` has the kind `i % 20`.
const TURNS: [u8; 20] = [
    LETTER, SYMBOL, SEVERAL, DOODLE, LETTER, ALTERED, SYMBOL, SEVERAL, LETTER, SCRIBBLE, SYMBOL, LETTER, SEVERAL,
    DOODLE, ALTERED, LETTER, SYMBOL, SCRIBBLE, SEVERAL, LETTER,
];

/// Generates `count` images that are not digits but framed like digits, some of them made from `digits`. Labels: 1 for
/// scribbles and signs, 2 for several digits, 3 for letters, 4 for symbols, 5 for doodles, 6 for altered digits. Image
/// `i` depends only on the seed, on `i` and on the digits.
///
/// # Panics
/// If `digits` is empty.
pub fn nondigits(count: usize, digits: &Digits, seed: Seed) -> Digits {
    let made: Vec<([u8; PIXELS], u8)> =
        (0..count).into_par_iter().map(|index| nondigit(index, digits, seed.index(index as u64))).collect();
    let (images, labels): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    Digits::new(Images::from_images(images), labels)
}

/// Generates `count` digits with the strokes of the built-in ones, of as many line widths as the letters. Image `i` has
/// class `i % 10` and depends only on the seed and on `i`.
pub fn pen_digits(count: usize, seed: Seed) -> Digits {
    let class = |index: usize| (index % CLASSES) as u8;
    let image = |index: usize| {
        let seed = seed.index(index as u64);
        let mut draw = seed.derive("pen").rng();
        let ink = painted(&draw_digit(class(index), seed), &mut draw);
        digit_from_ink(ink, centre(&mut draw)).map_or([0; PIXELS], |drawn| drawn.image)
    };
    let images: Vec<[u8; PIXELS]> = (0..count).into_par_iter().map(image).collect();
    Digits::new(Images::from_images(images), (0..count).map(class).collect())
}

/// Draws a digit of `class` (0 to 9) with the strokes of the built-in ones.
///
/// # Panics
/// If `class` is above 9.
pub fn draw_digit(class: u8, seed: Seed) -> Sketch {
    Sketch::of(synthetic::write_digit(class, seed))
}

fn nondigit(index: usize, digits: &Digits, seed: Seed) -> ([u8; PIXELS], u8) {
    let mut draw = seed.rng();
    let by = centre(&mut draw);
    let label = TURNS[index % TURNS.len()];
    if let Some(drawn) = ink(label, digits, &mut draw, seed).and_then(|ink| digit_from_ink(ink, by)) {
        return (drawn.image, label);
    }
    // Blank digits give no ink, and a 0 none that is altered: a scribble replaces them.
    let scribble = scribbles::scribble(&mut draw, true).and_then(|ink| digit_from_ink(ink, by));
    (scribble.map_or([255; PIXELS], |drawn| drawn.image), SCRIBBLE)
}

fn ink(label: u8, digits: &Digits, draw: &mut ChaCha8Rng, seed: Seed) -> Option<Gray> {
    let shape = |kind| draw_shape(kind, ShapePart::Trained, seed).1;
    let sketch = match label {
        LETTER => shape(ShapeKind::Letter),
        SYMBOL => shape(ShapeKind::Symbol),
        DOODLE => shape(ShapeKind::Doodle),
        ALTERED => return Gray::new(SIDE, SIDE, altered::altered(draw, digits)?.to_vec()),
        SEVERAL if draw.random_range(0..2) == 0 => return numbers::collage(draw, digits),
        SEVERAL => {
            let number = numbers::number(draw, seed);
            return Some(number.paint(CANVAS, LENGTH, number.radius() * LENGTH / 10.0));
        }
        _ => match draw.random_range(0..3) {
            0 => return scribbles::scribble(draw, false),
            1 => return scribbles::scribble(draw, true),
            _ => scribbles::sign(draw),
        },
    };
    Some(painted(&sketch, draw))
}

/// Paints a sketch with a line of its writer's width, made thinner or up to twice as wide: the smaller a drawing on the
/// page, the wider is its line once it is scaled.
fn painted(sketch: &Sketch, draw: &mut ChaCha8Rng) -> Gray {
    let factor =
        if draw.random_range(0..4) == 0 { draw.random_range(1.0..2.2) } else { draw.random_range(0.6..1.2f32) };
    sketch.paint(CANVAS, LENGTH, (factor * sketch.radius() * LENGTH / 10.0).min(0.3 * LENGTH))
}

/// Either way of centring, equally often.
fn centre(draw: &mut ChaCha8Rng) -> Centre {
    if draw.random_range(0..2) == 0 { Centre::Mass } else { Centre::Box }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ink_box;

    #[test]
    fn images_are_framed_like_digits_and_depend_only_on_seed_and_index() {
        let digits = synthetic::generate(50, Seed(1));
        let many = nondigits(200, &digits, Seed(2));
        assert_eq!(nondigits(30, &digits, Seed(2)).images.pixels(), &many.images.pixels()[..30 * PIXELS]);
        assert_ne!(nondigits(30, &digits, Seed(3)).images.pixels(), &many.images.pixels()[..30 * PIXELS]);
        let digits = pen_digits(200, Seed(2));
        assert_eq!(pen_digits(30, Seed(2)).images.pixels(), &digits.images.pixels()[..30 * PIXELS]);
        for image in many.images.iter().chain(digits.images.iter()) {
            let area = ink_box(image).unwrap();
            assert!((16..=20).contains(&area.width.max(area.height)), "{area:?}");
            assert_eq!(image.iter().max(), Some(&255));
        }
    }

    #[test]
    fn every_kind_has_its_share_and_most_numbers_are_wider_than_high() {
        let digits = synthetic::generate(50, Seed(1));
        let made = nondigits(600, &digits, Seed(2));
        let images_of = |kind: u8| made.images.iter().zip(&made.labels).filter(move |(_, label)| **label == kind);
        for (kind, least) in [(SCRIBBLE, 60), (SEVERAL, 120), (LETTER, 180), (SYMBOL, 120), (DOODLE, 60), (ALTERED, 40)]
        {
            assert!(images_of(kind).count() >= least, "{kind}: {}", images_of(kind).count());
        }
        let is_wide = |image: &[u8; PIXELS]| ink_box(image).is_some_and(|area| area.width > area.height);
        let wide = images_of(SEVERAL).filter(|(image, _)| is_wide(image)).count();
        assert!(wide >= 90, "{wide}");
    }

    #[test]
    fn blank_digits_give_scribbles() {
        let blank = Digits::new(Images::from_images([[0; PIXELS]]), vec![3]);
        assert!(nondigits(60, &blank, Seed(2)).images.iter().all(|image| ink_box(image).is_some()));
    }
}
