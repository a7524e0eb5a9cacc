//! Intensity: operations on grey levels.

use super::vector::{clamp, grey_level, vectorised};
use crate::data::PIXELS;

/// Subtracts `level` from every pixel, clipping at 0.
#[inline]
pub fn subtract_noise(image: &[u8; PIXELS], level: u8) -> [u8; PIXELS] {
    image.map(|pixel| pixel.saturating_sub(level))
}

/// Scales all pixels so that the strongest ink is 255. An empty image stays empty.
///
/// Unlike a min-max rescaling, it is also defined for an image of a single level, because background is always 0.
#[inline]
pub fn stretch(image: &[u8; PIXELS]) -> [u8; PIXELS] {
    vectorised(
        #[inline(always)]
        || {
            let strongest = image.iter().fold(0, |strongest, &pixel| if pixel > strongest { pixel } else { strongest });
            if strongest == 0 {
                return *image;
            }
            let factor = 255.0 / f32::from(strongest);
            let mut out = [0; PIXELS];
            for (out, &pixel) in out.iter_mut().zip(image) {
                *out = grey_level(clamp(f32::from(pixel) * factor, 0.0, 255.0));
            }
            out
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtraction_is_clipped_at_zero() {
        let image: [u8; PIXELS] = std::array::from_fn(|i| (i % 256) as u8);
        let clean = subtract_noise(&image, 32);
        assert_eq!((clean[0], clean[32], clean[33], clean[255]), (0, 0, 1, 223));
    }

    #[test]
    fn stretching_scales_the_strongest_ink_to_255() {
        assert_eq!(stretch(&[0; PIXELS]), [0; PIXELS]);
        assert_eq!(stretch(&[7; PIXELS]), [255; PIXELS]);
        let mut image = [0; PIXELS];
        (image[0], image[1]) = (100, 223);
        let stretched = stretch(&image);
        assert_eq!((stretched[0], stretched[1], stretched[2]), (114, 255, 0));
    }
}
