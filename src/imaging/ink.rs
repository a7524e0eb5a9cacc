//! Bounding box and centre of mass of the ink.

use serde::Serialize;
use utoipa::ToSchema;

use crate::data::{PIXELS, SIDE};

/// Smallest rectangle that contains every pixel above 0. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Area)]
pub struct InkBox {
    /// First column with ink.
    pub left: usize,
    /// First row with ink.
    pub top: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

impl InkBox {
    /// Column behind the last one.
    pub fn right(&self) -> usize {
        self.left + self.width
    }

    /// Row behind the last one.
    pub fn bottom(&self) -> usize {
        self.top + self.height
    }

    /// Smallest box that contains all of `boxes`; `None` if there are none.
    pub fn enclosing(boxes: impl IntoIterator<Item = Self>) -> Option<Self> {
        boxes.into_iter().reduce(|one, other| {
            let (left, top) = (one.left.min(other.left), one.top.min(other.top));
            let (right, bottom) = (one.right().max(other.right()), one.bottom().max(other.bottom()));
            Self { left, top, width: right - left, height: bottom - top }
        })
    }

    /// Middle of the box as `(x, y)`, in pixel centres: the middle of a one-pixel box at the origin is (0, 0).
    pub fn middle(&self) -> (f32, f32) {
        (self.left as f32 + (self.width as f32 - 1.0) / 2.0, self.top as f32 + (self.height as f32 - 1.0) / 2.0)
    }

    /// Ink box of an image given as `rows` of equal width; `None` if no pixel is above 0.
    pub(super) fn of_rows<'a>(
        rows: impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + Clone,
    ) -> Option<Self> {
        let has_ink = |row: &[u8]| row.iter().any(|&pixel| pixel > 0);
        let top = rows.clone().position(has_ink)?;
        let bottom = rows.clone().rposition(has_ink)?;
        let (mut left, mut right) = (usize::MAX, 0);
        for row in rows.skip(top).take(bottom - top + 1) {
            if let (Some(first), Some(last)) =
                (row.iter().position(|&pixel| pixel > 0), row.iter().rposition(|&pixel| pixel > 0))
            {
                left = left.min(first);
                right = right.max(last);
            }
        }
        Some(Self { left, top, width: right - left + 1, height: bottom - top + 1 })
    }
}

/// Ink box of a 28×28 image; `None` if the image is empty.
#[inline(always)]
pub fn ink_box(image: &[u8; PIXELS]) -> Option<InkBox> {
    let rows = image.as_chunks::<SIDE>().0;
    let mut columns = [0u8; SIDE];
    let mut row_mask = 0u32;
    for (y, row) in rows.iter().enumerate() {
        let mut any = 0;
        for (column, &pixel) in columns.iter_mut().zip(row) {
            *column |= pixel;
            any |= pixel;
        }
        row_mask |= u32::from(any > 0) << y;
    }
    let mut column_mask = 0u32;
    for (x, &column) in columns.iter().enumerate() {
        column_mask |= u32::from(column > 0) << x;
    }
    if row_mask == 0 {
        return None;
    }
    let (left, top) = (column_mask.trailing_zeros() as usize, row_mask.trailing_zeros() as usize);
    let right = 31 - column_mask.leading_zeros() as usize;
    let bottom = 31 - row_mask.leading_zeros() as usize;
    Some(InkBox { left, top, width: right - left + 1, height: bottom - top + 1 })
}

/// Mean position of the ink as `(x, y)`, in pixel centres, weighted by grey level; `None` if the image is empty.
pub fn centre_of_mass(image: &[u8; PIXELS]) -> Option<(f32, f32)> {
    let (mut total, mut sum_x, mut sum_y) = (0u32, 0u32, 0u32);
    for (y, row) in image.as_chunks::<SIDE>().0.iter().enumerate() {
        let mut in_row = 0;
        for (x, &pixel) in row.iter().enumerate() {
            in_row += u32::from(pixel);
            sum_x += x as u32 * u32::from(pixel);
        }
        total += in_row;
        sum_y += y as u32 * in_row;
    }
    (total > 0).then(|| (sum_x as f32 / total as f32, sum_y as f32 / total as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_pixels(pixels: &[(usize, usize, u8)]) -> [u8; PIXELS] {
        let mut image = [0; PIXELS];
        for &(x, y, level) in pixels {
            image[y * SIDE + x] = level;
        }
        image
    }

    #[test]
    fn an_empty_image_has_no_box_and_no_centre_of_mass() {
        assert_eq!(ink_box(&[0; PIXELS]), None);
        assert_eq!(centre_of_mass(&[0; PIXELS]), None);
    }

    #[test]
    fn a_single_pixel_is_its_own_box_and_centre_of_mass() {
        let image = with_pixels(&[(27, 3, 1)]);
        assert_eq!(ink_box(&image), Some(InkBox { left: 27, top: 3, width: 1, height: 1 }));
        assert_eq!(centre_of_mass(&image), Some((27.0, 3.0)));
    }

    #[test]
    fn the_box_of_a_full_image_is_the_frame() {
        let whole = InkBox { left: 0, top: 0, width: SIDE, height: SIDE };
        assert_eq!(ink_box(&[255; PIXELS]), Some(whole));
        assert_eq!(whole.middle(), (13.5, 13.5));
        assert_eq!(centre_of_mass(&[255; PIXELS]), Some((13.5, 13.5)));
    }

    #[test]
    fn the_centre_of_mass_is_weighted_by_grey_level() {
        let image = with_pixels(&[(4, 10, 100), (8, 10, 200)]);
        let (x, y) = centre_of_mass(&image).unwrap();
        assert!((x - 20.0 / 3.0).abs() < 1e-5 && y == 10.0);
        assert_eq!(ink_box(&image), Some(InkBox { left: 4, top: 10, width: 5, height: 1 }));
    }

    #[test]
    fn the_general_and_the_fixed_size_ink_box_agree() {
        for pixels in [vec![(3, 4, 9), (20, 5, 1), (10, 27, 255)], vec![(0, 0, 1)], vec![(27, 27, 1), (0, 13, 2)]] {
            let image = with_pixels(&pixels);
            assert_eq!(InkBox::of_rows(image.chunks(SIDE)), ink_box(&image));
        }
    }
}
