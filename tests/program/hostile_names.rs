//! Names that hold control characters, and environment variables with values that mean nothing.
#![cfg(unix)]

use std::{fs, path::Path, process::Output};

use crate::{
    standard_output::one,
    support::{
        configurations::TINY_CONFIG,
        program::{program, text},
        trained::tiny_run,
    },
};

/// Clears the screen, forges a line, sets the title, turns the direction of writing; with the one-character form of ESC [.
const NAME: &str = "a\u{1b}[2Jb\rc\nerror: forged\u{7}\u{9b}31m\u{202e}z";

/// Checks that nothing on either stream speaks to a terminal.
#[track_caller]
fn assert_plain(what: &str, output: &Output) {
    for stream in [text(&output.stdout), text(&output.stderr)] {
        let harmful = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!stream.contains(harmful), "{what}: {stream:?}");
        assert!(!stream.lines().any(|line| line.starts_with("error: forged")), "{what}: {stream:?}");
        assert!(!stream.contains("panicked"), "{what}: {stream}");
    }
}

#[test]
fn no_message_with_a_hostile_name_holds_a_control_character() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(NAME);
    fs::create_dir(&folder).unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    one(Path::new(&at("one.png")));
    fs::write(at(&format!("{NAME}.png")), "no picture").unwrap();
    fs::write(at("tiny.toml"), TINY_CONFIG).unwrap();
    fs::write(at("wrong.toml"), format!("name = {NAME:?}\n[[members]]\nname = \"d\"\nkind = \"dense\"\n")).unwrap();
    fs::write(at("broken.toml"), format!("name = \"x\n{NAME}")).unwrap();
    fs::write(at("table.csv"), format!("{NAME},1,2\n")).unwrap();
    let run = tiny_run().to_str().unwrap();
    let (hostile, out, base) = (at(&format!("{NAME}.png")), at("out.csv"), folder.to_str().unwrap());
    let (wrong, broken, tiny, table) = (at("wrong.toml"), at("broken.toml"), at("tiny.toml"), at("table.csv"));
    let train = at("train");
    for (arguments, code) in [
        (&["predict", run, base][..], 1),
        (&["predict", run, base, "--json"], 1),
        (&["predict", run, &hostile], 1),
        (&["predict", run, base, "--out", &out], 0),
        (&["predict", run, base, "--out", "-"], 0),
        (&["predict", run, base, "--out", &out], 2),
        (&["predict", run, "--csv", &table, "--out", "-"], 1),
        (&["predict", NAME, &hostile], 1),
        (&["predict", run, "--model", NAME, &hostile], 2),
        (&["run", &wrong], 2),
        (&["run", &broken], 2),
        (&["run", NAME], 2),
        (&["run", "--set", NAME], 2),
        (&["run", "--set", &format!("data.source={NAME}")], 2),
        (&["config", "check", &wrong], 2),
        (&["config", "check", &tiny], 0),
        (&["config", "show", NAME], 2),
        (&["config", "explain", NAME], 2),
        (&["train", NAME], 2),
        (&["train", "dense", &tiny, "--out", &train], 0),
        (&["data", "info", "--data", base], 2),
        (&["data", "info", "--data", &table], 1),
        (&["evaluate", base], 1),
        (&["report", base], 1),
        (&["export", run, NAME, "--format", "onnx"], 2),
        (&["leaderboard", base], 0),
        (&["import", &hostile, "--model", "cnn", "--out", &at("x")], 1),
        (&["predict", run, &format!("--{NAME}")], 2),
        (&["run", "--device", NAME], 2),
    ] {
        let output = program().args(arguments).env("NO_COLOR", "1").output().unwrap();
        assert_plain(&format!("{arguments:?}"), &output);
        let found = output.status.code();
        assert!(found == Some(code) || found == Some(1) || found == Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(found == Some(0), code == 0, "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn environment_variables_that_mean_nothing_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    for (variable, value, words) in [
        ("DIGITSTACK_SIMD", "bogus", "portable"),
        ("DIGITSTACK_SIMD", "AVX2", "portable"),
        ("DIGITSTACK_DATA", missing.to_str().unwrap(), "expected a folder"),
        ("RAYON_NUM_THREADS", "many", "expected a whole number from 1 to 1024"),
        ("RAYON_NUM_THREADS", "5000", "expected a whole number from 1 to 1024"),
    ] {
        let output = program().args(["config", "list"]).env(variable, value).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}={value}: {said}");
        assert!(said.contains(variable) && said.contains(value) && said.contains(words), "{said}");
    }
    for (variable, value) in [
        ("DIGITSTACK_SIMD", ""),
        ("DIGITSTACK_SIMD", "portable"),
        ("DIGITSTACK_DATA", ""),
        ("DIGITSTACK_DATA", root.path().to_str().unwrap()),
        ("RAYON_NUM_THREADS", "2"),
    ] {
        let output = program().args(["config", "list"]).env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{variable}={value}: {}", text(&output.stderr));
    }
}
