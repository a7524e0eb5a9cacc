//! The decision functions of all pairs of classes, over one set of support vectors.
//!
//! Every image that is a support vector of any pair is kept once, with a coefficient for each pair its class is in: the
//! layout of LIBSVM's model.

use pulp::{Arch, Simd, WithSimd};

use super::{
    kernel::{Image, ImageSet, Kernel, square},
    smo::Solution,
};
use crate::data::CLASSES;

/// Pairs of ten classes.
pub(super) const MOST_PAIRS: usize = CLASSES * (CLASSES - 1) / 2;
/// Images that go through the support vectors together, so that these are fetched from memory once for all of them.
const TILE: usize = 8;

/// Pairs of places of classes, in the order in which decisions are: (0, 1), (0, 2), … (1, 2), …
pub(super) fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |first| (first + 1..classes).map(move |second| (first, second)))
}

/// All pairs' decision functions.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub gamma: f64,
    /// The classes there were to learn, ascending.
    pub classes: Vec<u8>,
    /// How many of the support vectors are of each class, `[classes]`; they lie in the order of the classes.
    pub counts: Vec<usize>,
    /// The support vectors.
    pub vectors: ImageSet,
    /// `[vectors, classes − 1]`: against each of the other classes in order.
    pub coefficients: Vec<f32>,
    /// `[pairs]`
    pub biases: Vec<f64>,
}

impl Machine {
    /// From the solutions of all pairs in order; `of_class` holds the images of each class in the order in which the
    /// pairs had them.
    pub(super) fn new(gamma: f64, classes: &[u8], of_class: &[Vec<Image>], solutions: &[Solution]) -> Self {
        let width = classes.len().saturating_sub(1);
        let mut of_images: Vec<Vec<f32>> = of_class.iter().map(|images| vec![0.0; images.len() * width]).collect();
        for ((first, second), solution) in pairs(classes.len()).zip(solutions) {
            let (of_first, of_second) = solution.coefficients.split_at(of_class[first].len());
            // Among the others of the first class the second has lost a place, its own.
            for (class, other, coefficients) in [(first, second - 1, of_first), (second, first, of_second)] {
                for (row, &coefficient) in of_images[class].chunks_exact_mut(width).zip(coefficients) {
                    row[other] = coefficient as f32;
                }
            }
        }
        let (mut vectors, mut coefficients, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (images, rows) in of_class.iter().zip(&of_images) {
            let before = vectors.len();
            for (image, row) in images.iter().zip(rows.chunks_exact(width.max(1))) {
                if row.iter().any(|&coefficient| coefficient != 0.0) {
                    vectors.push(*image);
                    coefficients.extend_from_slice(row);
                }
            }
            counts.push(vectors.len() - before);
        }
        let biases = solutions.iter().map(|solution| solution.bias).collect();
        Self { gamma, classes: classes.to_vec(), counts, vectors: ImageSet::new(vectors), coefficients, biases }
    }

    /// Decisions between so many pairs of classes.
    pub(super) fn pairs(&self) -> usize {
        self.biases.len()
    }

    /// The decisions of each image, positive for the first class of a pair; places past the last pair stay as they are.
    /// Each image's are the same bits whatever the others are. Allocates nothing.
    pub(super) fn decide(&self, images: &[Image], decisions: &mut [[f64; MOST_PAIRS]]) {
        for (images, decisions) in images.chunks(TILE).zip(decisions.chunks_mut(TILE)) {
            Arch::new().dispatch(Decide { machine: self, images, decisions });
        }
    }

    #[inline(always)]
    fn decide_tile(&self, images: &[Image], decisions: &mut [[f64; MOST_PAIRS]]) {
        let kernel = Kernel::new(self.gamma);
        let width = self.classes.len().saturating_sub(1);
        let mut tile: [(&Image, i32); TILE] = [(&images[0], 0); TILE];
        for (place, image) in tile.iter_mut().zip(images) {
            *place = (image, square(image));
        }
        // For each image and class what the class's support vectors add to its decisions against the others.
        let mut sums = [[[0.0; CLASSES]; CLASSES]; TILE];
        let mut first = 0;
        for (class, &count) in self.counts.iter().enumerate() {
            self.vectors.with_each(kernel, &tile[..images.len()], (first, first + count), |image, vector, value| {
                let coefficients = &self.coefficients[vector * width..(vector + 1) * width];
                for (sum, &coefficient) in sums[image][class].iter_mut().zip(coefficients) {
                    *sum += value * f64::from(coefficient);
                }
            });
            first += count;
        }
        for (sums, decisions) in sums.iter().zip(decisions) {
            for (((first, second), bias), decision) in pairs(self.classes.len()).zip(&self.biases).zip(decisions) {
                *decision = sums[first][second - 1] + sums[second][first] + bias;
            }
        }
    }
}

/// [`Machine::decide_tile`] with the best instructions there are.
struct Decide<'a> {
    machine: &'a Machine,
    images: &'a [Image],
    decisions: &'a mut [[f64; MOST_PAIRS]],
}

impl WithSimd for Decide<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.machine.decide_tile(self.images, self.decisions);
    }
}
