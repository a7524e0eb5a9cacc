//! `digitstack config`, and shipped configurations by their names.

use std::fs;

use crate::support::program::{ends, json, on_cpu, program, text};

fn says(arguments: &[&str]) -> String {
    let output = on_cpu(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn every_shipped_configuration_is_listed_shown_copied_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let list = json(&["config", "list"]);
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"quickstart") && names.contains(&"tuning/reference") && names.len() >= 14, "{names:?}");
    let lines = says(&["config", "list"]);
    for name in names {
        assert!(lines.contains(name), "{name}");
        let shown = says(&["config", "show", name]);
        let file = folder.path().join(name.replace('/', "-")).with_extension("toml");
        let copied = json(&["config", "copy", name, file.to_str().unwrap()]);
        assert_eq!(copied["name"], name);
        assert_eq!(fs::read_to_string(&file).unwrap(), shown);
        let by_file = json(&["config", "check", file.to_str().unwrap()]);
        let by_name = json(&["config", "check", name]);
        for part in ["kind", "name", "members", "resolved"] {
            assert_eq!(by_file[part], by_name[part], "{name}: {part}");
        }
        assert_eq!(by_file["kind"] == "search", name.starts_with("tuning/"), "{name}");
    }
}

#[test]
fn a_copy_replaces_nothing_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| program().current_dir(folder.path()).args(arguments).output().unwrap();
    assert_eq!(run(&["config", "copy", "families/kaggle"]).status.code(), Some(0));
    let file = folder.path().join("kaggle.toml");
    fs::write(&file, "mine").unwrap();
    let refused = run(&["config", "copy", "kaggle"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("exists already"), "{}", text(&refused.stderr));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(run(&["config", "copy", "kaggle", "--force"]).status.code(), Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("name = \"kaggle\""));
    assert!(ends(&["config", "show", "nothing"], 2).contains("quickstart"));
}

#[test]
fn a_field_is_explained_with_type_default_allowed_values_and_meaning() {
    let said = says(&["config", "explain", "members.cnn.training.optimizer.adam.beta_2"]);
    for words in ["type: number", "default: 0.999", "Decay of the mean squared gradient"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = says(&["config", "explain", "pool"]);
    assert!(said.contains("\"max\"") && said.contains("\"average\"") && said.contains("Mean of the window"), "{said}");
    let all = says(&["config", "explain"]);
    assert!(all.lines().count() > 100 && all.contains("[data]"), "{all}");
    assert!(ends(&["config", "explain", "epoch"], 2).contains("did you mean"));
    let fields = json(&["config", "explain", "data.max_skipped"]);
    assert_eq!((fields[0]["default"].as_str(), fields[0]["type"].as_str()), (Some("0.01"), Some("number")));
    let schema: serde_json::Value = serde_json::from_str(&says(&["config", "explain", "--schema"])).unwrap();
    assert!(schema["properties"]["stacking"].is_object());
    assert!(says(&["config", "explain", "--markdown"]).starts_with("# Configuration"));
}

#[test]
fn a_check_says_what_a_run_would_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    let name = file.to_str().unwrap();
    for (text, set) in [
        ("name = \"x\"\n[stacking]\nfolds = 1\n[[members]]\nname = \"d\"\nkind = \"dense\"\n", "seed=2"),
        ("name = \"x\"\n[[members]]\nname = \"d\"\nkind = \"dense\"\n", "stacking.folds=99"),
        ("name = ", "seed=2"),
        ("name = \"x\"\n[[members]]\nname = \"d\"\nkind = \"dense\"\n[[stages]]\nname = \"s\"\n", "seed=2"),
    ] {
        fs::write(&file, text).unwrap();
        let command = if text.contains("stages") { "tune" } else { "run" };
        let checked = ends(&["config", "check", name, "--set", set], 2);
        assert_eq!(checked, ends(&[command, name, "--set", set], 2));
    }
    assert!(ends(&["config", "check", "no-such.toml"], 2).contains("no-such.toml"));
    assert!(ends(&["config", "list", "--set", "seed=1"], 2).contains("no effect"));
    let said = says(&["config", "check", "quickstart", "--set", "stacking.folds=3"]);
    assert!(said.contains("for `digitstack run`") && said.contains("3 folds") && said.contains("cnn"), "{said}");
}

#[test]
fn a_shipped_configuration_runs_by_its_name_where_no_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| program().current_dir(folder.path()).args(arguments).output().unwrap();
    for name in ["quickstart", "configs/quickstart.toml"] {
        let output = run(&["data", "info", name, "--set", "data.train=300", "--set", "data.test=50", "--json"]);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(info["train"]["images"].as_u64(), Some(300));
    }
    // A file comes first, and a file that is named and missing is not made up for.
    fs::write(folder.path().join("quickstart"), "name = ").unwrap();
    let output = run(&["data", "info", "quickstart"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("quickstart is not valid TOML"), "{}", text(&output.stderr));
    for missing in ["quickstart.toml", "elsewhere/quickstart", "tuning/quick"] {
        let output = run(&["run", missing]);
        assert_eq!(output.status.code(), Some(2), "{missing}");
        let said = text(&output.stderr);
        assert!(said.contains(missing) && said.contains("mnist-cpu"), "{said}");
    }
}
