//! Environment variables that stand for options.

use std::process::Output;

use crate::support::program::{program, text};

fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    program().args(arguments).envs(variables.iter().copied()).output().expect("the program starts")
}

fn is_json(output: &Output) -> bool {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).starts_with(['{', '['])
}

#[test]
fn a_variable_stands_for_an_option_and_the_command_line_goes_before_it() {
    for (value, expected) in [("true", true), ("1", true), ("off", false), ("", false)] {
        assert_eq!(is_json(&with(&[("DIGITSTACK_JSON", value)], &["config", "list"])), expected, "{value}");
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mine.toml");
    let config = config.to_str().unwrap();
    assert!(with(&[], &["config", "copy", "quickstart", config]).status.success());
    // One KEY=VALUE on each line; both must be right, so both are read.
    let set = "members.cnn.training.epochs=3\nstacking.folds=3";
    let check = ["config", "check", config];
    assert!(with(&[("DIGITSTACK_SET", set)], &check).status.success());
    for wrong in ["stacking.folds=1", "members.cnn.training.epochs=3\nstacking.folds=1"] {
        let output = with(&[("DIGITSTACK_SET", wrong)], &check);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains("expected 2 to 20"), "{wrong}");
    }
    // Refused as an option, ignored as a variable: it is set for the commands that have a use for it.
    assert_eq!(with(&[], &["devices", "--seed", "3"]).status.code(), Some(2));
    assert!(with(&[("DIGITSTACK_SEED", "3"), ("DIGITSTACK_SET", "a=1")], &["devices"]).status.success());
    // The variable of a global option has no command in its name.
    assert!(with(&[("DIGITSTACK_DEVICES_SEED", "none")], &["devices"]).status.success());
    // What contradicts the command line gives way; a variable of another command is not looked at.
    let quiet = [("DIGITSTACK_QUIET", "true"), ("DIGITSTACK_SERVE_PORT", "none")];
    assert!(with(&quiet, &["config", "list", "--verbose"]).status.success());
}

#[test]
fn a_wrong_value_names_its_variable() {
    for (variable, value, arguments) in [
        ("DIGITSTACK_THREADS", "many", &["config", "list"][..]),
        ("DIGITSTACK_JSON", "perhaps", &["config", "list"]),
        ("DIGITSTACK_SERVE_PORT", "65536", &["serve"]),
        ("DIGITSTACK_TUNE_EXPORT", "xml", &["tune"]),
        ("DIGITSTACK_DATA_SPLIT_TRAIN", "0", &["data", "split", "out"]),
        ("DIGITSTACK_THREADS", "\u{1b}[2J\nerror: forged", &["config", "list"]),
    ] {
        let output = with(&[(variable, value)], arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}: {said}");
        assert!(said.contains(&format!("environment: {variable}")), "{said}");
        assert!(!said.contains('\u{1b}') && !said.contains("\nerror: forged"), "{said:?}");
    }
    let both = [("DIGITSTACK_THREADS", "many"), ("DIGITSTACK_JSON", "perhaps")];
    let said = text(&with(&both, &["config", "list"]).stderr);
    assert!(said.contains("DIGITSTACK_THREADS") && said.contains("DIGITSTACK_JSON"), "{said}");
    let both = [("DIGITSTACK_QUIET", "1"), ("DIGITSTACK_VERBOSE", "1")];
    let said = text(&with(&both, &["config", "list"]).stderr);
    assert!(said.contains("DIGITSTACK_QUIET") && said.contains("DIGITSTACK_VERBOSE"), "{said}");
}
