//! Grey images of any size.

use super::{
    ink::InkBox,
    resize::{Filter, Weights},
    vector::vectorised,
};

/// A grey image of any size: row-major, 0 = background, 255 = ink, at least one pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Gray {
    /// Makes an image of `[height, width]` pixels; `None` if a side is 0 or the number of pixels is not their product.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let fits = width > 0 && height > 0 && width.checked_mul(height) == Some(pixels.len());
        fits.then_some(Self { width, height, pixels })
    }

    /// An image without ink; sides below 1 count as 1.
    pub(super) fn blank(width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: vec![0; width * height] }
    }

    /// An image of rows of symbols: `#` is full ink, `+` a soft edge, anything else none.
    #[cfg(test)]
    pub(crate) fn drawn(rows: &[&str]) -> Self {
        let level = |symbol| match symbol {
            b'#' => 255,
            b'+' => 60,
            _ => 0,
        };
        let pixels = rows.iter().flat_map(|row| row.bytes().map(level)).collect();
        Self::new(rows[0].len(), rows.len(), pixels).unwrap()
    }

    /// Width, in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels, `[height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Pixels to change, `[height, width]`.
    pub(super) fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Rows from top to bottom.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.width)
    }

    /// Ink box; `None` if no pixel is above 0.
    pub fn ink_box(&self) -> Option<InkBox> {
        InkBox::of_rows(self.rows())
    }

    /// Crops to the part of `area` inside the image; `None` if `area` lies outside.
    pub fn crop(&self, area: InkBox) -> Option<Self> {
        let right = (area.left + area.width).min(self.width);
        let bottom = (area.top + area.height).min(self.height);
        if area.left >= right || area.top >= bottom {
            return None;
        }
        let rows = self.rows().skip(area.top).take(bottom - area.top);
        let pixels = rows.flat_map(|row| &row[area.left..right]).copied().collect();
        Self::new(right - area.left, bottom - area.top, pixels)
    }

    /// Resizes like Pillow's `Image.resize` in mode `L`: one horizontal and one vertical pass; each output pixel is a
    /// weighted mean of the input pixels under the filter, which widens as the image shrinks. Sides below 1 count as 1.
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let across = Weights::new(self.width, width, filter);
        let down = Weights::new(self.height, height, filter);
        let mut narrowed = vec![0.0f32; self.height * width];
        for (row, out) in self.rows().zip(narrowed.chunks_exact_mut(width)) {
            for ((start, weights), pixel) in across.rows().zip(out) {
                let sum: f32 = row[start..start + weights.len()]
                    .iter()
                    .zip(weights)
                    .map(|(&pixel, weight)| f32::from(pixel) * weight)
                    .sum();
                *pixel = sum.round().clamp(0.0, 255.0);
            }
        }
        let mut pixels = vec![0; width * height];
        let mut sums = vec![0.0f32; width];
        for ((start, weights), out) in down.rows().zip(pixels.chunks_exact_mut(width)) {
            sums.fill(0.0);
            vectorised(|| {
                for (row, &weight) in narrowed[start * width..].chunks_exact(width).zip(weights) {
                    for (sum, pixel) in sums.iter_mut().zip(row) {
                        *sum += pixel * weight;
                    }
                }
            });
            for (pixel, sum) in out.iter_mut().zip(&sums) {
                *pixel = sum.round().clamp(0.0, 255.0) as u8;
            }
        }
        Self { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_must_match_the_size() {
        assert!(Gray::new(2, 3, vec![0; 6]).is_some());
        assert!(Gray::new(2, 3, vec![0; 5]).is_none());
        assert!(Gray::new(0, 3, vec![]).is_none());
        assert!(Gray::new(usize::MAX, 2, vec![0; 4]).is_none());
    }

    #[test]
    fn crops_are_clipped_to_the_image() {
        let image = Gray::new(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let corner = image.crop(InkBox { left: 1, top: 1, width: 9, height: 9 }).unwrap();
        assert_eq!((corner.width(), corner.height(), corner.pixels()), (2, 1, &[5, 6][..]));
        assert!(image.crop(InkBox { left: 3, top: 0, width: 1, height: 1 }).is_none());
    }

    #[test]
    fn resizing_keeps_uniform_images_uniform() {
        for (width, height) in [(1, 1), (1, 50), (37, 2)] {
            let image = Gray::new(width, height, vec![200; width * height]).unwrap();
            for filter in [Filter::Bilinear, Filter::Bicubic] {
                let resized = image.resize(20, 7, filter);
                assert_eq!((resized.width(), resized.height()), (20, 7));
                assert!(resized.pixels().iter().all(|&pixel| pixel == 200), "{width}×{height} {filter:?}");
            }
        }
    }
}
