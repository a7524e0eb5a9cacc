//! Training on the CPU stays in its caller's rayon pool, so that folds trained concurrently do not compete for threads.

use digitstack::{
    data::{Digits, Images, PIXELS},
    device::{DeviceChoice, resolve},
    fit::{Cancel, FitContext},
    nn::{CnnConfig, NetworkConfig, TrainingConfig, train},
    progress::Silent,
    seed::Seed,
};

use crate::support::alone;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn training_starts_no_threads_of_its_own() {
    if !alone("nn_threads::training_starts_no_threads_of_its_own") {
        return;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let before = pool.install(threads);
    let images = Images::from_images((0..64u8).map(|n| [n; PIXELS]));
    let digits = Digits::new(images, (0..64).map(|n| n % 10).collect());
    let device = resolve(&DeviceChoice::Cpu).unwrap();
    let cancel = Cancel::default();
    let context = FitContext::new(&device, 1, &Silent, &cancel).seeded(Seed(1)).labelled("pool");
    // The size of the reference net: large enough for every parallel path of the backend.
    let network = NetworkConfig::Cnn(CnnConfig::default());
    let settings = TrainingConfig { epochs: 1, batch_size: 64, ..TrainingConfig::default() };
    pool.install(|| train(&network, &settings, &digits, None, None, &context)).unwrap();
    assert_eq!(threads(), before, "the backend started its own pool");
    // Proof that the check can fail: the global pool is counted.
    rayon::join(|| (), || ());
    assert!(threads() > before);
}
