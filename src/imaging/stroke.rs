//! Stroke width: greyscale dilation and erosion.

use super::vector::{clamp, grey_level, vectorised};
use crate::data::{PIXELS, SIDE};

/// Widens strokes: blends every pixel by `amount` (0 to 1) towards the maximum of itself and its four neighbours.
pub fn thicken(image: &[u8; PIXELS], amount: f32) -> [u8; PIXELS] {
    blend(image, amount, u8::max)
}

/// Narrows strokes: blends every pixel by `amount` (0 to 1) towards the minimum of itself and its four neighbours, with
/// background outside the frame.
pub fn thin(image: &[u8; PIXELS], amount: f32) -> [u8; PIXELS] {
    blend(image, amount, u8::min)
}

#[inline(always)]
fn blend(image: &[u8; PIXELS], amount: f32, choose: impl Fn(u8, u8) -> u8) -> [u8; PIXELS] {
    let amount = clamp(amount, 0.0, 1.0);
    vectorised(
        #[inline(always)]
        || {
            let mut padded = [[0u8; SIDE + 2]; SIDE + 2];
            for (padded, row) in padded[1..].iter_mut().zip(image.as_chunks::<SIDE>().0) {
                padded[1..=SIDE].copy_from_slice(row);
            }
            let mut out = [0; PIXELS];
            for (y, row) in out.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                let (above, middle, below) = (&padded[y], &padded[y + 1], &padded[y + 2]);
                for (x, pixel) in row.iter_mut().enumerate() {
                    let own = middle[x + 1];
                    let target =
                        choose(choose(choose(middle[x], middle[x + 2]), choose(above[x + 1], below[x + 1])), own);
                    let level = f32::from(own) + (f32::from(target) - f32::from(own)) * amount;
                    *pixel = grey_level(clamp(level, 0.0, 255.0));
                }
            }
            out
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_reverts_thickening_of_a_single_pixel() {
        let mut image = [0; PIXELS];
        image[5 * SIDE + 5] = 200;
        let thick = thicken(&image, 1.0);
        assert_eq!(thick.iter().filter(|&&pixel| pixel == 200).count(), 5);
        assert_eq!(thin(&thick, 1.0), image);
        assert_eq!(thicken(&image, 0.5)[5 * SIDE + 4], 100);
    }

    #[test]
    fn empty_and_full_images_are_handled() {
        assert_eq!(thicken(&[0; PIXELS], 1.0), [0; PIXELS]);
        assert_eq!(thicken(&[255; PIXELS], 0.3), [255; PIXELS]);
        let thinned = thin(&[255; PIXELS], 1.0);
        assert_eq!(thinned.iter().filter(|&&pixel| pixel == 255).count(), 26 * 26);
        let same: [u8; PIXELS] = std::array::from_fn(|i| i as u8);
        assert_eq!(thin(&same, 0.0), same);
    }
}
