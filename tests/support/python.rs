//! A Python interpreter with the packages that a test compares with.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use super::skip;

/// Interpreter with all `packages` (comma-separated): `DIGITSTACK_PYTHON`, otherwise `python3`. Skips the test if a
/// package is missing.
pub fn with(packages: &str) -> Option<PathBuf> {
    let python = std::env::var_os("DIGITSTACK_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let found = Command::new(&python)
        .args(["-c", &format!("import {packages}")])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        skip(format_args!(
            "{} lacks one of the packages {packages}; set DIGITSTACK_PYTHON to a Python that has them",
            python.display()
        ));
    }
    found.then_some(python)
}

/// Runs the interpreter, which must succeed, and returns its standard output.
#[track_caller]
pub fn run(python: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Vec<u8> {
    let output = Command::new(python).args(arguments).env("TZ", "UTC").output().expect("the interpreter starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
