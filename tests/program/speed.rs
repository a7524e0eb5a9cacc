//! The fused operations are several times as fast as Burn's own: a ratio of two speeds on one machine, not a time.

use crate::support::{program::program, say, skip};

/// Images per second of the reference CNN in training and in inference, on one thread.
fn speed(plain: bool) -> [f64; 2] {
    let mut command = program();
    command.args([
        "bench",
        "cnn",
        "--batch",
        "32",
        "--seconds",
        "0.5",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--json",
        "--quiet",
    ]);
    if plain {
        command.arg("--plain-ops");
    }
    let output = command.output().unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["device"], if plain { "CPU (Burn Flex, plain operations)" } else { "CPU (Burn Flex)" });
    ["train_images_per_s", "infer_images_per_s"].map(|name| result[name].as_f64().unwrap())
}

/// Least ratio that is accepted; measured: 5.5 on an AMD EPYC with AVX-512.
const LEAST: f64 = 3.0;

#[test]
#[ignore = "measures speeds and so runs alone: tests/check.sh does it"]
fn fused_operations_are_several_times_as_fast_as_burns_own() {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("avx2") {
        skip("this processor has no AVX2");
        return;
    }
    // Alternating, so that other work on the machine slows both down; the median of the ratios counts.
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for _ in 0..5 {
        let (fused, plain) = (speed(false), speed(true));
        (0..2).for_each(|what| ratios[what].push(fused[what] / plain[what]));
    }
    for (what, ratios) in ["training", "inference"].iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        say(format_args!("{what}: {:.1} times as fast ({ratios:.1?})", ratios[2]));
        assert!(
            ratios[2] > LEAST,
            "{what} is {:.1} times as fast, at least {LEAST} is expected: {ratios:.1?}",
            ratios[2]
        );
    }
}
