//! Nothing learned from an image's own label reaches its out-of-fold prediction. The members here memorise their
//! training images, so that any leak shows in the scores.

use std::collections::HashMap;

use digitstack::{
    data::Probabilities,
    evaluation::{Scores, score},
    fit::{Cancel, Job, JobError, run_jobs},
    seed::Seed,
    stacking::{FeatureScale, MetaConfig, Metafeatures, TreeConfig, assemble_out_of_fold, cross_fit},
};
use rand::{Rng, RngExt};

const IMAGES: usize = 1500;
const FOLDS: usize = 5;
const MEMBERS: usize = 3;

fn row(digit: u8, top: f32) -> [f32; 10] {
    std::array::from_fn(|class| if class == usize::from(digit) { top } else { (1.0 - top) / 9.0 })
}

/// Member that memorises the labels of its training images and is equally sure of a random digit for any other image.
struct Memory {
    known: HashMap<usize, u8>,
    seed: Seed,
}

impl Memory {
    fn fit(images: &[usize], labels: &[u8], seed: Seed) -> Self {
        Self { known: images.iter().map(|&image| (image, labels[image])).collect(), seed }
    }

    fn predict(&self, images: &[usize]) -> Probabilities {
        let guess = |image: usize| self.seed.index(image as u64).rng().random_range(0..10);
        images.iter().map(|&image| row(self.known.get(&image).copied().unwrap_or_else(|| guess(image)), 0.9)).collect()
    }
}

fn noise(rng: &mut impl Rng, n: usize) -> Vec<u8> {
    (0..n).map(|_| rng.random_range(0..10)).collect()
}

/// Fits every member on every fold concurrently and assembles the predictions.
fn out_of_fold(labels: &[u8], fold_of: &[u16], workers: usize) -> Vec<Probabilities> {
    let indices = |fold: usize, inside: bool| -> Vec<usize> {
        (0..labels.len()).filter(|&image| (usize::from(fold_of[image]) == fold) == inside).collect()
    };
    let jobs = (0..MEMBERS).flat_map(|member| (0..FOLDS).map(move |fold| (member, fold)));
    let jobs = jobs.map(|input| Job { name: format!("{input:?}"), cost: input.1 as f64, input }).collect();
    let parts = run_jobs(jobs, workers, 1, &Cancel::default(), |&(member, fold): &(usize, usize), _| {
        let memory = Memory::fit(&indices(fold, false), labels, Seed(1).index(member as u64).index(fold as u64));
        Ok::<_, JobError>((indices(fold, true), memory.predict(&indices(fold, true))))
    });
    let parts = parts.unwrap();
    parts.chunks(FOLDS).map(|folds| assemble_out_of_fold(labels.len(), folds).unwrap()).collect()
}

fn metas() -> Vec<MetaConfig> {
    let mut metas = MetaConfig::defaults();
    metas.push(MetaConfig::Tree(TreeConfig { max_depth: 64, min_samples_leaf: 1 }));
    metas
}

fn stacked(members: &[Probabilities], meta: &MetaConfig, labels: &[u8], fold_of: &[u16]) -> Scores {
    let features = Metafeatures::new(members, FeatureScale::Probabilities).unwrap();
    score(&cross_fit(meta, &features, labels, fold_of).unwrap(), labels).unwrap()
}

#[test]
fn noise_stays_noise() {
    let labels = noise(&mut Seed(3).rng(), IMAGES);
    let fold_of: Vec<u16> =
        noise(&mut Seed(4).rng(), IMAGES).iter().map(|&draw| u16::from(draw) % FOLDS as u16).collect();
    let honest = out_of_fold(&labels, &fold_of, 2);
    assert_eq!(honest, out_of_fold(&labels, &fold_of, 1), "the number of workers changes nothing");

    let everything: Vec<usize> = (0..IMAGES).collect();
    let leaked: Vec<Probabilities> = (0..MEMBERS)
        .map(|member| Memory::fit(&everything, &labels, Seed(member as u64)).predict(&everything))
        .collect();
    for meta in metas() {
        let scores = stacked(&honest, &meta, &labels, &fold_of);
        let chance = scores.accuracy.value;
        assert!((0.06..0.14).contains(&chance), "{}: {chance} of labels that are noise", meta.name());
        let cheated = stacked(&leaked, &meta, &labels, &fold_of).accuracy.value;
        assert!(cheated > 0.99, "{}: the test would see a leak; found {cheated}", meta.name());
    }
}

#[test]
fn a_deep_tree_scored_on_its_own_training_rows_looks_better_than_cross_fitted() {
    let labels = noise(&mut Seed(5).rng(), IMAGES);
    let mut rng = Seed(6).rng();
    let member: Probabilities = (0..IMAGES).map(|_| row(rng.random_range(0..10), rng.random_range(0.2..0.9))).collect();
    let features = Metafeatures::new(&[member], FeatureScale::Probabilities).unwrap();
    let deep = MetaConfig::Tree(TreeConfig { max_depth: 64, min_samples_leaf: 1 });
    let same = deep.fit(&features, &labels).unwrap().predict_proba(&features).unwrap();
    assert!(score(&same, &labels).unwrap().accuracy.value > 0.95);
    let fold_of: Vec<u16> = (0..IMAGES).map(|image| (image % FOLDS) as u16).collect();
    let honest = score(&cross_fit(&deep, &features, &labels, &fold_of).unwrap(), &labels).unwrap();
    assert!(honest.accuracy.value < 0.14, "{:?}", honest.accuracy);
}
