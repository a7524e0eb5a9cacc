//! Images as lists of their inked pixels.

use crate::data::{Images, PIXELS};

/// The pixels above 0 of many images: where they are and how dark.
pub(super) struct Inked {
    /// Where each image's pixels begin, and where the last one's end: `[n + 1]`.
    starts: Vec<usize>,
    places: Vec<u16>,
    /// 1 to 255.
    levels: Vec<u8>,
}

impl Inked {
    pub(super) fn new(images: &Images) -> Self {
        let count = images.pixels().iter().filter(|&&level| level > 0).count();
        let (mut places, mut levels) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut starts = vec![0];
        for image in images.iter() {
            for (place, &level) in image.iter().enumerate().filter(|&(_, &level)| level > 0) {
                places.push(place as u16);
                levels.push(level);
            }
            starts.push(places.len());
        }
        Self { starts, places, levels }
    }

    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The inked pixels of an image: place and grey level.
    #[inline(always)]
    pub(super) fn of(&self, image: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[image]..self.starts[image + 1];
        self.places[range.clone()]
            .iter()
            .zip(&self.levels[range])
            .map(|(&place, &level)| (usize::from(place), f64::from(level)))
    }

    /// Mean and variance of every pixel, in grey levels: sums of whole numbers, exact in any order.
    pub(super) fn moments(&self) -> Vec<(f64, f64)> {
        let mut sums = vec![(0_u64, 0_u64); PIXELS];
        for (&place, &level) in self.places.iter().zip(&self.levels) {
            let (sum, squares) = &mut sums[usize::from(place)];
            *sum += u64::from(level);
            *squares += u64::from(level) * u64::from(level);
        }
        let n = self.len() as f64;
        let moments = |(sum, squares): (u64, u64)| {
            let mean = sum as f64 / n;
            (mean, (squares as f64 / n - mean * mean).max(0.0))
        };
        sums.into_iter().map(moments).collect()
    }
}
