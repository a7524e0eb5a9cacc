//! A recipe with its tables ready.

use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::{
    SingleWarp,
    step::{AffineRange, EraseStep, Step},
};
use crate::{
    data::{Images, PIXELS, SIDE},
    imaging::{
        Affine, Centre, Elastic, Filter, centre, deskew, normalise_size, rotate, stretch, subtract_noise, thicken,
        thin, warp::MIDDLE,
    },
    seed::Seed,
};

/// Carries out a [`Recipe`](super::Recipe), from which [`Recipe::prepare`](super::Recipe::prepare) makes it.
///
/// Each random step of each image has a generator of its own, derived from the image's seed and the place of the step,
/// so that changing one step's settings leaves the draws of the others alone.
#[derive(Clone, Debug, Default)]
pub struct Processor {
    steps: Vec<Prepared>,
    random: bool,
}

#[derive(Clone, Debug)]
enum Prepared {
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

/// Turns nothing: what an elastic step without an affine one before it combines with.
const STILL: AffineRange = AffineRange { rotate: 0.0, shift: 0.0, scale: 0.0, shear: 0.0 };

impl Processor {
    /// For checked steps.
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            let ready = match *step {
                Step::Noise(noise) => Prepared::Noise(noise.level),
                Step::NormaliseSize(size) => Prepared::NormaliseSize(size.longest, size.filter),
                Step::Stretch {} => Prepared::Stretch,
                Step::Centre(centre) => Prepared::Centre(centre.by),
                Step::Deskew {} => Prepared::Deskew,
                Step::Rotate(rotation) => Prepared::Rotate(rotation.degrees),
                Step::Affine(range) => Prepared::Affine(range),
                Step::Elastic(settings) => {
                    let elastic = Elastic::new(settings.alpha, settings.sigma);
                    let range = prepared.pop_if(|last| matches!(last, Prepared::Affine(_)));
                    Prepared::Elastic(if let Some(Prepared::Affine(range)) = range { range } else { STILL }, elastic)
                }
                Step::Stroke(stroke) => Prepared::Stroke(stroke.amount),
                Step::Erase(erase) => Prepared::Erase(erase),
            };
            prepared.push(ready);
        }
        Self { steps: prepared, random: steps.iter().any(Step::is_random) }
    }

    /// True if the same image can come out differently with another seed.
    pub fn is_random(&self) -> bool {
        self.random
    }

    /// The image after all steps. The same image and seed give the same result.
    pub fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        let mut image = *image;
        for (place, step) in self.steps.iter().enumerate() {
            image = step.apply(&image, seed.index(place as u64));
        }
        image
    }

    /// These steps as one warp, if that is all they are: `affine`, `elastic`, or `affine` with `elastic` right behind
    /// it.
    pub fn single_warp(&self) -> Option<SingleWarp<'_>> {
        match self.steps.as_slice() {
            [Prepared::Affine(range)] => Some(SingleWarp::new(range, None)),
            [Prepared::Elastic(range, elastic)] => Some(SingleWarp::new(range, Some(elastic))),
            _ => None,
        }
    }

    /// All images, image i with `seed.index(i)`, shared out over the threads of the current rayon pool.
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

impl Prepared {
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

/// Uniform in `-limit..=limit`.
fn symmetric(limit: f32, rng: &mut impl Rng) -> f32 {
    limit * rng.random_range(-1.0..=1.0)
}

/// Five draws, whatever the range: turn, size, lean, shift along x, shift along y.
pub(super) fn draw_affine(range: &AffineRange, rng: &mut impl Rng) -> Affine {
    let degrees = symmetric(range.rotate, rng);
    let scale = 1.0 + symmetric(range.scale, rng);
    let shear = symmetric(range.shear, rng);
    let (dx, dy) = (symmetric(range.shift, rng), symmetric(range.shift, rng));
    Affine::turning(degrees, scale, shear, (MIDDLE, MIDDLE), (MIDDLE + dx, MIDDLE + dy))
}

/// With the given probability, a square whose place is drawn so that it lies inside the frame becomes background.
fn erase_square(image: &[u8; PIXELS], erase: &EraseStep, rng: &mut impl Rng) -> [u8; PIXELS] {
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
    use crate::imaging::{PRESETS, Recipe, ink_box};

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
        Recipe::preset(name).unwrap().prepare().unwrap()
    }

    #[test]
    fn threads_make_no_difference() {
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
    fn every_preset_is_defined_on_odd_images() {
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
    fn the_reference_makes_boxes_of_twenty() {
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
        let both = recipe.prepare().unwrap();
        assert_eq!(both.steps.len(), 1);
        let affine = Recipe { steps: recipe.steps[..1].to_vec() }.prepare().unwrap();
        let (both, alone) = (both.apply(&blob(0), Seed(9)), affine.apply(&blob(0), Seed(9)));
        assert!(both.iter().zip(&alone).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    #[test]
    fn draws_fill_their_ranges() {
        let mut rng = Seed(5).rng();
        let range = AffineRange { rotate: 20.0, shift: 3.0, scale: 0.2, shear: 0.0 };
        let (mut least, mut most) = (f32::MAX, f32::MIN);
        for _ in 0..500 {
            let affine = draw_affine(&range, &mut rng);
            let turn = affine.yx.atan2(affine.yy).to_degrees();
            least = least.min(turn);
            most = most.max(turn);
            let scale = 1.0 / (affine.xx * affine.yy - affine.xy * affine.yx).sqrt();
            assert!((0.799..1.201).contains(&scale));
        }
        assert!((-20.01..-18.0).contains(&least) && (18.0..20.01).contains(&most), "{least} {most}");
    }

    #[test]
    fn erasing_happens_as_often_as_asked() {
        let erase = EraseStep { probability: 0.3, side: 6 };
        let mut rng = Seed(6).rng();
        let erased = (0..1000).filter(|_| {
            erase_square(&[255; PIXELS], &erase, &mut rng).iter().filter(|&&level| level == 0).count() == 36
        });
        assert!((250..350).contains(&erased.count()));
    }
}
