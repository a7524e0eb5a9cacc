//! Curves of fits for TensorBoard: what TensorBoard itself reads is what the fits recorded.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{configurations::TINY_CONFIG, program::ends, python};

/// Prints the scalars of every fit as JSON: fit → tag → [[step, value]].
const READ: &str = "
import json, os, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
fits = {}
for folder, _, files in os.walk(sys.argv[1]):
    if files:
        events = EventAccumulator(folder, size_guidance={'scalars': 0})
        events.Reload()
        read = lambda tag: [[point.step, point.value] for point in events.Scalars(tag)]
        fits[os.path.relpath(folder, sys.argv[1])] = {tag: read(tag) for tag in events.Tags()['scalars']}
print(json.dumps(fits))
";

/// Curves by TensorBoard's tags, of the record of a fit.
fn recorded(history: &Path) -> Value {
    let history: Value = serde_json::from_slice(&fs::read(history).unwrap()).unwrap();
    let curve = |field: &str| -> Vec<Value> {
        let points = history["points"].as_array().unwrap().iter();
        points.filter(|point| !point[field].is_null()).map(|point| json!([point["step"], point[field]])).collect()
    };
    let tags = [
        ("accuracy/train", "train_accuracy"),
        ("accuracy/validation", "validation_accuracy"),
        ("learning_rate", "learning_rate"),
        ("loss/train", "train_loss"),
        ("loss/validation", "validation_loss"),
    ];
    let mut curves = serde_json::Map::new();
    for (tag, field) in tags {
        let curve = curve(field);
        if !curve.is_empty() {
            curves.insert(tag.to_owned(), curve.into());
        }
    }
    for (tag, field) in [("by_iteration/loss", "loss"), ("by_iteration/accuracy", "accuracy")] {
        if let Some(trace) = history["trace"].as_array() {
            let points: Vec<Value> = trace.iter().map(|point| json!([point["iteration"], point[field]])).collect();
            curves.insert(tag.to_owned(), points.into());
        }
    }
    curves.into()
}

/// Compares two sets of curves; TensorBoard has single precision.
#[track_caller]
fn assert_same(found: &Value, expected: &Value, fit: &str) {
    let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{fit}");
    for (tag, expected) in expected {
        let points = |curve: &Value| -> Vec<(u64, f32)> {
            let point = |point: &Value| (point[0].as_u64().unwrap(), point[1].as_f64().unwrap() as f32);
            curve.as_array().unwrap().iter().map(point).collect()
        };
        assert_eq!(points(&found[tag]), points(expected), "{fit}, {tag}");
    }
}

#[test]
fn tensorboard_reads_the_curves_of_every_fit_of_a_run_new_or_finished() {
    let Some(python) = python::with("tensorboard") else { return };
    let temporary = tempfile::tempdir().unwrap();
    let path = |name: &str| temporary.path().join(name).display().to_string();
    let (config, out) = (path("tiny.toml"), path("run"));
    fs::write(&config, TINY_CONFIG).unwrap();
    for events in ["while-fitting", "finished"] {
        let trace = "members.dense.training.trace=1";
        ends(&["run", &config, "--out", &out, "--set", trace, "--tensorboard", &path(events)], 0);
        let read: Value = serde_json::from_slice(&python::run(&python, ["-c", READ, &path(events)])).unwrap();
        let fits: Vec<&String> = read.as_object().unwrap().keys().collect();
        assert_eq!(fits, ["booster/fold-1", "booster/fold-2", "dense/fold-1", "dense/fold-2"]);
        for fit in fits {
            let history = Path::new(&out).join("models").join(fit).join("history.json");
            assert_same(&read[fit], &recorded(&history), fit);
        }
        assert_eq!(read["dense/fold-1"]["by_iteration/loss"].as_array().unwrap().len(), 6);
    }
}

#[test]
fn a_folder_for_curves_that_cannot_be_made_is_refused_before_any_fit() {
    let temporary = tempfile::tempdir().unwrap();
    let (file, out) = (temporary.path().join("file"), temporary.path().join("run").display().to_string());
    fs::write(&file, "no folder").unwrap();
    let curves = file.join("curves").display().to_string();
    for command in [&["run"][..], &["train", "dense"]] {
        let said = ends(&[command, &["--out", &out, "--tensorboard", &curves]].concat(), 2);
        assert!(said.contains("--tensorboard") && said.contains(&curves), "{said}");
    }
    assert!(!Path::new(&out).exists());
}
