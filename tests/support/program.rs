//! `digitstack` as a process: started, and read.

use std::process::{Command, Output};

use serde_json::Value;

/// Command that starts the `digitstack` binary of this build.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_digitstack"))
}

/// Runs `digitstack` to its end.
pub fn digitstack(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program starts")
}

/// Runs `digitstack` to its end with `--device cpu`.
pub fn on_cpu(arguments: &[&str]) -> Output {
    program().args(arguments).args(["--device", "cpu"]).output().expect("the program starts")
}

/// Text of an output stream.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `digitstack` on the CPU, checks its exit code, and returns its standard error.
#[track_caller]
pub fn ends(arguments: &[&str], code: i32) -> String {
    let output = on_cpu(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    said
}

/// Runs `digitstack --json` on the CPU, which must succeed, and returns its result.
#[track_caller]
pub fn json(arguments: &[&str]) -> Value {
    let output = on_cpu(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}
