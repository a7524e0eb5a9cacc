//! One image through the whole stack: `DIGITSTACK_RUN=artifacts/quickstart cargo bench --bench stack`.

#![allow(missing_docs, clippy::print_stderr, clippy::expect_used, reason = "a benchmark")]

use std::path::PathBuf;

use digitstack::{
    artifact::TrainedModels,
    data::{Images, synthetic},
    device::{self, DeviceChoice},
    progress::Silent,
    seed::Seed,
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// The run to measure, unless there is none.
fn run() -> Option<TrainedModels> {
    let folder =
        std::env::var_os("DIGITSTACK_RUN").map_or_else(|| PathBuf::from("artifacts/quickstart"), PathBuf::from);
    if !folder.join("manifest.json").is_file() {
        eprintln!(
            "SKIPPED: {} is no complete run; make one with `digitstack run` or name one in DIGITSTACK_RUN",
            folder.display()
        );
        return None;
    }
    let device = device::resolve(&DeviceChoice::Cpu).expect("a CPU");
    Some(TrainedModels::load(&folder, &device).expect("a complete run"))
}

/// One image, as the service computes it: [`digitstack::artifact::Session`].
#[divan::bench(sample_count = 2000, sample_size = 1)]
fn one_image(bencher: divan::Bencher) {
    let Some(run) = run() else { return };
    let image = synthetic::digit(7, Seed(1));
    let mut session = run.session().expect("models that predict");
    bencher.bench_local(|| session.predict_all(&image).expect("predicted")[0].probabilities);
}

/// The smallest number of images that is computed as a batch.
#[divan::bench(sample_count = 500, sample_size = 1)]
fn batch_of_five(bencher: divan::Bencher) {
    let Some(run) = run() else { return };
    let image = Images::from_images((0..5).map(|digit| synthetic::digit(digit, Seed(1))));
    bencher.bench(|| run.predict_all(&image, &Silent).expect("predicted"));
}
