//! Size and position of a digit in the 28×28 frame.

use serde::{Deserialize, Serialize};

use super::{
    ink::{centre_of_mass, ink_box},
    resize::{Filter, resize_into_frame},
};
use crate::data::{PIXELS, SIDE};

/// Point that is moved to the middle of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// Middle of the ink box, as in the stacked-ensemble reference.
    Box,
    /// Centre of mass, which is moved to pixel (14, 14), its position in MNIST.
    #[default]
    Mass,
}

/// Position of the centre of mass in MNIST along both axes, in pixel centres (measured on its test images: 14.00 ±
/// 0.29).
pub(super) const MASS_CENTRE: f32 = 14.0;

/// Size of a `width`×`height` box scaled so that its longer side is `longest`; the shorter side is rounded, at least 1.
pub(super) fn fitted_size(width: usize, height: usize, longest: usize) -> (usize, usize) {
    let shorter = |short: usize, long: usize| ((2 * short * longest + long) / (2 * long)).max(1);
    if width >= height { (longest, shorter(height, width)) } else { (shorter(width, height), longest) }
}

/// Crops to the ink box, resizes so that the longer side is `longest` pixels (1 to 28), and centres the result (rounded
/// up and left where the size is odd). An empty image stays empty.
pub fn normalise_size(image: &[u8; PIXELS], longest: usize, filter: Filter) -> [u8; PIXELS] {
    let Some(area) = ink_box(image) else { return *image };
    let (width, height) = fitted_size(area.width, area.height, longest.clamp(1, SIDE));
    resize_into_frame(image, area, (width, height), ((SIDE - width) / 2, (SIDE - height) / 2), filter)
}

/// Moves the digit so that its ink box or its centre of mass is in the middle of the frame: by whole pixels, so that
/// nothing is blurred, and only as far as all ink stays inside the frame. An empty image stays empty.
pub fn centre(image: &[u8; PIXELS], by: Centre) -> [u8; PIXELS] {
    let (Some(area), Some((mass_x, mass_y))) = (ink_box(image), centre_of_mass(image)) else { return *image };
    let (left, top) = match by {
        Centre::Box => ((SIDE - area.width) / 2, (SIDE - area.height) / 2),
        Centre::Mass => (centred_start(area.left, area.width, mass_x), centred_start(area.top, area.height, mass_y)),
    };
    let mut out = [0; PIXELS];
    let (source, target) = (image.as_chunks::<SIDE>().0, out.as_chunks_mut::<SIDE>().0);
    for y in 0..area.height {
        target[top + y][left..left + area.width]
            .copy_from_slice(&source[area.top + y][area.left..area.left + area.width]);
    }
    out
}

/// New start of a box along one axis so that its `mass` is at [`MASS_CENTRE`], limited to the frame.
fn centred_start(start: usize, length: usize, mass: f32) -> usize {
    let wanted = start as f32 + (MASS_CENTRE - mass).round();
    (wanted.max(0.0) as usize).min(SIDE - length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::InkBox;

    fn filled(area: InkBox) -> [u8; PIXELS] {
        let mut image = [0; PIXELS];
        for row in &mut image.as_chunks_mut::<SIDE>().0[area.top..area.top + area.height] {
            row[area.left..area.left + area.width].fill(255);
        }
        image
    }

    #[test]
    fn sizes_keep_the_aspect_ratio() {
        assert_eq!(fitted_size(10, 20, 20), (10, 20));
        assert_eq!(fitted_size(1, 28, 20), (1, 20));
        assert_eq!(fitted_size(28, 1, 20), (20, 1));
        assert_eq!(fitted_size(1, 1, 20), (20, 20));
        assert_eq!(fitted_size(3, 4096, 20), (1, 20));
        assert_eq!(fitted_size(15, 16, 20), (19, 20));
    }

    #[test]
    fn degenerate_images_are_handled() {
        assert_eq!(normalise_size(&[0; PIXELS], 20, Filter::Bicubic), [0; PIXELS]);
        for by in [Centre::Box, Centre::Mass] {
            assert_eq!(centre(&[0; PIXELS], by), [0; PIXELS]);
            assert_eq!(centre(&[255; PIXELS], by), [255; PIXELS]);
        }
        let cases = [
            (InkBox { left: 27, top: 0, width: 1, height: 1 }, (20, 20)),
            (InkBox { left: 3, top: 0, width: 1, height: 28 }, (1, 20)),
            (InkBox { left: 0, top: 27, width: 28, height: 1 }, (20, 1)),
            (InkBox { left: 0, top: 0, width: 28, height: 28 }, (20, 20)),
        ];
        for (area, (width, height)) in cases {
            let expected = filled(InkBox { left: (SIDE - width) / 2, top: (SIDE - height) / 2, width, height });
            assert_eq!(normalise_size(&filled(area), 20, Filter::Bicubic), expected, "{area:?}");
        }
    }

    #[test]
    fn the_centre_of_mass_is_moved_to_pixel_fourteen() {
        let mut image = filled(InkBox { left: 2, top: 3, width: 4, height: 9 });
        image[5 * SIDE + 6] = 200;
        let (x, y) = centre_of_mass(&centre(&image, Centre::Mass)).unwrap();
        assert!((x - MASS_CENTRE).abs() <= 0.5 && (y - MASS_CENTRE).abs() <= 0.5, "({x}, {y})");
    }

    #[test]
    fn centering_by_mass_keeps_all_ink_inside_the_frame() {
        let mut image = filled(InkBox { left: 0, top: 0, width: 3, height: 28 });
        image[14 * SIDE + 27] = 9;
        let total = |image: &[u8; PIXELS]| image.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
        assert_eq!(total(&centre(&image, Centre::Mass)), total(&image));
    }

    proptest! {
        #[test]
        fn the_box_of_any_image_is_centred(
            pixels in prop::collection::vec((0..PIXELS, 200u8..), 1..30),
            longest in 1..=SIDE,
        ) {
            let mut image = [0; PIXELS];
            for (index, level) in pixels {
                image[index] = level;
            }
            let area = ink_box(&normalise_size(&image, longest, Filter::Bilinear)).unwrap();
            prop_assert!(area.width.max(area.height) <= longest);
            let moved = ink_box(&centre(&image, Centre::Box)).unwrap();
            prop_assert_eq!((moved.left, moved.top), ((SIDE - moved.width) / 2, (SIDE - moved.height) / 2));
        }
    }
}
