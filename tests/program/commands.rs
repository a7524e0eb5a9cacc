//! Messages, exit codes and files of the commands, as users see them.

use std::{path::Path, process::Output};

use digitstack::{data::idx, seed::Seed};
use image::{DynamicImage, Rgb, RgbImage};
use rand::RngExt;

use crate::support::{
    configurations::TINY,
    program::{digitstack, text},
};

fn tiny_run(out: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["run", "--device", "cpu", "--out", out.to_str().expect("UTF-8")];
    arguments.extend(TINY);
    arguments.extend(more);
    digitstack(&arguments)
}

#[test]
fn without_arguments_it_prints_help() {
    let output = digitstack(&[]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for word in ["run", "predict", "Examples:", "--device", "--set"] {
        assert!(help.contains(word), "{word} is missing from\n{help}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_failed_work_with_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("wrong.toml");
    std::fs::write(&config, "name = \"x\"\n[stacking]\nfolds = 1\n[[members]]\nname = \"d\"\nkind = \"dense\"\n")
        .expect("writes");
    let config = config.to_str().expect("UTF-8");
    let cases: [(&[&str], i32, &str); 7] = [
        (&["run", config], 2, "wrong.toml:3: stacking.folds: found 1, expected 2 to 20"),
        (&["run", "--set", "nonsense"], 2, "KEY=VALUE"),
        (&["run", "no-such-file.toml"], 2, "no-such-file.toml"),
        (&["run", "--device", "abacus"], 2, "abacus"),
        (&["train", "forest"], 2, "dense, cnn, booster"),
        (&["predict", "no-such-run", "x.png"], 1, "no-such-run"),
        (&["evaluate", "no-such-run"], 1, "no-such-run"),
    ];
    for (arguments, code, words) in cases {
        let output = digitstack(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_tiny_run_can_be_scored_and_asked_and_its_damage_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let output = tiny_run(&run, &["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let metrics: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    let models = metrics["models"].as_array().expect("models");
    assert_eq!(models.len(), 7, "three members and four meta-models");
    for model in models {
        for part in ["train", "out_of_fold", "test"] {
            let accuracy = model[part]["accuracy"]["value"].as_f64().expect("an accuracy");
            assert!((0.0..=1.0).contains(&accuracy), "{model}");
        }
    }
    for file in
        ["manifest.json", "config.toml", "metrics.json", "timings.json", "environment.json", "report/index.html"]
    {
        assert!(run.join(file).is_file(), "{file}");
    }

    // Again, with nothing left to do.
    let output = tiny_run(&run, &[]);
    assert!(output.status.success() && text(&output.stderr).contains("complete already"), "{}", text(&output.stderr));

    let run_name = run.to_str().expect("UTF-8");
    let output = digitstack(&["evaluate", run_name, "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let again: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for model in models {
        let same = again["models"]
            .as_array()
            .expect("models")
            .iter()
            .find(|other| other["name"] == model["name"])
            .expect("scored again");
        assert_eq!(same["test"], model["test"], "{}", model["name"]);
    }

    photo_is_read(&folder.path().join("photo.png"), run_name);

    // One byte of one model is changed.
    let model = run.join("models/booster/fold-1/model.txt");
    let mut bytes = std::fs::read(&model).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&model, bytes).expect("writes");
    let output = digitstack(&["evaluate", run_name]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("model.txt"), "{}", text(&output.stderr));
}

/// Checks the answer to a photo of a dark stroke on unevenly lit paper.
fn photo_is_read(path: &Path, run: &str) {
    let mut photo = RgbImage::new(400, 300);
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let paper = 235 - (x / 8) as u8;
        let ink = (190..215).contains(&x) && (60..240).contains(&y);
        *pixel = if ink { Rgb([40, 38, 60]) } else { Rgb([paper, paper, paper.saturating_sub(12)]) };
    }
    DynamicImage::ImageRgb8(photo).save(path).expect("writes");
    let output = digitstack(&["predict", run, path.to_str().expect("UTF-8"), "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let prediction: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let probabilities: Vec<f64> =
        prediction["probabilities"].as_array().expect("ten").iter().filter_map(|p| p.as_f64()).collect();
    assert_eq!(probabilities.len(), 10);
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-4);
    assert_ne!(prediction["digit"], prediction["runner_up"]);
    assert_eq!(prediction["models"].as_array().expect("models").len(), 7);

    let output = digitstack(&["predict", run, "no-such.png"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no-such.png"), "{}", text(&output.stderr));
}

#[test]
fn another_configuration_does_not_go_on_with_an_interrupted_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    assert!(tiny_run(&run, &[]).status.success());
    std::fs::remove_file(run.join("manifest.json")).expect("as if it had been interrupted");
    let output = tiny_run(&run, &["--seed", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--fresh"), "{}", text(&output.stderr));
    let output = tiny_run(&run, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("continuing the interrupted"), "{}", text(&output.stderr));
    assert!(tiny_run(&run, &["--seed", "2", "--fresh"]).status.success());
}

#[test]
fn random_labels_are_not_learnt_out_of_fold_and_no_test_file_is_needed() {
    // Random labels, and the training files only: a leak anywhere would lift the out-of-fold scores above chance.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut digits = digitstack::data::synthetic::generate(600, Seed(3));
    let mut random = Seed(4).derive("labels").rng();
    for label in &mut digits.labels {
        *label = random.random_range(0..10);
    }
    let file = |name: &str| folder.path().join(name);
    idx::write_pair(&digits, &file("train-images-idx3-ubyte.gz"), &file("train-labels-idx1-ubyte.gz")).expect("writes");
    let data = folder.path().to_str().expect("UTF-8");
    let output = tiny_run(&file("run"), &["--json", "--data", data, "--set", "prepare.rotations=[0.0, 15.0]"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let metrics: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for model in metrics["models"].as_array().expect("models") {
        let accuracy = model["out_of_fold"]["accuracy"]["value"].as_f64().expect("an accuracy");
        assert!(accuracy < 0.2, "{} is right on {accuracy} of images whose labels are noise", model["name"]);
        // Without test files, the share that `data.test` asks for is held out of the training files.
        let test = model["test"]["accuracy"]["value"].as_f64().expect("an accuracy");
        assert!(test < 0.2, "{} is right on {test} of held-out images whose labels are noise", model["name"]);
    }
    let train = metrics["models"][2]["train"]["accuracy"]["value"].as_f64().expect("an accuracy");
    assert!(train > 0.3, "the booster remembers its training images ({train}), so that the test above can fail");
}

#[test]
fn a_single_member_can_be_trained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("dense");
    let mut arguments = vec!["train", "dense", "--device", "cpu", "--json", "--out", out.to_str().expect("UTF-8")];
    arguments.extend(TINY);
    let output = digitstack(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["history"]["points"].as_array().expect("epochs").len(), 2);
    assert!(result["scores"]["test"]["accuracy"]["value"].as_f64().is_some());
}
