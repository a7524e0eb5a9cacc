//! The steps of `imaging` against vectors recorded from Pillow and SciPy (`tests/reference/imaging_vectors.py`), and on
//! the real MNIST where it is at hand.

use std::{io::Read, path::Path};

use digitstack::{
    data::{Digits, Images, PIXELS, SIDE},
    imaging::{Affine, Elastic, Filter, Gray, InkBox, Recipe, deskew, expand, ink_box},
    seed::Seed,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::support::mnist;

/// Cases recorded under `name`.
fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging/vectors.json");
    let mut all: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    serde_json::from_value(all[name].take()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn image(hex: &str) -> [u8; PIXELS] {
    bytes(hex).try_into().unwrap()
}

/// Largest difference between two images, in grey levels.
fn worst(found: &[u8], expected: &[u8]) -> u8 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[derive(Deserialize)]
struct Resize {
    width: usize,
    height: usize,
    new_width: usize,
    new_height: usize,
    filter: Filter,
    image: String,
    out: String,
}

#[test]
fn resizing_equals_pillow() {
    for case in cases::<Resize>("resize") {
        let picture = Gray::new(case.width, case.height, bytes(&case.image)).unwrap();
        let found = picture.resize(case.new_width, case.new_height, case.filter);
        let worst = worst(found.pixels(), &bytes(&case.out));
        assert!(worst <= 1, "{}×{} {:?}: {worst}", case.width, case.height, case.filter);
    }
}

#[derive(Deserialize)]
struct Warp {
    degrees: f32,
    #[serde(default = "one")]
    scale: f32,
    #[serde(default)]
    shear: f32,
    #[serde(default = "middle")]
    about: (f32, f32),
    #[serde(default = "middle")]
    to: (f32, f32),
    image: String,
    out: String,
}

fn one() -> f32 {
    1.0
}

fn middle() -> (f32, f32) {
    (13.5, 13.5)
}

#[test]
fn affine_warps_equal_scipy() {
    for name in ["affine", "rotate"] {
        for case in cases::<Warp>(name) {
            let found =
                Affine::turning(case.degrees, case.scale, case.shear, case.about, case.to).apply(&image(&case.image));
            let worst = worst(&found, &image(&case.out));
            assert!(worst <= 1, "{name} by {}°: {worst}", case.degrees);
        }
    }
}

#[derive(Deserialize)]
struct Distortion {
    alpha: f32,
    sigma: f32,
    image: String,
    dx: Vec<f32>,
    dy: Vec<f32>,
    out: String,
}

/// Raw displacements that the vectors were recorded with.
fn raw_field(step: usize) -> [f32; PIXELS] {
    std::array::from_fn(|index| ((index * step + 77) % 1000) as f32 / 499.5 - 1.0)
}

#[test]
fn elastic_distortion_equals_scipy() {
    for case in cases::<Distortion>("elastic") {
        let field = Elastic::new(case.alpha, case.sigma).field(&raw_field(7919), &raw_field(6133));
        for index in 0..PIXELS {
            let (dx, dy) = field.at(index % SIDE, index / SIDE);
            let error = (dx - case.dx[index]).abs().max((dy - case.dy[index]).abs());
            assert!(error < 2e-4, "σ {}, pixel {index}: {error}", case.sigma);
        }
        let worst = worst(&field.apply(&image(&case.image), &Affine::IDENTITY), &image(&case.out));
        assert!(worst <= 1, "σ {}: {worst}", case.sigma);
    }
}

#[derive(Deserialize)]
struct Pair {
    image: String,
    out: String,
}

#[test]
fn deskewing_equals_the_scipy_recipe() {
    for (number, case) in cases::<Pair>("deskew").iter().enumerate() {
        // Rounded to grey levels once before the stretch and once after it.
        let worst = worst(&deskew(&image(&case.image)), &image(&case.out));
        assert!(worst <= 2, "case {number}: {worst}");
    }
}

#[derive(Deserialize)]
struct Reference {
    degrees: f32,
    image: String,
    out: String,
}

#[test]
fn the_reference_preset_equals_pillow_and_scipy() {
    let processor = Recipe::preset("reference").unwrap().compile().unwrap();
    for case in cases::<Reference>("reference") {
        let digits = Digits::new(Images::from_images([image(&case.image)]), vec![0]);
        let found = expand(&digits, &[case.degrees], &processor, Seed(0));
        let worst = worst(found.images.get(0), &image(&case.out));
        // One level of difference before the stretch can be two after it.
        assert!(worst <= 2, "{}°: {worst}", case.degrees);
    }
}

/// Pearson's correlation of the grey levels.
fn correlation(a: &[u8], b: &[u8]) -> f64 {
    let mean = |values: &[u8]| values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    ab / (aa * bb).sqrt()
}

/// MNIST's test images, where MNIST is at hand.
fn mnist_images() -> Option<Images> {
    let file = std::fs::File::open(mnist::folder()?.join("t10k-images-idx3-ubyte.gz")).unwrap();
    let mut pixels = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut pixels).unwrap();
    Images::new(pixels.split_off(16))
}

#[test]
fn rotating_mnist_loses_no_ink() {
    let Some(images) = mnist_images() else { return };
    let same = Recipe::default().compile().unwrap();
    let ink = |image: &[u8; PIXELS]| image.iter().map(|&level| f64::from(level)).sum::<f64>();
    let digits = Digits::new(images.clone(), vec![0; images.len()]);
    for degrees in [-24.0, 24.0] {
        let turned = expand(&digits, &[degrees], &same, Seed(0));
        let lost =
            images.iter().zip(turned.images.iter()).filter(|(before, after)| ink(after) < 0.98 * ink(before)).count();
        assert!(
            lost * 1000 <= images.len(),
            "{lost} of {} images lost more than 2 % of their ink at {degrees}°",
            images.len()
        );
    }
}

#[test]
fn mnist_is_already_of_mnist_size() {
    let Some(images) = mnist_images() else { return };
    let mnist = Recipe::preset("mnist").unwrap().compile().unwrap();
    let similar = images.iter().filter(|image| correlation(*image, &mnist.apply(image, Seed(0))) > 0.97).count();
    assert!(similar * 100 >= images.len() * 95, "{similar} of {}", images.len());
    let InkBox { width, height, .. } = ink_box(images.get(0)).unwrap();
    assert!(width.max(height) <= 20);
}
