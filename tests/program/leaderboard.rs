//! `digitstack leaderboard` on small trained directories.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::support::{
    configurations::TINY_CONFIG,
    program::{program, text},
};

fn digitstack(folder: &Path, arguments: &[&str]) -> Output {
    program().current_dir(folder).args(arguments).output().expect("the program starts")
}

/// Runs a command, which must succeed, and returns its standard output and standard error.
fn done(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = digitstack(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn train(folder: &Path, command: &[&str], seed: &str, out: &str) {
    done(folder, &[command, &["tiny.toml", "--device", "cpu", "--quiet", "--seed", seed, "--out", out]].concat());
}

/// Row of a model of a directory.
fn row<'a>(board: &'a Value, model: &str, run: &str) -> &'a Value {
    let rows = board["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["model"] == model && row["run"] == run)
        .unwrap_or_else(|| panic!("no {model} of {run} in {rows:#?}"))
}

#[test]
fn runs_and_single_models_stand_in_one_table_and_damaged_directories_are_skipped_with_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::write(folder.join("tiny.toml"), TINY_CONFIG).expect("writes");
    train(folder, &["run"], "1", "artifacts/run-1");
    train(folder, &["run"], "2", "artifacts/run-2");
    train(folder, &["train", "dense"], "1", "artifacts/single");
    train(folder, &["train", "dense", "--validation", "50"], "1", "artifacts/count");
    train(folder, &["train", "booster"], "1", "artifacts/damaged");
    train(folder, &["train", "booster"], "1", "artifacts/interrupted");
    fs::create_dir(folder.join("artifacts/other")).expect("creates");

    let config = fs::read_to_string(folder.join("artifacts/count/config.toml")).expect("reads");
    assert!(config.contains("validation = 50") && config.contains("somebody <else>"), "{config}");
    let metrics = folder.join("artifacts/damaged/metrics.json");
    let better = fs::read_to_string(&metrics).expect("reads").replace("\"correct\"", "\"corrected\"");
    fs::write(&metrics, better).expect("writes");
    fs::remove_file(folder.join("artifacts/interrupted/manifest.json")).expect("removes");

    let (out, err) = done(folder, &["leaderboard", "--json", "--out", "board.svg"]);
    let board: Value = serde_json::from_str(&out).expect("JSON");
    let skipped: Vec<_> =
        board["skipped"].as_array().expect("skipped").iter().map(|skipped| skipped["directory"].as_str()).collect();
    assert_eq!(skipped, [Some("artifacts/damaged"), Some("artifacts/interrupted")]);
    assert!(
        err.contains("artifacts/damaged is damaged: metrics.json changed")
            && err.contains("artifacts/interrupted is not finished"),
        "{err}"
    );

    // Two runs of three models each, two single models, and each model of the runs over both seeds.
    assert_eq!(board["rows"].as_array().expect("rows").len(), 2 * 3 + 2 + 3);
    let weights = 784 * 16 + 16 + 16 * 10 + 10;
    let single = row(&board, "dense", "artifacts/single");
    assert_eq!(single["parameters"].as_u64(), Some(weights));
    assert!(
        (470..=490).contains(&single["train_images"].as_u64().expect("a count")),
        "about 20 % are held out: {single}"
    );
    assert_eq!((single["protocol"].as_str(), single["test_images"].as_u64()), (Some("20 % held out"), Some(200)));
    assert_eq!(single["reported"][0]["accuracy"].as_f64(), Some(0.9711));
    let count = row(&board, "dense", "artifacts/count");
    assert_eq!((count["protocol"].as_str(), count["train_images"].as_u64()), (Some("50 digits held out"), Some(550)));
    let (dense, booster, mean) = (
        row(&board, "dense", "artifacts/run-1"),
        row(&board, "booster", "artifacts/run-1"),
        row(&board, "mean", "artifacts/run-1"),
    );
    assert_eq!((dense["parameters"].as_u64(), dense["train_images"].as_u64()), (Some(2 * weights), Some(600)));
    assert_eq!(mean["parameters"].as_u64(), Some(2 * weights + booster["parameters"].as_u64().expect("leaves")));
    assert!(mean["training_seconds"].as_f64() > dense["training_seconds"].as_f64());
    assert_eq!((mean["models"].as_u64(), mean["protocol"].as_str()), (Some(4), Some("2 folds")));

    let accuracy = |run: &str| row(&board, "dense", run)["accuracy"]["value"].as_f64().expect("an accuracy");
    let (first, second) = (accuracy("artifacts/run-1"), accuracy("artifacts/run-2"));
    let both = row(&board, "dense", "tiny, 2 seeds");
    assert!((both["accuracy"]["value"].as_f64().expect("a mean") - (first + second) / 2.0).abs() < 1e-12, "{both}");
    assert!(
        (both["seeds"]["deviation"].as_f64().expect("one") - (first - second).abs() / 2f64.sqrt()).abs() < 1e-12,
        "{both}"
    );
    assert_eq!(both["seeds"]["seeds"], serde_json::json!([1, 2]));
    let order: Vec<f64> =
        board["rows"].as_array().expect("rows").iter().filter_map(|row| row["accuracy"]["value"].as_f64()).collect();
    assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");

    let svg = fs::read_to_string(folder.join("board.svg")).expect("drawn");
    for word in ["<svg", "run-1", "single", "tiny, 2 seeds", "reported elsewhere", "</svg>"] {
        assert!(svg.contains(word), "{word} is missing from {svg}");
    }

    // As text of named directories in another order, and as a PNG.
    let (out, _) =
        done(folder, &["leaderboard", "artifacts/run-1", "artifacts/single", "--sort", "model", "--out", "board.png"]);
    let first: Vec<&str> = out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first[..5], ["model", "booster", "dense", "dense", "mean"], "{out}");
    assert!(
        out.contains("reported, dense: 97.11 % by somebody <else>; their own split") && !out.contains("seeds"),
        "{out}"
    );
    let picture = image::open(folder.join("board.png")).expect("a picture");
    assert!(picture.width() > 1000 && picture.height() > 300);
}

#[test]
fn wrong_names_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases: [(&[&str], i32, &str); 5] = [
        (&["leaderboard"], 1, "no finished run or single model in artifacts"),
        (&["leaderboard", "nowhere"], 1, "skipped: nowhere is no folder"),
        (&["leaderboard", "--sort", "size"], 2, "test, run, model, parameters"),
        (&["leaderboard", "--out", "board.pdf"], 2, ".svg or .png"),
        (&["train", "dense", "--validation", "1.5"], 2, "a fraction above 0 and below 1"),
    ];
    for (arguments, code, words) in cases {
        let output = digitstack(folder.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
