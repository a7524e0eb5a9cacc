//! Speed of the CPU kernels relative to Burn's own operations: `cargo bench --bench speedup`.
//!
//! Trains and evaluates the reference CNN with both, on one thread and in turn, and fails if the median ratio is below
//! the expected one. A ratio of two speeds on one machine at one time, never a time; `tests/check.sh` runs it alone.

#![allow(missing_docs, clippy::print_stdout, clippy::expect_used, reason = "a benchmark")]

use std::process::ExitCode;

use digitstack::{
    device::{self, DeviceChoice},
    nn::{CnnConfig, Loss, NetworkConfig, OptimizerConfig, throughput},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Least accepted ratio. Measured: 5.5 on an AMD EPYC with AVX-512.
const LEAST: f64 = 3.0;
/// Measurements of each kind; odd, so that there is a median.
const ROUNDS: usize = 5;

/// Images per second in training and in inference.
fn speeds() -> [f64; 2] {
    let device = device::resolve(&DeviceChoice::Cpu).expect("a CPU");
    let network = NetworkConfig::Cnn(CnnConfig::default());
    let speed =
        throughput(&network, &OptimizerConfig::default(), Loss::CrossEntropy, &device, 32, 0.5).expect("measured");
    [speed.train_images_per_s, speed.infer_images_per_s]
}

fn main() -> ExitCode {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("avx2") {
        println!("SKIPPED: this processor has no AVX2");
        return ExitCode::SUCCESS;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    // In turn, so that other load on the machine slows both down.
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let kernels = pool.install(speeds);
        let plain = pool.install(|| flex_kernels::with_plain_operations(speeds));
        (0..2).for_each(|pass| ratios[pass].push(kernels[pass] / plain[pass]));
    }
    let mut fast = true;
    for (pass, ratios) in ["training", "inference"].iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ROUNDS / 2];
        println!(
            "{pass}: {median:.1} times as fast as Burn's own operations, expected at least {LEAST} ({ratios:.1?})"
        );
        fast &= median >= LEAST;
    }
    if fast { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
