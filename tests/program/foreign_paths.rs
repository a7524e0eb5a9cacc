//! Paths that are not UTF-8, as file systems hold them: every command that takes a path works on them.
#![cfg(target_os = "linux")]

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use crate::{
    standard_output::{SEARCH, one},
    support::{
        configurations::TINY_CONFIG,
        program::{program, text},
        trained::{copy, tiny_run},
    },
};

/// `café` in Latin-1.
const NAME: &[u8] = b"caf\xe9";

/// Runs a command whose words are divided by spaces; `%` in a word stands for the folder, whose name is not UTF-8.
#[track_caller]
fn ends(line: &str, folder: &Path, code: i32) -> String {
    let arguments: Vec<OsString> = line
        .split_whitespace()
        .map(|word| match word.strip_prefix('%') {
            Some(rest) => {
                let mut path = folder.as_os_str().to_owned();
                path.push(rest);
                path
            }
            None => word.into(),
        })
        .collect();
    let output = program().args(arguments).args(["--device", "cpu"]).output().unwrap();
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "digitstack {line}: {said}");
    assert_eq!(output.status.code(), Some(code), "digitstack {line}: {said}");
    text(&output.stdout)
}

#[test]
fn every_command_takes_paths_that_are_not_utf_8() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = &temporary.path().join(OsStr::from_bytes(NAME));
    fs::create_dir(folder).unwrap();
    copy(tiny_run(), &folder.join("run"));
    fs::write(folder.join("tiny.toml"), TINY_CONFIG).unwrap();
    fs::write(folder.join("search.toml"), SEARCH).unwrap();
    one(&folder.join("one.png"));
    for line in [
        "data split %/tables %/tiny.toml --train 120 --test 30 --json",
        "data info %/tiny.toml --data %/tables --json",
        "data show --data %/tables --out %/sheet.png --json",
        "run %/tiny.toml --data %/tables --out %/small --json",
        "evaluate %/run --data %/tables --json",
        "predict %/run %/one.png --json",
        "predict %/run %/one.png --out %/guesses.csv --json",
        "config copy quickstart %/copy.toml --json",
        "config check %/copy.toml --json",
        "predict %/run --csv %/tables/test.csv --out %/answers.csv --answers %/tables/test-labels.csv --json",
        "report %/small --png --json",
        "train dense %/tiny.toml --data %/tables --out %/dense --json",
        "export %/dense dense --format safetensors --out %/dense.safetensors --json",
        "import %/dense.safetensors --data %/tables --out %/again --json",
        "import %/dense.safetensors --config %/tiny.toml --model dense --out %/once-more --json",
        "tune %/search.toml --data %/tables --out %/search --json",
        "tune %/search.toml --out %/search --status --json",
        "leaderboard % %/tables --out %/board.svg --json",
        "check overfit --data %/tables --member dense --json",
        "check gradients %/tiny.toml --json",
        "bench booster --data %/tables --images 100 --trees 1 --json",
        "bench imaging --data %/tables --seconds 0.01 --json",
    ] {
        let result = ends(line, folder, 0);
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&result);
        assert!(parsed.is_ok(), "digitstack {line}: {result}");
    }
    ends("tune %/search.toml --out %/search --export csv", folder, 0);
    // What the search wrote is a configuration like any other.
    ends("train net %/search/best.toml --data %/tables --out %/net", folder, 0);
    // Nothing of that name is there; a folder that cannot be made.
    ends("serve %/nothing --port 0", folder, 1);
    ends("data fetch --data %/one.png", folder, 1);
}

#[test]
fn an_interrupted_fit_goes_on_in_a_folder_whose_name_is_not_utf_8() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = &temporary.path().join(OsStr::from_bytes(NAME));
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("tiny.toml"), TINY_CONFIG).unwrap();
    ends("run %/tiny.toml --out %/run", folder, 0);
    let environment = fs::read_to_string(folder.join("run/environment.json")).unwrap();
    assert!(environment.contains("caf\u{fffd}/run"), "{environment}");
    fs::remove_file(folder.join("run/manifest.json")).unwrap();
    ends("run %/tiny.toml --out %/run", folder, 0);
    ends("run %/tiny.toml --out %/run", folder, 0);
}
