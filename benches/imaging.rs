//! Time of each step on one 28×28 image, and of whole recipes.
//!
//! `cargo bench --bench imaging`

use std::hint::black_box;

use digitstack::{
    data::{PIXELS, SIDE},
    imaging::{
        Affine, Elastic, Filter, Recipe, deskew, ink_box, normalise_size, rotate, stretch, subtract_noise, thicken,
    },
    seed::Seed,
};
use divan::Bencher;

fn main() {
    divan::main();
}

/// A ring and a bar, 20 pixels high, with soft edges.
fn digit() -> [u8; PIXELS] {
    std::array::from_fn(|pixel| {
        let (x, y) = ((pixel % SIDE) as f32 - 13.0, (pixel / SIDE) as f32 - 13.5);
        let ring = (x.hypot(y + 5.0) - 4.0).abs();
        let bar = if y > -5.0 && y < 10.0 { (x - 4.0 + 0.2 * y).abs() } else { 9.0 };
        (255.0 * (2.0 - ring.min(bar)).clamp(0.0, 1.0)) as u8
    })
}

/// Runs `step` on the digit.
fn time<T>(bencher: Bencher, step: impl Fn(&[u8; PIXELS]) -> T) {
    let image = digit();
    bencher.counter(divan::counter::ItemsCount::new(1u32)).bench_local(|| step(black_box(&image)));
}

mod steps {
    use super::*;

    #[divan::bench]
    fn finding_the_box(bencher: Bencher) {
        time(bencher, ink_box);
    }

    #[divan::bench]
    fn noise(bencher: Bencher) {
        time(bencher, |image| subtract_noise(image, 32));
    }

    #[divan::bench(args = [Filter::Bilinear, Filter::Bicubic])]
    fn normalising_size(bencher: Bencher, filter: Filter) {
        time(bencher, |image| normalise_size(image, 20, filter));
    }

    #[divan::bench]
    fn stretching(bencher: Bencher) {
        time(bencher, stretch);
    }

    #[divan::bench]
    fn rotating(bencher: Bencher) {
        time(bencher, |image| rotate(image, 24.0));
    }

    #[divan::bench]
    fn deskewing(bencher: Bencher) {
        time(bencher, deskew);
    }

    #[divan::bench]
    fn thickening(bencher: Bencher) {
        time(bencher, |image| thicken(image, 0.5));
    }

    #[divan::bench]
    fn elastic_distortion(bencher: Bencher) {
        let elastic = Elastic::new(34.0, 4.0);
        let mut rng = Seed(1).rng();
        let image = digit();
        bencher.bench_local(|| elastic.random_field(&mut rng).apply(black_box(&image), &Affine::IDENTITY));
    }
}

#[divan::bench(args = ["reference", "deskewed", "light", "strong"])]
fn recipe(bencher: Bencher, name: &str) {
    let processor = Recipe::preset(name).and_then(|recipe| recipe.compile().ok()).expect("a preset");
    let mut seed = Seed(0);
    let image = digit();
    bencher.counter(divan::counter::ItemsCount::new(1u32)).bench_local(|| {
        seed = seed.index(0);
        processor.apply(black_box(&image), seed)
    });
}
