//! A contact sheet of examples, one row for each class.

use image::{GrayImage, Luma};

use crate::data::{CLASSES, Digits, SIDE};

/// Gap between two images, in pixels.
const GAP: usize = 2;

/// Draws the first `columns` images of each class, classes 0 to 9 from top to bottom, dark ink on white. A class with
/// fewer images has a shorter row.
pub fn contact_sheet(digits: &Digits, columns: usize) -> GrayImage {
    let step = SIDE + GAP;
    let mut picture = GrayImage::from_pixel((columns * step + GAP) as u32, (CLASSES * step + GAP) as u32, Luma([255]));
    for class in 0..CLASSES {
        let examples =
            digits.labels.iter().enumerate().filter(|(_, label)| usize::from(**label) == class).take(columns);
        for (column, (index, _)) in examples.enumerate() {
            for (pixel, ink) in digits.images.get(index).iter().enumerate() {
                let (x, y) = (GAP + column * step + pixel % SIDE, GAP + class * step + pixel / SIDE);
                picture.put_pixel(x as u32, y as u32, Luma([255 - ink]));
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, PIXELS};

    #[test]
    fn images_of_a_class_are_in_its_row() {
        let images = Images::from_images([[255; PIXELS], [0; PIXELS]]);
        let picture = contact_sheet(&Digits::new(images, vec![3, 9]), 4);
        assert_eq!(picture.dimensions(), (4 * 30 + 2, 10 * 30 + 2));
        assert_eq!(picture.get_pixel(2, 3 * 30 + 2), &Luma([0]));
        assert_eq!(picture.get_pixel(2, 9 * 30 + 2), &Luma([255]));
    }
}
