//! Tests that look at their whole process, which they must not share with others.

use std::process::Command;

use super::program::text;

/// Environment variable that names the one test of a process.
const ROLE: &str = "DIGITSTACK_TEST_ALONE";

/// Runs the calling test a second time, in a process of its own. Returns `true` there, and `false`, once that process
/// has ended well, in the process that called first.
///
/// `name` is the test's path in its crate: `module::function`.
#[track_caller]
pub fn alone(name: &str) -> bool {
    if std::env::var_os(ROLE).is_some_and(|role| role == name) {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("this program's path"))
        .args([name, "--exact", "--test-threads=1"])
        .env(ROLE, name)
        .output()
        .expect("this program starts");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{name} in a process of its own: {said}");
    false
}
