//! A run that is killed again and again ends with the same files as an undisturbed one.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use digitstack::seed::Seed;
use rand::RngExt;

use crate::support::{program::program, say};

/// Starts `digitstack run` of the quickstart into this directory.
fn start(out: &Path) -> Child {
    program()
        .args(["run", "--quiet", "--device", "cpu", "--out"])
        .arg(out)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Path and SHA-256 of every file that the reproducible hash covers.
fn reproducible_files(run: &Path) -> (String, Vec<(String, String)>) {
    let manifest = digitstack::storage::verify(run).unwrap_or_else(|error| panic!("{error}"));
    let clocked = |path: &str| {
        path.starts_with("report/")
            || ["timings.json", "timing.json", "environment.json", "part.json"].iter().any(|name| path.ends_with(name))
    };
    let files = manifest.files().iter().map(|entry| (entry.path.to_string(), entry.sha256.to_string()));
    (manifest.reproducible_hash(), files.filter(|(path, _)| !clocked(path)).collect())
}

#[test]
fn killed_ten_times_a_quickstart_ends_with_the_same_models_predictions_and_metrics() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (undisturbed, killed) = (folder.path().join("undisturbed"), folder.path().join("killed"));
    let started = Instant::now();
    assert!(start(&undisturbed).wait().expect("it ends").success());
    let whole = started.elapsed();

    let mut random = Seed(20).derive("kill").rng();
    let mut kills = 0;
    while kills < 10 {
        let mut child = start(&killed);
        // Short enough for ten kills in one run, long enough to get further than the killed process before.
        let wait = whole.mul_f64(random.random_range(0.02..0.16)) + Duration::from_millis(300);
        std::thread::sleep(wait);
        if let Some(status) = child.try_wait().expect("it can be asked") {
            assert!(status.success(), "it failed by itself after {kills} kills");
            break;
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
        kills += 1;
    }
    say(format_args!("killed {kills} times; undisturbed run {:.1} s", whole.as_secs_f64()));
    assert!(kills >= 5, "the run ended after {kills} kills: it is too short to be disturbed");
    assert!(start(&killed).wait().expect("it ends").success());

    let ((expected_hash, expected), (found_hash, found)) =
        (reproducible_files(&undisturbed), reproducible_files(&killed));
    assert!(expected.iter().any(|(path, _)| path.starts_with("models/cnn/")), "{expected:?}");
    assert!(expected.iter().any(|(path, _)| path == "metrics.json"), "{expected:?}");
    assert_eq!(found, expected);
    assert_eq!(found_hash, expected_hash);
}
