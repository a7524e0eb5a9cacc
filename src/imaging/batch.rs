//! Processing of whole data sets, and its throughput.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::{recipe::Processor, warp::rotate};
use crate::{
    data::{Digits, Images, PIXELS},
    seed::Seed,
};

/// Rotates every digit by each of `rotations` (degrees counter-clockwise, about the middle of its ink box) and
/// processes the copies. The copies of a digit follow each other in the order of `rotations` and share its label and
/// group, so that folds keep them together.
///
/// A rotation of 0 does not resample the image. Copy `c`, counted over the whole result, is processed with
/// `seed.index(c)`.
pub fn expand(digits: &Digits, rotations: &[f32], processor: &Processor, seed: Seed) -> Digits {
    Digits {
        images: rotated(&digits.images, rotations, processor, seed),
        labels: repeated(&digits.labels, rotations.len()),
        groups: repeated(&digits.groups, rotations.len()),
        origins: digits.origins.repeat_each(rotations.len()),
    }
}

/// Repeats each value `times` times in a row.
fn repeated<T: Copy>(values: &[T], times: usize) -> Vec<T> {
    let mut all = Vec::with_capacity(values.len() * times);
    for &value in values {
        all.extend(std::iter::repeat_n(value, times));
    }
    all
}

/// The images of [`expand`].
fn rotated(images: &Images, rotations: &[f32], processor: &Processor, seed: Seed) -> Images {
    let mut pixels = vec![0; images.len() * rotations.len() * PIXELS];
    if !rotations.is_empty() {
        let copies = pixels.as_chunks_mut::<PIXELS>().0.par_chunks_mut(rotations.len());
        copies.zip(images.as_slice()).with_min_len(32).enumerate().for_each(|(index, (copies, image))| {
            for (copy, (target, &degrees)) in copies.iter_mut().zip(rotations).enumerate() {
                let seed = seed.index((index * rotations.len() + copy) as u64);
                *target = if degrees == 0.0 {
                    processor.apply(image, seed)
                } else {
                    processor.apply(&rotate(image, degrees), seed)
                };
            }
        });
    }
    Images::new(pixels).unwrap_or_default()
}

/// Result of [`throughput`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// Number of processed images.
    pub images: u64,
    /// Wall time, in seconds.
    pub seconds: f64,
}

impl Throughput {
    /// Processed images per second.
    pub fn per_second(&self) -> f64 {
        self.images as f64 / self.seconds
    }
}

/// Measures the throughput of rotating (`&[0.0]` for no rotation) and processing `images` on the current rayon pool:
/// repeats for at least `duration` after one warm-up round. Every rotation of an image counts as one image.
pub fn throughput(processor: &Processor, rotations: &[f32], images: &Images, duration: Duration) -> Throughput {
    let mut seed = Seed(0);
    rotated(images, rotations, processor, seed);
    let start = Instant::now();
    let mut made = 0;
    loop {
        seed = seed.index(0);
        made += rotated(images, rotations, processor, seed).len() as u64;
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return Throughput { images: made, seconds: elapsed.as_secs_f64() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::SIDE, imaging::Recipe};

    fn digits() -> Digits {
        let mut bar = [0; PIXELS];
        for y in 5..23 {
            bar[y * SIDE + 13..y * SIDE + 16].fill(250);
        }
        let mut digits = Digits::new(Images::from_images([bar, [0; PIXELS]]), vec![1, 7]);
        digits.groups = vec![40, 41];
        digits
    }

    #[test]
    fn copies_keep_their_label_and_group() {
        let reference = Recipe::preset("reference").unwrap().compile().unwrap();
        let expanded = expand(&digits(), &[0.0, -24.0, 24.0], &reference, Seed(1));
        assert_eq!(expanded.labels, [1, 1, 1, 7, 7, 7]);
        assert_eq!(expanded.groups, [40, 40, 40, 41, 41, 41]);
        assert_eq!(*expanded.images.get(0), reference.apply(digits().images.get(0), Seed(1)));
        assert_ne!(expanded.images.get(1), expanded.images.get(2));
        assert_eq!(expanded.images.get(4), &[0; PIXELS]);
    }

    #[test]
    fn positive_rotations_are_counter_clockwise() {
        let same = Recipe::default().compile().unwrap();
        let expanded = expand(&digits(), &[24.0], &same, Seed(1));
        let ink =
            |y: usize| expanded.images.get(0)[y * SIDE..(y + 1) * SIDE].iter().position(|&level| level > 100).unwrap();
        assert!(ink(7) < ink(20));
    }

    #[test]
    fn an_empty_list_of_rotations_gives_no_images() {
        let same = Recipe::default().compile().unwrap();
        assert!(expand(&digits(), &[], &same, Seed(1)).is_empty());
        let none = Digits::default();
        assert!(expand(&none, &[0.0, 5.0], &same, Seed(1)).is_empty());
    }

    #[test]
    fn throughput_counts_every_rotated_copy() {
        let same = Recipe::default().compile().unwrap();
        let found = throughput(&same, &[0.0, 5.0], &digits().images, Duration::ZERO);
        assert_eq!(found.images, 4);
        assert!(found.per_second() > 0.0);
    }
}
