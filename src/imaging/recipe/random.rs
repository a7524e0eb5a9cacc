//! Random draws of the augmentation steps.

use rand::{Rng, RngExt};

use super::step::{AffineRange, EraseStep};
use crate::{
    data::{PIXELS, SIDE},
    imaging::warp::{Affine, MIDDLE},
};

/// Draws a number uniformly from `-limit..=limit`.
pub(super) fn symmetric(limit: f32, rng: &mut impl Rng) -> f32 {
    limit * rng.random_range(-1.0..=1.0)
}

/// Draws an affine lookup. The number of draws is always five: rotation, scale, shear, shift along x, shift along y.
pub(super) fn draw_affine(range: &AffineRange, rng: &mut impl Rng) -> Affine {
    let degrees = symmetric(range.rotate, rng);
    let scale = 1.0 + symmetric(range.scale, rng);
    let shear = symmetric(range.shear, rng);
    let (dx, dy) = (symmetric(range.shift, rng), symmetric(range.shift, rng));
    Affine::turning(degrees, scale, shear, (MIDDLE, MIDDLE), (MIDDLE + dx, MIDDLE + dy))
}

/// Erases, with the given probability, a square at a random position inside the frame.
pub(super) fn erase_square(image: &[u8; PIXELS], erase: &EraseStep, rng: &mut impl Rng) -> [u8; PIXELS] {
    let mut image = *image;
    if rng.random::<f32>() < erase.probability {
        let (left, top) = (rng.random_range(0..=SIDE - erase.side), rng.random_range(0..=SIDE - erase.side));
        for row in &mut image.as_chunks_mut::<SIDE>().0[top..top + erase.side] {
            row[left..left + erase.side].fill(0);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn affine_draws_cover_their_ranges() {
        let mut rng = Seed(5).rng();
        let range = AffineRange { rotate: 20.0, shift: 3.0, scale: 0.2, shear: 0.0 };
        let (mut least, mut most) = (f32::MAX, f32::MIN);
        for _ in 0..500 {
            let affine = draw_affine(&range, &mut rng);
            let degrees = affine.yx.atan2(affine.yy).to_degrees();
            least = least.min(degrees);
            most = most.max(degrees);
            let scale = 1.0 / (affine.xx * affine.yy - affine.xy * affine.yx).sqrt();
            assert!((0.799..1.201).contains(&scale));
        }
        assert!((-20.01..-18.0).contains(&least) && (18.0..20.01).contains(&most), "{least} {most}");
    }

    #[test]
    fn squares_are_erased_with_the_given_probability() {
        let erase = EraseStep { probability: 0.3, side: 6 };
        let mut rng = Seed(6).rng();
        let erased = (0..1000).filter(|_| {
            erase_square(&[255; PIXELS], &erase, &mut rng).iter().filter(|&&level| level == 0).count() == 36
        });
        assert!((250..350).contains(&erased.count()));
    }
}
