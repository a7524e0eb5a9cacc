//! Rotation, scaling, shear and shift in one resampling pass.
//!
//! Each output pixel is sampled at one position of the input, bilinearly, with zeros around the image (SciPy's
//! `order=1`, `mode="grid-constant"`). All changes are combined into one matrix first, so that interpolation blurs an
//! image only once.

use super::{
    ink::ink_box,
    vector::{clamp, grey_level, round, vectorised},
};
use crate::data::{PIXELS, SIDE};

/// An affine lookup: output pixel (x, y) is sampled at `x_in = xx·x + xy·y + x0`, `y_in = yx·x + yy·y + y0`, in pixel
/// centres, with y pointing down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Change of the input column per output column.
    pub xx: f32,
    /// Change of the input column per output row.
    pub xy: f32,
    /// Input column of the top left output pixel.
    pub x0: f32,
    /// Change of the input row per output column.
    pub yx: f32,
    /// Change of the input row per output row.
    pub yy: f32,
    /// Input row of the top left output pixel.
    pub y0: f32,
}

/// Middle of the frame along both axes, in pixel centres.
pub(super) const MIDDLE: f32 = (SIDE as f32 - 1.0) / 2.0;

impl Affine {
    /// The identity.
    pub const IDENTITY: Self = Self { xx: 1.0, xy: 0.0, x0: 0.0, yx: 0.0, yy: 1.0, y0: 0.0 };

    /// The lookup that scales an image by `scale` (> 0), then shears its top to the right by `shear` degrees (between
    /// −90 and 90), then rotates it counter-clockwise by `degrees`, all about the input position `about`, which is
    /// moved to the output position `to`.
    pub fn turning(degrees: f32, scale: f32, shear: f32, about: (f32, f32), to: (f32, f32)) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let lean = shear.to_radians().tan();
        // The inverse of rotation · shear · scale.
        let (xx, xy) = ((cos + lean * sin) / scale, (lean * cos - sin) / scale);
        let (yx, yy) = (sin / scale, cos / scale);
        Self { xx, xy, x0: about.0 - xx * to.0 - xy * to.1, yx, yy, y0: about.1 - yx * to.0 - yy * to.1 }
    }

    /// Warps an image.
    pub fn apply(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        vectorised(
            #[inline(always)]
            || {
                let quads = quads(image);
                let mut out = [0; PIXELS];
                for (y, row) in out.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                    let (x_start, y_start) = (self.xy * y as f32 + self.x0, self.yy * y as f32 + self.y0);
                    let mut levels = [0; LANES];
                    for (level, &x) in levels.iter_mut().zip(&COLUMNS) {
                        *level = sample(&quads, self.xx * x + x_start, self.yx * x + y_start);
                    }
                    row.copy_from_slice(&levels[..SIDE]);
                }
                out
            },
        )
    }

    /// Warps an image after displacing output pixel (x, y) to (x + dx, y + dy); `dx` and `dy` are `[28, 32]`, of which
    /// the last four columns are padding.
    pub(super) fn apply_displaced(
        &self,
        image: &[u8; PIXELS],
        dx: &[[f32; LANES]; SIDE],
        dy: &[[f32; LANES]; SIDE],
    ) -> [u8; PIXELS] {
        vectorised(
            #[inline(always)]
            || {
                let quads = quads(image);
                let mut out = [0; PIXELS];
                for (y, (row, (dx, dy))) in out.as_chunks_mut::<SIDE>().0.iter_mut().zip(dx.iter().zip(dy)).enumerate()
                {
                    let mut levels = [0; LANES];
                    for (level, (&x, (&dx, &dy))) in levels.iter_mut().zip(COLUMNS.iter().zip(dx.iter().zip(dy))) {
                        let (x, y) = (x + dx, y as f32 + dy);
                        *level =
                            sample(&quads, self.xx * x + self.xy * y + self.x0, self.yx * x + self.yy * y + self.y0);
                    }
                    row.copy_from_slice(&levels[..SIDE]);
                }
                out
            },
        )
    }
}

/// Rotates the digit counter-clockwise by `degrees` about the middle of its ink box, which is moved to the middle of
/// the frame. Ink that leaves the frame is lost; a digit inside a 20×20 box, as in MNIST, fits at every angle except
/// for the outermost corners. An empty image stays empty.
pub fn rotate(image: &[u8; PIXELS], degrees: f32) -> [u8; PIXELS] {
    match ink_box(image) {
        Some(area) => Affine::turning(degrees, 1.0, 0.0, area.middle(), (MIDDLE, MIDDLE)).apply(image),
        None => *image,
    }
}

/// Length of a padded row: 28 rounded up to whole vectors.
pub(super) const LANES: usize = 32;

const COLUMNS: [f32; LANES] = {
    let mut columns = [0.0; LANES];
    let mut x = 0;
    while x < LANES {
        columns[x] = x as f32;
        x += 1;
    }
    columns
};

/// Packs each pixel with its right, lower and lower right neighbours (lowest byte first), so that a bilinear lookup is
/// one load. The image is padded with one row and column of zeros before it and more after it; the first entry is
/// position (−1, −1).
#[inline(always)]
fn quads(image: &[u8; PIXELS]) -> [u32; LANES * LANES] {
    let mut padded = [[0u8; LANES + 1]; LANES + 1];
    for (padded, row) in padded[1..].iter_mut().zip(image.as_chunks::<SIDE>().0) {
        padded[1..=SIDE].copy_from_slice(row);
    }
    let mut quads = [0; LANES * LANES];
    for (y, row) in quads.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let (upper, lower) = (&padded[y], &padded[y + 1]);
        for (x, quad) in row.iter_mut().enumerate() {
            *quad = u32::from(upper[x])
                | u32::from(upper[x + 1]) << 8
                | u32::from(lower[x]) << 16
                | u32::from(lower[x + 1]) << 24;
        }
    }
    quads
}

/// Bilinear sample at (x, y); 0 outside the frame.
#[inline(always)]
fn sample(quads: &[u32; LANES * LANES], x: f32, y: f32) -> u8 {
    // From −1 to 28 inclusive both ends read zeros; shifted by one to the grid of the quads. Rounding x − ½ gives the
    // pixel to the left of x or, when x is whole, possibly the one before it, with all the weight on its right
    // neighbour: the same value.
    let x = clamp(x + 1.0, 0.0, (SIDE + 1) as f32);
    let y = clamp(y + 1.0, 0.0, (SIDE + 1) as f32);
    let (left, column) = round(x - 0.5);
    let (top, row) = round(y - 0.5);
    let (right_share, lower_share) = (x - left, y - top);
    let quad = quads[((((row & 31) << 5) | (column & 31)) & 1023) as usize];
    let [a, b, c, d] =
        [quad & 0xFF, (quad >> 8) & 0xFF, (quad >> 16) & 0xFF, quad >> 24].map(|level| level as i32 as f32);
    let upper = a + (b - a) * right_share;
    let lower = c + (d - c) * right_share;
    // A weighted mean of grey levels: floating-point rounding errors are far below half a level.
    grey_level(upper + (lower - upper) * lower_share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern() -> [u8; PIXELS] {
        std::array::from_fn(|i| (i * 37 % 256) as u8)
    }

    #[test]
    fn the_identity_changes_nothing() {
        assert_eq!(Affine::IDENTITY.apply(&pattern()), pattern());
    }

    #[test]
    fn integer_shifts_move_pixels() {
        let image = pattern();
        let shifted = Affine { x0: -3.0, y0: 5.0, ..Affine::IDENTITY }.apply(&image);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let expected = if x >= 3 && y + 5 < SIDE { image[(y + 5) * SIDE + x - 3] } else { 0 };
                assert_eq!(shifted[y * SIDE + x], expected, "({x}, {y})");
            }
        }
    }

    #[test]
    fn a_quarter_turn_is_counter_clockwise() {
        let image = pattern();
        let turned = Affine::turning(90.0, 1.0, 0.0, (MIDDLE, MIDDLE), (MIDDLE, MIDDLE)).apply(&image);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let expected = image[x * SIDE + SIDE - 1 - y];
                assert!(turned[y * SIDE + x].abs_diff(expected) <= 1, "({x}, {y})");
            }
        }
    }

    #[test]
    fn shear_leans_the_top_to_the_right() {
        let affine = Affine::turning(0.0, 1.0, 45.0, (MIDDLE, MIDDLE), (MIDDLE, MIDDLE));
        let mut image = [0; PIXELS];
        image[13 * SIDE + 14] = 255;
        image[3 * SIDE + 10] = 255;
        let leaned = affine.apply(&image);
        // Ten and a half rows above the middle: ten and a half columns to the right.
        assert!(leaned[3 * SIDE + 20] > 100 && leaned[3 * SIDE + 21] > 100);
    }

    #[test]
    fn empty_images_and_positions_outside_the_frame_give_zeros() {
        assert_eq!(rotate(&[0; PIXELS], 24.0), [0; PIXELS]);
        let far = Affine { x0: 1e9, y0: -1e9, ..Affine::IDENTITY };
        assert_eq!(far.apply(&[255; PIXELS]), [0; PIXELS]);
        let unknown = Affine { x0: f32::NAN, ..Affine::IDENTITY };
        assert_eq!(unknown.apply(&[255; PIXELS]), [0; PIXELS]);
    }

    proptest! {
        #[test]
        fn the_rotation_centre_is_moved_to_its_target(
            degrees in -180f32..180.0, scale in 0.5f32..2.0, shear in -40f32..40.0,
            about in (0f32..27.0, 0f32..27.0), to in (0f32..27.0, 0f32..27.0),
        ) {
            let a = Affine::turning(degrees, scale, shear, about, to);
            prop_assert!((a.xx * to.0 + a.xy * to.1 + a.x0 - about.0).abs() < 1e-3);
            prop_assert!((a.yx * to.0 + a.yy * to.1 + a.y0 - about.1).abs() < 1e-3);
            let determinant = a.xx * a.yy - a.xy * a.yx;
            prop_assert!((determinant * scale * scale - 1.0).abs() < 1e-3);
        }
    }
}
