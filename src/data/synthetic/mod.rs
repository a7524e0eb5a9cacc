//! The built-in digits: handwritten-looking 28×28 images, made by a procedure, so that everything runs without a
//! download.
//!
//! An image is made in four steps, one file each:
//!
//! 1. `templates`: a class has several ways to be written, each a table of pen strokes in several shapes that blend
//!    into one another;
//! 2. `style`: a writer is drawn: slant, proportions, pen, unsteadiness;
//! 3. `pen`: the strokes, distorted by that writer's hand, become smooth curves with a width at every point;
//! 4. `raster`: the curves are painted straight at their final size with grey edges.
//!
//! The result is framed as MNIST's digits are: the longer side of the ink fills 20 pixels, the proportions stay, and
//! the centre of mass is moved by whole pixels to the middle of the 28×28 frame.
//!
//! The same hand writes other shapes for the detector of [`crate::verdict`]: `write_digit` and `write_shape` give
//! the strokes of steps 1 to 3.
//!
//! **Guarantees.** Image `i` depends on the seed and on `i` alone: not on the number of images, of threads or of
//! processors. Only `+ − × ÷ √` are used on floating-point numbers, which IEEE 754 rounds exactly, so that the bytes
//! are the same on every platform. They change only together with [`VERSION`].
//!
//! **What it was tuned on.** Templates and distributions were drawn and tuned by eye, by each class's slant, width and
//! stroke width measured on the MNIST *training* images, and by the accuracy that a small net, trained on these digits
//! alone, reaches on those. No pixel of them is in the program, and nothing was chosen by the MNIST test images.

mod pen;
mod raster;
mod style;
mod templates;

use rayon::prelude::*;

pub(crate) use templates::{Shape, c, s};

use crate::{
    data::{CLASSES, Digits, Images, PIXELS},
    seed::Seed,
};

/// Strokes as a random writer draws them: curves as chains of points `(x, y)`, y downwards, in units of about a hundredth
/// of the shape's height.
pub(crate) struct Handwriting {
    /// Points of each stroke, at least two.
    pub(crate) strokes: Vec<Vec<(f32, f32)>>,
    /// Half the width of the line, in twentieths of the longer side of the ink.
    pub(crate) radius: f32,
}

/// Writes a digit of `class` (0 to 9).
///
/// # Panics
/// If `class` is above 9.
pub(crate) fn write_digit(class: u8, seed: Seed) -> Handwriting {
    assert!(usize::from(class) < CLASSES, "class {class} is not a digit from 0 to 9");
    let mut draw = style::Draw::new(seed);
    let template = templates::choose(class, &mut draw);
    handwriting(template, class, &mut draw)
}

/// Writes a shape in the style of a digit of any class.
pub(crate) fn write_shape(shape: Shape, seed: Seed) -> Handwriting {
    let mut draw = style::Draw::new(seed);
    let class = draw.below(CLASSES) as u8;
    handwriting(&templates::Template { weight: 1.0, shapes: &[shape] }, class, &mut draw)
}

fn handwriting(template: &templates::Template, class: u8, draw: &mut style::Draw) -> Handwriting {
    let style = style::Style::draw(class, draw);
    let strokes = pen::write(template, &style, draw);
    let strokes = strokes.into_iter().map(|stroke| stroke.into_iter().map(|dot| (dot.x, dot.y)).collect()).collect();
    Handwriting { strokes, radius: style.radius }
}

/// The version of the pixels: the same seed gives the same bytes as long as this number stays. Belongs in a run's
/// fingerprint.
pub const VERSION: u32 = 1;

/// `count` digits; image `i` has class `i % 10`, group `i` and the pixels of [`digit`] with
/// `seed.derive("synthetic").index(i)`.
///
/// The first `n` of a longer set are the set of `n`. Runs on the current rayon pool.
///
/// # Panics
/// If `count` does not fit in the 32 bits of a group id.
pub fn generate(count: usize, seed: Seed) -> Digits {
    assert!(u32::try_from(count).is_ok(), "{count} images are more than there are group ids");
    let seed = seed.derive("synthetic");
    let class = |index: usize| (index % CLASSES) as u8;
    let images: Vec<[u8; PIXELS]> =
        (0..count).into_par_iter().map(|index| digit(class(index), seed.index(index as u64))).collect();
    Digits::new(Images::from_images(images), (0..count).map(class).collect())
}

/// One digit of `class` (0 to 9), `[28, 28]`: 0 = background, 255 = ink.
///
/// # Panics
/// If `class` is above 9.
pub fn digit(class: u8, seed: Seed) -> [u8; PIXELS] {
    assert!(usize::from(class) < CLASSES, "class {class} is not a digit from 0 to 9");
    let mut draw = style::Draw::new(seed);
    let template = templates::choose(class, &mut draw);
    let style = style::Style::draw(class, &mut draw);
    let strokes = pen::write(template, &style, &mut draw);
    raster::frame(&raster::paint(&strokes, &style))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{data::SIDE, storage::Sha256Digest};

    /// First and last row and column with ink.
    fn ink_box(image: &[u8; PIXELS]) -> (usize, usize, usize, usize) {
        let ink: Vec<usize> = (0..PIXELS).filter(|&index| image[index] > 0).collect();
        let rows = ink.iter().map(|index| index / SIDE);
        let columns = ink.iter().map(|index| index % SIDE);
        let some = "every digit has ink";
        (
            rows.clone().min().expect(some),
            rows.max().expect(some),
            columns.clone().min().expect(some),
            columns.max().expect(some),
        )
    }

    fn on_threads(threads: usize) -> Digits {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start")
            .install(|| generate(200, Seed(3)))
    }

    #[test]
    fn pixels_are_pinned_to_the_version() {
        let digits = generate(200, Seed(1));
        let hash = Sha256Digest::of(digits.images.pixels()).to_string();
        assert_eq!((VERSION, &hash[..16]), (1, "749e607376074605"), "new pixels need a new VERSION");
    }

    #[test]
    fn threads_do_not_matter() {
        assert_eq!(on_threads(1), on_threads(2));
    }

    #[test]
    fn a_shorter_set_begins_a_longer_one() {
        let (short, long) = (generate(37, Seed(9)), generate(120, Seed(9)));
        assert_eq!(short, long.select(&(0..37).collect::<Vec<_>>()));
        assert_ne!(short, generate(37, Seed(10)));
        assert!(generate(0, Seed(9)).is_empty());
    }

    #[test]
    fn classes_are_balanced_and_each_image_is_its_own_group() {
        let digits = generate(1_000, Seed(4));
        assert_eq!(digits.class_counts(), [100; CLASSES]);
        assert_eq!(digits.groups, (0..1_000).collect::<Vec<u32>>());
    }

    #[test]
    fn no_two_images_are_the_same() {
        let digits = generate(2_000, Seed(5));
        let distinct: std::collections::HashSet<&[u8; PIXELS]> = digits.images.iter().collect();
        assert_eq!(distinct.len(), digits.len());
    }

    #[test]
    #[should_panic(expected = "class 10 is not a digit")]
    fn a_class_above_nine_is_refused() {
        digit(10, Seed(1));
    }

    proptest! {
        #[test]
        fn images_are_framed_like_mnist(class in 0_u8..10, seed in any::<u64>()) {
            let image = digit(class, Seed(seed));
            prop_assert_eq!(image, digit(class, Seed(seed)));
            let (top, bottom, left, right) = ink_box(&image);
            let longer = (bottom - top).max(right - left) + 1;
            prop_assert!((18..=20).contains(&longer), "the longer side of the ink is {} pixels", longer);
            let mass: f64 = image.iter().map(|&level| f64::from(level)).sum();
            let ink = mass / 255.0;
            prop_assert!((12.0..320.0).contains(&ink), "ink of {} full pixels", ink);
            let moment = |axis: fn(usize) -> usize| {
                (0..PIXELS).map(|i| f64::from(image[i]) * axis(i) as f64).sum::<f64>() / mass
            };
            let centred = |centre: f64, low: usize, high: usize| {
                (centre - 14.0).abs() < 0.51 || low == 0 || high == SIDE - 1
            };
            prop_assert!(centred(moment(|index| index / SIDE), top, bottom));
            prop_assert!(centred(moment(|index| index % SIDE), left, right));
        }
    }
}
