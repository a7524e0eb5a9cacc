//! Reduces large pictures by a whole number, row by row, to the means of square cells.

use image::{DynamicImage, ImageBuffer};

use super::super::depth;

/// Pixels of the longer side that are left at least for a digit: twice those that are worked with.
const DIGIT_SIDE: usize = 1024;
/// Pixels of the longer side that are left at most for a page.
const PAGE_SIDE: usize = 2400;

/// Purpose of a picture, which decides how many of its pixels are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Detail {
    /// One digit: 1024 to 2047 pixels on the longer side are left of a larger picture.
    Digit,
    /// A page of numbers: 1200 to 2400 pixels on the longer side are left of a larger picture.
    Page,
}

/// Side of the cells, in pixels: 1 for a picture that stays as it is.
pub(super) fn factor(width: usize, height: usize, detail: Detail) -> usize {
    match detail {
        Detail::Digit => (width.max(height) / DIGIT_SIDE).max(1),
        Detail::Page => width.max(height).div_ceil(PAGE_SIDE),
    }
}

/// Number of pixels that are left of a picture.
pub(super) fn pixels(width: usize, height: usize, detail: Detail) -> u64 {
    let factor = factor(width, height, detail);
    (width.div_ceil(factor) * height.div_ceil(factor)) as u64
}

/// Level of a channel.
pub(super) trait Sample: Copy {
    fn value(self) -> u64;
    /// The sample of a value that fits.
    fn of(value: u64) -> Self;
}

impl Sample for u8 {
    fn value(self) -> u64 {
        self.into()
    }

    fn of(value: u64) -> Self {
        value as u8
    }
}

impl Sample for u16 {
    fn value(self) -> u64 {
        self.into()
    }

    fn of(value: u64) -> Self {
        value as u16
    }
}

/// Sums of the cells of one row, and the rows that are done. Colours are weighted by their opacity.
pub(super) struct Reducer<S> {
    factor: usize,
    channels: usize,
    width: usize,
    sums: Vec<u64>,
    /// Rows of pixels in `sums`.
    rows: usize,
    done: Vec<S>,
}

impl<S: Sample> Reducer<S> {
    /// For pictures of `width` pixels with 1 to 4 channels, of which the second or fourth is the opacity.
    pub(super) fn new(width: usize, channels: usize, factor: usize) -> Self {
        let sums = vec![0; width.div_ceil(factor) * channels];
        Self { factor, channels, width, sums, rows: 0, done: Vec::new() }
    }

    /// Adds a row of pixels.
    pub(super) fn add(&mut self, row: &[S]) {
        let channels = self.channels;
        let cells = row.chunks(self.factor * channels).zip(self.sums.chunks_exact_mut(channels));
        if channels.is_multiple_of(2) {
            for (pixels, sums) in cells {
                for pixel in pixels.chunks_exact(channels) {
                    let opacity = pixel[channels - 1].value();
                    for (sum, level) in sums.iter_mut().zip(&pixel[..channels - 1]) {
                        *sum += level.value() * opacity;
                    }
                    sums[channels - 1] += opacity;
                }
            }
        } else {
            for (pixels, sums) in cells {
                for pixel in pixels.chunks_exact(channels) {
                    for (sum, level) in sums.iter_mut().zip(pixel) {
                        *sum += level.value();
                    }
                }
            }
        }
        self.rows += 1;
        if self.rows == self.factor {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mean = |sum: u64, count: u64| (sum + count / 2).checked_div(count).unwrap_or(0);
        for (index, sums) in self.sums.chunks_exact_mut(self.channels).enumerate() {
            let columns = self.factor.min(self.width - index * self.factor);
            let pixels = (columns * self.rows) as u64;
            let (last, colours) = match sums {
                [colours @ .., last] => (*last, colours),
                [] => continue,
            };
            let weight = if self.channels.is_multiple_of(2) { last } else { pixels };
            self.done.extend(colours.iter().map(|&sum| S::of(mean(sum, weight))));
            self.done.push(S::of(mean(last, pixels)));
            sums.fill(0);
        }
        self.rows = 0;
    }

    /// Samples of the reduced picture.
    pub(super) fn finish(mut self) -> Vec<S> {
        if self.rows > 0 {
            self.flush();
        }
        self.done
    }
}

/// Picture of 8-bit samples, 1 to 4 channels; `None` if their number is not that of the pixels.
pub(super) fn of_bytes(width: usize, height: usize, channels: usize, samples: Vec<u8>) -> Option<DynamicImage> {
    let (width, height) = (width as u32, height as u32);
    Some(match channels {
        1 => DynamicImage::ImageLuma8(ImageBuffer::from_raw(width, height, samples)?),
        2 => DynamicImage::ImageLumaA8(ImageBuffer::from_raw(width, height, samples)?),
        3 => DynamicImage::ImageRgb8(ImageBuffer::from_raw(width, height, samples)?),
        _ => DynamicImage::ImageRgba8(ImageBuffer::from_raw(width, height, samples)?),
    })
}

/// Picture of 16-bit samples; see [`of_bytes`].
pub(super) fn of_words(width: usize, height: usize, channels: usize, samples: Vec<u16>) -> Option<DynamicImage> {
    let (width, height) = (width as u32, height as u32);
    Some(match channels {
        1 => DynamicImage::ImageLuma16(ImageBuffer::from_raw(width, height, samples)?),
        2 => DynamicImage::ImageLumaA16(ImageBuffer::from_raw(width, height, samples)?),
        3 => DynamicImage::ImageRgb16(ImageBuffer::from_raw(width, height, samples)?),
        _ => DynamicImage::ImageRgba16(ImageBuffer::from_raw(width, height, samples)?),
    })
}

/// Reduces a picture that is large.
pub(super) fn picture(picture: DynamicImage, detail: Detail) -> DynamicImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let factor = factor(width, height, detail);
    if factor == 1 {
        return picture;
    }
    let channels = usize::from(picture.color().channel_count());
    let (wide, high) = (width.div_ceil(factor), height.div_ceil(factor));
    let reduced = match (picture.as_flat_samples_u8(), picture.as_flat_samples_u16()) {
        (Some(bytes), _) => of_bytes(wide, high, channels, cells(bytes.samples, width, channels, factor)),
        (_, Some(words)) => of_words(wide, high, channels, cells(words.samples, width, channels, factor)),
        _ => {
            let eight = depth::eight_bits(&picture);
            eight
                .as_flat_samples_u8()
                .and_then(|bytes| of_bytes(wide, high, channels, cells(bytes.samples, width, channels, factor)))
        }
    };
    reduced.unwrap_or(picture)
}

fn cells<S: Sample>(samples: &[S], width: usize, channels: usize, factor: usize) -> Vec<S> {
    let mut reducer = Reducer::new(width, channels, factor);
    for row in samples.chunks_exact(width * channels) {
        reducer.add(row);
    }
    reducer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_means_weighted_by_opacity() {
        // 3×3 pixels in cells of 2×2, 2×1, 1×2 and 1×1.
        let grey = [10u8, 20, 5, 30, 40, 7, 1, 3, 9];
        assert_eq!(cells(&grey, 3, 1, 2), [25, 6, 2, 9]);
        let clear = [100u16, 0, 40, 1000, 60, 3000, 7, 0];
        assert_eq!(cells(&clear, 2, 2, 2), [55, 1000]);
        assert_eq!(cells(&[9u8, 0], 1, 2, 2), [0, 0]);
    }

    #[test]
    fn only_large_pictures_are_reduced() {
        for (width, height, left) in [(2047, 1, (2047, 1)), (2048, 3, (1024, 2)), (5, 5000, (2, 1250))] {
            let before = DynamicImage::ImageRgb16(ImageBuffer::from_pixel(width, height, image::Rgb([1, 500, 65_535])));
            let after = picture(before, Detail::Digit);
            assert_eq!((after.width(), after.height()), left);
            assert!(after.to_rgb16().pixels().all(|pixel| pixel.0 == [1, 500, 65_535]));
            assert_eq!(pixels(width as usize, height as usize, Detail::Digit), u64::from(left.0) * u64::from(left.1));
        }
        let float = DynamicImage::ImageRgb32F(ImageBuffer::from_pixel(2100, 2, image::Rgb([1.0, 0.0, 0.5])));
        assert_eq!(picture(float, Detail::Digit).to_rgb8().get_pixel(3, 0).0, [255, 0, 128]);
    }
}
