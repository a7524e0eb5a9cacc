//! Compiled recipes.

use rayon::prelude::*;

use super::{
    random::{draw_affine, erase_square, symmetric},
    single_warp::SingleWarp,
    step::{AffineRange, EraseStep, Step},
};
use crate::{
    data::{Images, PIXELS},
    imaging::{
        centering::{Centre, centre, normalise_size},
        deskew::deskew,
        elastic::Elastic,
        intensity::{stretch, subtract_noise},
        resize::Filter,
        stroke::{thicken, thin},
        warp::rotate,
    },
    seed::Seed,
};

/// A compiled [`Recipe`](super::Recipe), made by [`Recipe::compile`](super::Recipe::compile).
///
/// Each random step of each image has its own generator, derived from the image's seed and the index of the step, so
/// that changing one step's settings does not change the draws of the others.
#[derive(Clone, Debug, Default)]
pub struct Processor {
    steps: Vec<CompiledStep>,
    random: bool,
}

#[derive(Clone, Debug)]
enum CompiledStep {
    Noise(u8),
    NormaliseSize(usize, Filter),
    Stretch,
    Centre(Centre),
    Deskew,
    Rotate(f32),
    Affine(AffineRange),
    Elastic(AffineRange, Elastic),
    Stroke(f32),
    Erase(EraseStep),
}

/// The affine range of an elastic step that follows no affine step.
const NO_AFFINE: AffineRange = AffineRange { rotate: 0.0, shift: 0.0, scale: 0.0, shear: 0.0 };

impl Processor {
    /// Compiles checked steps.
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut compiled = Vec::with_capacity(steps.len());
        for step in steps {
            let ready = match *step {
                Step::Noise(noise) => CompiledStep::Noise(noise.level),
                Step::NormaliseSize(size) => CompiledStep::NormaliseSize(size.longest, size.filter),
                Step::Stretch {} => CompiledStep::Stretch,
                Step::Centre(centre) => CompiledStep::Centre(centre.by),
                Step::Deskew {} => CompiledStep::Deskew,
                Step::Rotate(rotation) => CompiledStep::Rotate(rotation.degrees),
                Step::Affine(range) => CompiledStep::Affine(range),
                Step::Elastic(settings) => {
                    let elastic = Elastic::new(settings.alpha, settings.sigma);
                    let range = compiled.pop_if(|last| matches!(last, CompiledStep::Affine(_)));
                    CompiledStep::Elastic(
                        if let Some(CompiledStep::Affine(range)) = range { range } else { NO_AFFINE },
                        elastic,
                    )
                }
                Step::Stroke(stroke) => CompiledStep::Stroke(stroke.amount),
                Step::Erase(erase) => CompiledStep::Erase(erase),
            };
            compiled.push(ready);
        }
        Self { steps: compiled, random: steps.iter().any(Step::is_random) }
    }

    /// True if the result depends on the seed.
    pub fn is_random(&self) -> bool {
        self.random
    }

    /// Applies all steps to an image. The same image and seed give the same result.
    pub fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        let mut image = *image;
        for (index, step) in self.steps.iter().enumerate() {
            image = step.apply(&image, seed.index(index as u64));
        }
        image
    }

    /// The steps as a single warp if they are `affine`, `elastic`, or `affine` directly followed by `elastic`.
    pub fn single_warp(&self) -> Option<SingleWarp<'_>> {
        match self.steps.as_slice() {
            [CompiledStep::Affine(range)] => Some(SingleWarp::new(range, None)),
            [CompiledStep::Elastic(range, elastic)] => Some(SingleWarp::new(range, Some(elastic))),
            _ => None,
        }
    }

    /// Applies all steps to every image, image i with `seed.index(i)`, on the threads of the current rayon pool.
    pub fn apply_all(&self, images: &Images, seed: Seed) -> Images {
        let mut pixels = vec![0; images.len() * PIXELS];
        let targets = pixels.as_chunks_mut::<PIXELS>().0;
        targets.par_iter_mut().zip(images.as_slice()).with_min_len(64).enumerate().for_each(
            |(index, (target, image))| {
                *target = self.apply(image, seed.index(index as u64));
            },
        );
        Images::new(pixels).unwrap_or_default()
    }
}

impl CompiledStep {
    fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        match self {
            Self::Noise(level) => subtract_noise(image, *level),
            Self::NormaliseSize(longest, filter) => normalise_size(image, *longest, *filter),
            Self::Stretch => stretch(image),
            Self::Centre(by) => centre(image, *by),
            Self::Deskew => deskew(image),
            Self::Rotate(degrees) => rotate(image, *degrees),
            Self::Affine(range) => draw_affine(range, &mut seed.rng()).apply(image),
            Self::Elastic(range, elastic) => {
                let mut rng = seed.rng();
                let affine = draw_affine(range, &mut rng);
                elastic.random_field(&mut rng).apply(image, &affine)
            }
            Self::Stroke(amount) => {
                let change = symmetric(*amount, &mut seed.rng());
                if change > 0.0 { thicken(image, change) } else { thin(image, -change) }
            }
            Self::Erase(erase) => erase_square(image, erase, &mut seed.rng()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::SIDE,
        imaging::{PRESETS, Recipe, ink_box},
    };

    fn blob(shift: usize) -> [u8; PIXELS] {
        let mut image = [0; PIXELS];
        for y in 6..22 {
            for x in 8..14 {
                image[y * SIDE + x + shift % 6] = (100 + y * 5 + x) as u8;
            }
        }
        image
    }

    fn processor(name: &str) -> Processor {
        Recipe::preset(name).unwrap().compile().unwrap()
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let images = Images::from_images((0..300).map(blob));
        let strong = processor("strong");
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| strong.apply_all(&images, Seed(3)))
        };
        let one = on(1);
        assert_eq!(one, on(2));
        for index in [0, 17, 299] {
            assert_eq!(*one.get(index), strong.apply(images.get(index), Seed(3).index(index as u64)));
        }
        assert_ne!(one, strong.apply_all(&images, Seed(4)));
    }

    #[test]
    fn every_preset_handles_degenerate_images() {
        for name in PRESETS {
            let processor = processor(name);
            assert_eq!(processor.apply(&[0; PIXELS], Seed(1)), [0; PIXELS], "{name}");
            let mut pixel = [0; PIXELS];
            pixel[400] = 255;
            let mut row = [0; PIXELS];
            row[13 * SIDE..14 * SIDE].fill(255);
            for image in [pixel, row, [255; PIXELS]] {
                assert!((0..20).any(|seed| ink_box(&processor.apply(&image, Seed(seed))).is_some()), "{name}");
            }
        }
    }

    #[test]
    fn the_reference_preset_scales_digits_to_twenty_pixels() {
        let out = processor("reference").apply(&blob(3), Seed(0));
        let area = ink_box(&out).unwrap();
        assert_eq!((area.top, area.height), (4, 20));
        assert_eq!(out.iter().max(), Some(&255));
        assert!(!processor("reference").is_random());
    }

    #[test]
    fn an_elastic_step_shares_the_affine_pass() {
        let recipe: Recipe =
            serde_json::from_str(r#"[{"step":"affine","shift":0.5},{"step":"elastic","alpha":0.0}]"#).unwrap();
        let both = recipe.compile().unwrap();
        assert_eq!(both.steps.len(), 1);
        let affine = Recipe { steps: recipe.steps[..1].to_vec() }.compile().unwrap();
        let (both, alone) = (both.apply(&blob(0), Seed(9)), affine.apply(&blob(0), Seed(9)));
        assert!(both.iter().zip(&alone).all(|(a, b)| a.abs_diff(*b) <= 1));
    }
}
