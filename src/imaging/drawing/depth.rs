//! Cuts pictures to eight bits a channel, by the range that they use.

use std::borrow::Cow;

use image::{DynamicImage, ImageBuffer, Pixel};

/// Picture with eight bits a channel.
///
/// Scanners and microscopes write ten or twelve bits into files of sixteen. The bits in use are measured, 8 to 16, and
/// their largest value becomes 255; so it is for opacity. Levels of floating-point files run from 0 to 1 or, if there
/// are larger ones, as integers do.
pub(super) fn eight_bits(picture: &DynamicImage) -> Cow<'_, DynamicImage> {
    match picture {
        DynamicImage::ImageLuma16(image) => Cow::Owned(DynamicImage::ImageLuma8(of_words(image))),
        DynamicImage::ImageLumaA16(image) => Cow::Owned(DynamicImage::ImageLumaA8(of_words(image))),
        DynamicImage::ImageRgb16(image) => Cow::Owned(DynamicImage::ImageRgb8(of_words(image))),
        DynamicImage::ImageRgba16(image) => Cow::Owned(DynamicImage::ImageRgba8(of_words(image))),
        DynamicImage::ImageRgb32F(image) => Cow::Owned(DynamicImage::ImageRgb8(of_floats(image))),
        DynamicImage::ImageRgba32F(image) => Cow::Owned(DynamicImage::ImageRgba8(of_floats(image))),
        _ => Cow::Borrowed(picture),
    }
}

/// Whether sample `index` of a pixel is its opacity.
fn is_opacity(index: usize, channels: usize) -> bool {
    channels.is_multiple_of(2) && index == channels - 1
}

/// Largest level that the bits in use for `largest` can express.
fn full(largest: u16) -> u32 {
    (1 << (16 - largest.leading_zeros()).max(8)) - 1
}

fn of_words<P, Q>(image: &ImageBuffer<P, Vec<u16>>) -> ImageBuffer<Q, Vec<u8>>
where
    P: Pixel<Subpixel = u16>,
    Q: Pixel<Subpixel = u8>,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let (mut colour, mut opacity) = (0, 0);
    for pixel in image.as_raw().chunks_exact(channels) {
        for (index, &level) in pixel.iter().enumerate() {
            let bits = if is_opacity(index, channels) { &mut opacity } else { &mut colour };
            // The highest bit is all that counts.
            *bits |= level;
        }
    }
    let (colour, opacity) = (full(colour), full(opacity));
    let level = |(index, &level): (usize, &u16)| {
        let full = if is_opacity(index % channels, channels) { opacity } else { colour };
        ((u32::from(level) * 255 + full / 2) / full) as u8
    };
    let levels = image.as_raw().iter().enumerate().map(level).collect();
    // Both buffers have the same number of samples.
    ImageBuffer::from_raw(image.width(), image.height(), levels).expect("as many samples")
}

fn of_floats<P, Q>(image: &ImageBuffer<P, Vec<f32>>) -> ImageBuffer<Q, Vec<u8>>
where
    P: Pixel<Subpixel = f32>,
    Q: Pixel<Subpixel = u8>,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let samples = || image.as_raw().iter().enumerate();
    let colours = samples().filter(|(index, _)| !is_opacity(index % channels, channels)).map(|(_, &level)| level);
    let largest = colours.filter(|level| level.is_finite()).fold(0.0, f32::max);
    let colour = if largest > 1.0 { full(largest.min(65_535.0) as u16) as f32 } else { 1.0 };
    let level = |(index, &level): (usize, &f32)| {
        let full = if is_opacity(index % channels, channels) { 1.0 } else { colour };
        // Not a number becomes 0.
        (level / full * 255.0).round().clamp(0.0, 255.0) as u8
    };
    ImageBuffer::from_raw(image.width(), image.height(), samples().map(level).collect()).expect("as many samples")
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, LumaA};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn floating_point_levels_run_to_1_or_further() {
        for (levels, expected) in [
            ([0.0, 0.5, 1.0], [0, 128, 255]),
            ([0.0, 51.0, 255.0], [0, 51, 255]),
            ([f32::NAN, -4.0, 65_535.0], [0, 0, 255]),
        ] {
            let picture = ImageBuffer::from_pixel(2, 2, image::Rgb(levels));
            assert_eq!(eight_bits(&DynamicImage::ImageRgb32F(picture)).to_rgb8().get_pixel(1, 1).0, expected);
        }
    }

    proptest! {
        #[test]
        fn the_bits_in_use_make_no_difference(
            mut levels in proptest::collection::vec(any::<u8>(), 16),
            bits in 8u32..=16,
            opacity_bits in 8u32..=16,
        ) {
            // Some level has the highest bit, as paper or ink has.
            levels[3] |= 128;
            let eight: DynamicImage = GrayImage::from_raw(4, 4, levels.clone()).unwrap().into();
            let scaled = |level: u8, bits: u32| ((u32::from(level) * ((1 << bits) - 1) + 127) / 255) as u16;
            let grey = ImageBuffer::from_fn(4, 4, |x, y| Luma([scaled(levels[(4 * y + x) as usize], bits)]));
            prop_assert_eq!(eight_bits(&DynamicImage::ImageLuma16(grey)).into_owned(), eight.clone());
            let clear = ImageBuffer::from_fn(4, 4, |x, y| {
                let level = levels[(4 * y + x) as usize];
                LumaA([scaled(level, bits), scaled(level, opacity_bits)])
            });
            let clear = eight_bits(&DynamicImage::ImageLumaA16(clear)).to_luma_alpha8();
            prop_assert!(clear.pixels().zip(&levels).all(|(pixel, &level)| pixel.0 == [level; 2]));
        }
    }
}
