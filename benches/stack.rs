//! One image through the whole stack: `DIGITSTACK_RUN=artifacts/quickstart cargo bench --bench stack`.

#![allow(missing_docs, clippy::print_stderr, clippy::expect_used, reason = "a benchmark")]

use std::path::PathBuf;

use digitstack::{
    data::{Images, synthetic},
    nn::{self, DeviceChoice},
    pipeline::{SavedRun, Work},
    progress::{Cancel, Silent},
    seed::Seed,
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 500, sample_size = 1)]
fn one_image(bencher: divan::Bencher) {
    let folder = std::env::var_os("DIGITSTACK_RUN").map_or_else(|| PathBuf::from("artifacts/quickstart"), PathBuf::from);
    if !folder.join("manifest.json").is_file() {
        eprintln!("SKIPPED: {} is no complete run; make one with `digitstack run` or name one in DIGITSTACK_RUN", folder.display());
        return;
    }
    let device = nn::resolve(&DeviceChoice::Cpu).expect("a CPU");
    let cancel = Cancel::default();
    let work = Work { device: &device, threads: 1, progress: &Silent, cancel: &cancel };
    let run = SavedRun::load(&folder, &work).expect("a complete run");
    let image = Images::from_images([synthetic::digit(7, Seed(1))]);
    bencher.bench(|| run.opinions(&run.prepare(&image).expect("prepared"), &Silent).expect("predicted"));
}
