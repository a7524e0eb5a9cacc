//! A test that lacks a prerequisite says so, and fails where no test may be skipped.

use std::process::Command;

use crate::support::{program::text, skip};

/// Environment variable of the process in which the test below skips.
const ROLE: &str = "DIGITSTACK_TEST_SKIPS";

#[test]
fn a_skipped_test_says_so_and_fails_in_strict_mode() {
    if std::env::var_os(ROLE).is_some() {
        skip("something is missing");
        return;
    }
    for (mode, passes) in [("", true), ("lenient", true), ("strict", false)] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["skipping::a_skipped_test_says_so_and_fails_in_strict_mode", "--exact"])
            .env(ROLE, "1")
            .env("DIGITSTACK_TESTS", mode)
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.success(), passes, "{mode}: {said}");
        assert!(said.contains("something is missing"), "{mode}: {said}");
        assert_eq!(said.contains("1 passed"), passes, "{mode}: {said}");
    }
}
