//! The kernel `exp(−γ ‖x − y‖²)` between sets of images.
//!
//! `‖x − y‖² = x·x + y·y − 2 x·y`, and pixels are bytes: all three are integers below 2³¹, so distances are exact on
//! every processor and in any order of summation. Vector instructions are also fastest at sums of products of bytes: a
//! row of the kernel of 10,800 images costs less than reading the images as floating-point numbers would.

use pulp::{Arch, Simd, WithSimd};

use crate::data::PIXELS;

/// Images whose products with another are computed together.
const BLOCK: usize = 32;

/// Pixels of an image.
pub(super) type Image = [u8; PIXELS];

/// RBF kernel, with γ for pixels from 0 to 255.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    gamma: f64,
}

impl Kernel {
    /// Creates the kernel from a γ for pixels from 0 to 1.
    pub(super) fn new(gamma: f64) -> Self {
        Self { gamma: gamma / (255.0 * 255.0) }
    }

    /// Value for two images at this squared distance.
    #[inline(always)]
    pub(super) fn at(self, squared_distance: i32) -> f64 {
        (-self.gamma * f64::from(squared_distance)).exp()
    }
}

/// `x·x`
pub(super) fn square(image: &Image) -> i32 {
    product(image, image)
}

/// Images with their squares.
#[derive(Clone, Debug, Default)]
pub(super) struct ImageSet {
    images: Vec<Image>,
    squares: Vec<i32>,
}

impl ImageSet {
    pub(super) fn new(images: Vec<Image>) -> Self {
        let squares = images.iter().map(square).collect();
        Self { images, squares }
    }

    pub(super) fn len(&self) -> usize {
        self.images.len()
    }

    pub(super) fn images(&self) -> &[Image] {
        &self.images
    }

    /// Writes the kernel between one image of the set and all of them, in single precision.
    pub(super) fn row(&self, kernel: Kernel, index: usize, to: &mut [f32]) {
        Arch::new().dispatch(Row { set: self, kernel, index, to });
    }

    /// Calls `each(image, index, kernel)` for each of a few images and every image of the set from `first` to before
    /// `end`, the latter in order.
    #[inline(always)]
    pub(super) fn with_each(
        &self,
        kernel: Kernel,
        few: &[(&Image, i32)],
        (first, end): (usize, usize),
        mut each: impl FnMut(usize, usize, f64),
    ) {
        for begin in (first..end).step_by(BLOCK) {
            let block = begin..(begin + BLOCK).min(end);
            let (images, squares) = (&self.images[block.clone()], &self.squares[block.clone()]);
            for (number, (image, square)) in few.iter().enumerate() {
                let mut distances = [0; BLOCK];
                squared_distances(image, *square, images, squares, &mut distances);
                for (index, &distance) in block.clone().zip(&distances) {
                    each(number, index, kernel.at(distance));
                }
            }
        }
    }
}

/// [`ImageSet::row`] with the widest vector instructions of the processor.
struct Row<'a> {
    set: &'a ImageSet,
    kernel: Kernel,
    index: usize,
    to: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { set, kernel, index, to } = self;
        let (image, square) = (&set.images[index], set.squares[index]);
        for ((images, squares), to) in set.images.chunks(BLOCK).zip(set.squares.chunks(BLOCK)).zip(to.chunks_mut(BLOCK))
        {
            let mut distances = [0; BLOCK];
            squared_distances(image, square, images, squares, &mut distances);
            for (to, &distance) in to.iter_mut().zip(&distances) {
                *to = kernel.at(distance) as f32;
            }
        }
    }
}

/// Writes the squared distances between an image and at most [`BLOCK`] others.
#[inline(always)]
fn squared_distances(image: &Image, square: i32, images: &[Image], squares: &[i32], to: &mut [i32; BLOCK]) {
    for ((other, other_square), to) in images.iter().zip(squares).zip(to) {
        *to = square + other_square - 2 * product(image, other);
    }
}

/// `x·y`
#[inline(always)]
fn product(x: &Image, y: &Image) -> i32 {
    x.iter().zip(y).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(start: usize, step: usize) -> Image {
        std::array::from_fn(|pixel| ((start + pixel * step) % 256) as u8)
    }

    #[test]
    fn a_row_is_the_kernel_of_its_definition() {
        let images: Vec<Image> =
            (0..75).map(|number| image(number * 7, number + 1)).chain([[255; PIXELS], [0; PIXELS]]).collect();
        let set = ImageSet::new(images.clone());
        let mut row = vec![0.0; set.len()];
        set.row(Kernel::new(0.003), 76, &mut row);
        for (other, found) in images.iter().zip(&row) {
            let squared: f64 = other.iter().map(|&pixel| (f64::from(pixel) / 255.0).powi(2)).sum();
            let expected = (-0.003 * squared).exp();
            assert!((f64::from(*found) - expected).abs() < 1e-7, "found {found}, expected {expected}");
        }
        assert_eq!(row[76], 1.0, "an image and itself");
    }
}
