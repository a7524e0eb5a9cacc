//! The random draws of a recipe that is a single warp.
//!
//! A device that warps images itself needs only the random numbers from the host. A [`SingleWarp`] draws them from the
//! same seeds and in the same order as [`Processor::apply`](super::Processor::apply), and defines what is computed from
//! them.

use super::{random::draw_affine, step::AffineRange};
use crate::{
    data::SIDE,
    imaging::{
        elastic::{Elastic, RawField},
        warp::Affine,
    },
    seed::Seed,
};

/// A [`Processor`](super::Processor) whose steps are one resampling pass, reduced to its random draws.
///
/// The image of the processor, apart from intermediate rounding: with (dx, dy) = smoothing · raw field · smoothingᵀ
/// (zero without an elastic step), the pixel at column x and row y is looked up by the [`Affine`] at (x + dx, y + dy),
/// bilinearly with zeros around the image, and rounded to the nearest whole grey level, ties to even.
#[derive(Clone, Copy, Debug)]
pub struct SingleWarp<'a> {
    range: &'a AffineRange,
    elastic: Option<&'a Elastic>,
}

impl<'a> SingleWarp<'a> {
    /// The warp of the only step of a processor.
    pub(super) fn new(range: &'a AffineRange, elastic: Option<&'a Elastic>) -> Self {
        Self { range, elastic }
    }

    /// Matrix that smooths raw fields along one axis, `[28 outputs, 28 inputs]`; `None` without an elastic step.
    pub fn smoothing(&self) -> Option<&'a [[f32; SIDE]; SIDE]> {
        self.elastic.map(Elastic::smoothing)
    }

    /// Draws the affine lookup for the image with this seed, and the raw field if there is an elastic step.
    pub fn draw(&self, seed: Seed) -> (Affine, Option<RawField>) {
        // The processor gives step 0 the seed of index 0.
        let mut rng = seed.index(0).rng();
        let affine = draw_affine(self.range, &mut rng);
        (affine, self.elastic.map(|_| RawField::draw(&mut rng)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::PIXELS,
        imaging::{Processor, Recipe},
    };

    fn processor(json: &str) -> Processor {
        serde_json::from_str::<Recipe>(json).unwrap().compile().unwrap()
    }

    #[test]
    fn draws_reproduce_the_images_of_the_processor() {
        let image: [u8; PIXELS] = std::array::from_fn(|i| (i * 37 % 256) as u8);
        let affine = processor(r#"["affine"]"#);
        let both = processor(r#"["affine", "elastic"]"#);
        let elastic = Elastic::new(34.0, 4.0);
        for seed in (0..20).map(Seed) {
            let (lookup, field) = affine.single_warp().unwrap().draw(seed);
            assert!(field.is_none());
            assert_eq!(lookup.apply(&image), affine.apply(&image, seed));

            let (lookup, field) = both.single_warp().unwrap().draw(seed);
            let mut raw = [[0.0; PIXELS]; 2];
            for (index, (x, y)) in field.unwrap().pixels().enumerate() {
                for (axis, draw) in [x, y].into_iter().enumerate() {
                    raw[axis][index] = (f32::from(draw) + 0.5) / 32768.0 - 1.0;
                }
            }
            assert_eq!(elastic.field(&raw[0], &raw[1]).apply(&image, &lookup), both.apply(&image, seed));
        }
    }

    #[test]
    fn only_recipes_of_one_resampling_pass_are_single_warps() {
        for (steps, is_one) in [
            (r#"["light"]"#, true),
            (r#"["elastic"]"#, true),
            (r#"["light", "elastic"]"#, true),
            (r#"["elastic", "affine"]"#, false),
            (r#"["affine", "affine"]"#, false),
            (r#"["affine", "erase"]"#, false),
            (r#"["strong"]"#, false),
            (r#"["rotate"]"#, false),
            ("[]", false),
        ] {
            assert_eq!(processor(steps).single_warp().is_some(), is_one, "{steps}");
        }
    }
}
