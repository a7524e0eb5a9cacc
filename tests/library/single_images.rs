//! Single images through a finished run get the answers of the batch path, without an allocation.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    path::Path,
};

use digitstack::{
    artifact::TrainedModels,
    data::{Images, PIXELS, synthetic},
    device::{self, ChosenDevice, DeviceChoice},
    evaluation,
    progress::Silent,
    seed::Seed,
};

use crate::support::program::{program, text};

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

/// System allocator that counts the allocations of each thread.
struct Counting;

/// Counts an allocation of this thread; none while the thread ends.
fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `System`, which is the same; so below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: see `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: see `alloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: see `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Number of this thread's allocations.
fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// Quickstart with a member of every other kind, one of which preprocesses its images by itself.
const MEMBERS: &str = concat!(
    include_str!("../../configs/quickstart.toml"),
    r#"
[[members]]
name = "regression"
kind = "logistic"
prepare = ["deskewed", { step = "rotate", degrees = 3.0 }]

[[members]]
name = "svm"
kind = "svm"

[[members]]
name = "knn"
kind = "knn"
"#
);

/// Settings for a training of seconds, with a recipe of every kind of step that is not random.
const SETTINGS: [&str; 6] = [
    "data.train=600",
    "data.test=50",
    r#"prepare.recipe=["reference", "deskew", { step = "centre", by = "box" }, { step = "rotate", degrees = 5.0 }]"#,
    "members.cnn.training.epochs=1",
    "members.dense.training.epochs=2",
    "members.booster.booster.trees=5",
];

/// Settings that take different paths through the code: an average over three folds with the default net; refitted
/// members, logarithms as features, and pooling that cannot be fused with the convolution.
const RUNS: [(&str, &[&str]); 2] = [
    ("folds", &[]),
    (
        "refitted",
        &[
            "stacking.final_models=\"refit\"",
            "stacking.features=\"log-probabilities\"",
            "members.cnn.network.pool=\"average\"",
            "members.cnn.network.activation=\"swish\"",
        ],
    ),
];

fn tiny_run(folder: &Path, more: &[&str]) {
    let mut command = program();
    let config = folder.with_extension("toml");
    std::fs::write(&config, MEMBERS).unwrap();
    command.arg("run").arg(config).args(["--device", "cpu", "--out"]).arg(folder);
    for setting in SETTINGS.iter().chain(more) {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn load(folder: &Path, device: &ChosenDevice) -> TrainedModels {
    TrainedModels::load(folder, device).unwrap()
}

fn images() -> Vec<[u8; PIXELS]> {
    let odd = [[0; PIXELS], [255; PIXELS]];
    odd.into_iter().chain((0..98).map(|index| synthetic::digit((index % 10) as u8, Seed(index)))).collect()
}

#[test]
fn single_images_get_the_answers_of_the_batch_without_an_allocation() {
    let folder = tempfile::tempdir().unwrap();
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    for (name, more) in RUNS {
        let path = folder.path().join(name);
        tiny_run(&path, more);
        let run = load(&path, &device);
        let images = images();
        let batch = run.predict_all(&Images::from_images(images.iter().copied()), &Silent).unwrap();
        let mut session = run.session().unwrap();
        for (model, all) in batch.iter().enumerate() {
            let few = run.predict(model, &Images::from_images(images[..3].iter().copied())).unwrap();
            let many = run.predict(model, &Images::from_images(images.iter().copied())).unwrap();
            assert_eq!(many, all.probabilities, "{name}: one model alone and all of them");
            for (few, many) in few.iter().zip(&many) {
                let off = few.iter().zip(many).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off <= 1e-6, "{name}, {}: a few images are off by {off}", all.name);
            }
        }
        drop(run);

        for (index, image) in images.iter().enumerate() {
            let opinions = session.predict_all(image).unwrap();
            assert_eq!(opinions.len(), batch.len());
            for (single, batch) in opinions.iter().zip(&batch) {
                assert_eq!((&single.name, single.kind), (&batch.name, batch.kind));
                let expected = batch.probabilities[index];
                let off = single.probabilities.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off <= 1e-6, "{name}, image {index}, {}: off by {off}", single.name);
                assert_eq!(evaluation::rank(&single.probabilities).digit, evaluation::rank(&expected).digit);
            }
        }

        let mut clone = session.clone();
        let alone: Vec<_> =
            session.predict_all(&images[7]).unwrap().iter().map(|opinion| opinion.probabilities).collect();
        let before = allocations();
        for image in &images {
            session.predict_all(image).unwrap();
        }
        assert_eq!(allocations() - before, 0, "{name}: {} requests allocated", images.len());
        // Proof that the count can rise.
        let there = std::thread::scope(|scope| {
            let ask = || {
                clone.predict_all(&images[7]).unwrap().iter().map(|opinion| opinion.probabilities).collect::<Vec<_>>()
            };
            scope.spawn(ask).join().unwrap()
        });
        assert!(allocations() > before);
        assert_eq!(alone, there, "a clone in another thread");
    }
}
