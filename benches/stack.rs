//! One image through the whole stack: `DIGITSTACK_RUN=artifacts/quickstart cargo bench --bench stack`.

#![allow(missing_docs, clippy::print_stderr, clippy::expect_used, reason = "a benchmark")]

use std::path::PathBuf;

use digitstack::{
    data::{Images, synthetic},
    device::{self, DeviceChoice},
    fit::{Cancel, FitContext},
    pipeline::SavedRun,
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
fn run() -> Option<SavedRun> {
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
    let cancel = Cancel::default();
    let work = FitContext::new(&device, 1, &Silent, &cancel);
    Some(SavedRun::load(&folder, &work).expect("a complete run"))
}

/// As a service asks it: [`digitstack::pipeline::StackPredictor`].
#[divan::bench(sample_count = 2000, sample_size = 1)]
fn one_image(bencher: divan::Bencher) {
    let Some(run) = run() else { return };
    let image = synthetic::digit(7, Seed(1));
    let mut predictor = run.predictor().expect("models that predict");
    bencher.bench_local(|| predictor.predict(&image).expect("predicted")[0].probabilities);
}

/// As a batch of one.
#[divan::bench(sample_count = 500, sample_size = 1)]
fn batch_of_one(bencher: divan::Bencher) {
    let Some(run) = run() else { return };
    let image = Images::from_images([synthetic::digit(7, Seed(1))]);
    bencher.bench(|| run.opinions(&run.prepare(&image).expect("prepared"), &Silent).expect("predicted"));
}
