//! The decision functions of all pairs of classes, over one set of support vectors.
//!
//! Every image that is a support vector of any pair is stored once, with a coefficient for each pair of its class, as
//! in LIBSVM's model.

use pulp::{Arch, Simd, WithSimd};

use super::{
    kernel::{Image, ImageSet, Kernel, square},
    smo::Solution,
};
use crate::data::CLASSES;

/// Number of pairs of ten classes.
pub(super) const MOST_PAIRS: usize = CLASSES * (CLASSES - 1) / 2;
/// Images that are compared with the support vectors together, so that these are read from memory once for all of them.
const TILE: usize = 8;

/// Pairs of indices of classes, in the order of the decisions: (0, 1), (0, 2), … (1, 2), …
pub(super) fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |first| (first + 1..classes).map(move |second| (first, second)))
}

/// Decision functions of all pairs.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub gamma: f64,
    /// Classes among the training images, ascending.
    pub classes: Vec<u8>,
    /// Number of support vectors of each class, `[classes]`; the vectors are in the order of the classes.
    pub counts: Vec<usize>,
    /// The support vectors.
    pub vectors: ImageSet,
    /// Coefficients against each of the other classes in order, `[vectors, classes − 1]`.
    pub coefficients: Vec<f32>,
    /// Biases, `[pairs]`.
    pub biases: Vec<f64>,
}

impl Machine {
    /// Combines the solutions of all pairs, in order; `of_class` holds the images of each class in the order in which
    /// the pairs had them.
    pub(super) fn new(gamma: f64, classes: &[u8], of_class: &[Vec<Image>], solutions: &[Solution]) -> Self {
        let width = classes.len().saturating_sub(1);
        let mut of_images: Vec<Vec<f32>> = of_class.iter().map(|images| vec![0.0; images.len() * width]).collect();
        for ((first, second), solution) in pairs(classes.len()).zip(solutions) {
            let (of_first, of_second) = solution.coefficients.split_at(of_class[first].len());
            // The list of a class's opponents leaves out the class itself, so that the index of a later class is one
            // less.
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

    /// Number of pairs of classes.
    pub(super) fn pairs(&self) -> usize {
        self.biases.len()
    }

    /// Writes the decisions for each image, positive for the first class of a pair; entries past the last pair stay as
    /// they are. Those of an image do not depend on the others by a bit. Allocates nothing.
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
        for (entry, image) in tile.iter_mut().zip(images) {
            *entry = (image, square(image));
        }
        // For each image and class, the sums over the class's support vectors, one for each opponent.
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

/// [`Machine::decide_tile`] with the widest vector instructions of the processor.
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
