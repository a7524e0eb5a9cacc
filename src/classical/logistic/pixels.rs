//! Images as lists of their inked pixels.

use crate::data::{Images, PIXELS};

/// Pixels above 0 of many images: their indices and grey levels.
pub(super) struct Inked {
    /// Start of each image's pixels, and the end of the last one's, `[n + 1]`.
    starts: Vec<usize>,
    indices: Vec<u16>,
    /// Grey levels, 1 to 255.
    levels: Vec<u8>,
}

impl Inked {
    pub(super) fn new(images: &Images) -> Self {
        let count = images.pixels().iter().filter(|&&level| level > 0).count();
        let (mut indices, mut levels) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut starts = vec![0];
        for image in images.iter() {
            for (index, &level) in image.iter().enumerate().filter(|&(_, &level)| level > 0) {
                indices.push(index as u16);
                levels.push(level);
            }
            starts.push(indices.len());
        }
        Self { starts, indices, levels }
    }

    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The inked pixels of an image: index and grey level.
    #[inline(always)]
    pub(super) fn of(&self, image: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[image]..self.starts[image + 1];
        self.indices[range.clone()]
            .iter()
            .zip(&self.levels[range])
            .map(|(&index, &level)| (usize::from(index), f64::from(level)))
    }

    /// Mean and variance of every pixel, in grey levels; sums of integers, exact in any order.
    pub(super) fn moments(&self) -> Vec<(f64, f64)> {
        let mut sums = vec![(0_u64, 0_u64); PIXELS];
        for (&index, &level) in self.indices.iter().zip(&self.levels) {
            let (sum, squares) = &mut sums[usize::from(index)];
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
