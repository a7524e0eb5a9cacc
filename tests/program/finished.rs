//! A finished directory answers only for the settings and data that it was made with, and only as it was written: the
//! same command again prints the same result and changes nothing; other settings are refused, and so is an edited file.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::support::{
    configurations::TINY_CONFIG,
    program::{program, text},
    trained::{copy, smallest_model, smallest_run},
};

/// A folder with a copy of a finished directory, `out`, and the configuration that made it, `tiny.toml`.
struct Finished {
    folder: tempfile::TempDir,
    command: &'static [&'static str],
}

impl Finished {
    fn run() -> Self {
        Self::of(smallest_run(), &["run"])
    }

    fn model() -> Self {
        Self::of(smallest_model(), &["train", "dense"])
    }

    fn of(directory: &Path, command: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.toml"), TINY_CONFIG).unwrap();
        copy(directory, &folder.path().join("out"));
        Self { folder, command }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The command that made the directory, with further arguments.
    fn again(&self, more: &[&str]) -> Output {
        self.with("tiny.toml", more)
    }

    /// The command with another configuration.
    fn with(&self, configuration: &str, more: &[&str]) -> Output {
        program()
            .current_dir(self.folder.path())
            .args(self.command)
            .args([configuration, "--device", "cpu", "--out", "out"])
            .args(more)
            .output()
            .unwrap()
    }

    /// Checks that a command is refused with exit code 2 and these words, and leaves the directory as it was.
    #[track_caller]
    fn refuses(&self, output: impl FnOnce() -> Output, words: &[&str]) {
        let before = bytes(&self.out());
        let output = output();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{:?} {words:?}: {said}{}", self.command, text(&output.stdout));
        assert!(words.iter().all(|words| said.contains(words)), "{:?} {words:?}: {said}", self.command);
        assert!(bytes(&self.out()) == before, "{:?} {words:?}: the directory was changed", self.command);
    }
}

/// Every file of a directory but its lock.
fn bytes(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut open) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with("run.lock") {
                let bytes = fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
    files
}

#[test]
fn the_same_command_prints_the_same_scores_and_does_no_work() {
    for finished in [Finished::run(), Finished::model()] {
        let before = bytes(&finished.out());
        let outputs = [finished.again(&["--json"]), finished.again(&["--json"])];
        let results = outputs.map(|output| {
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        });
        assert_eq!(results[0], results[1]);
        let metrics: Value = serde_json::from_slice(&before[&finished.out().join("metrics.json")]).unwrap();
        assert_eq!(accuracies(&results[0]), accuracies(&metrics));
        assert!(bytes(&finished.out()) == before);
    }
}

/// All test accuracies in a result, sorted.
fn accuracies(result: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![result];
    while let Some(value) = open.pop() {
        found.extend(value.pointer("/test/accuracy/value").map(Value::to_string));
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{result}");
    found
}

#[test]
fn another_seed_is_refused_by_name() {
    for finished in [Finished::run(), Finished::model()] {
        finished.refuses(|| finished.again(&["--seed", "7"]), &["seed", "--fresh"]);
    }
}

#[test]
fn another_setting_is_refused_by_name() {
    for finished in [Finished::run(), Finished::model()] {
        finished.refuses(|| finished.again(&["--set", "members.dense.training.epochs=3"]), &["epochs"]);
        finished.refuses(|| finished.again(&["--set", "data.train=500"]), &["train"]);
    }
}

#[test]
fn another_configuration_is_refused_by_what_differs() {
    for finished in [Finished::run(), Finished::model()] {
        let other = TINY_CONFIG.replace("hidden = [16]", "hidden = [24]");
        fs::write(finished.folder.path().join("other.toml"), other).unwrap();
        finished.refuses(|| finished.with("other.toml", &[]), &["hidden"]);
    }
}

#[test]
fn other_data_are_refused() {
    for finished in [Finished::run(), Finished::model()] {
        let split = ["data", "split", "tables", "--train", "600", "--test", "200"];
        let output = program().current_dir(finished.folder.path()).args(split).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        finished.refuses(|| finished.again(&["--data", "tables"]), &["data.source"]);
    }
}

#[test]
fn fresh_starts_over_with_other_settings() {
    let finished = Finished::model();
    let output = finished.again(&["--seed", "7", "--fresh"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    finished.refuses(|| finished.again(&[]), &["seed"]);
}

#[test]
fn an_edited_file_is_refused_by_name() {
    for finished in [Finished::run(), Finished::model()] {
        let metrics = finished.out().join("metrics.json");
        let honest = fs::read_to_string(&metrics).unwrap();
        let edited = honest.replacen("\"value\": 0.", "\"value\": 0.9", 1);
        assert_ne!(edited, honest);
        fs::write(&metrics, edited).unwrap();
        let output = finished.again(&[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{:?}: {said}{}", finished.command, text(&output.stdout));
        assert!(said.contains("metrics.json"), "{said}");
        assert_eq!(text(&output.stdout), "", "no score of an edited directory is printed");
    }
}

#[test]
fn a_directory_without_its_manifest_is_completed_to_the_same_files() {
    for finished in [Finished::run(), Finished::model()] {
        let before = bytes(&finished.out());
        fs::remove_file(finished.out().join("manifest.json")).unwrap();
        let output = finished.again(&[]);
        assert_eq!(output.status.code(), Some(0), "{:?}: {}", finished.command, text(&output.stderr));
        let after = bytes(&finished.out());
        assert!(before.keys().eq(after.keys()), "{:?}", finished.command);
        for name in ["metrics.json", "config.toml"] {
            let path = finished.out().join(name);
            assert!(before[&path] == after[&path], "{name}");
        }
    }
}
