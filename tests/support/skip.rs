//! Tests that need something the machine lacks.

use std::fmt::Display;

use super::logging::say;

/// Environment variable that decides what a missing prerequisite means: `strict` fails the test, anything else skips
/// it.
const MODE: &str = "DIGITSTACK_TESTS";

/// Reports that the calling test is skipped, in full or in part; the caller then returns.
///
/// # Panics
/// With `DIGITSTACK_TESTS=strict`, which `.ci/run` sets: there a skipped test is a failed one.
#[track_caller]
pub fn skip(reason: impl Display) {
    let strict = std::env::var_os(MODE).is_some_and(|mode| mode == "strict");
    assert!(!strict, "skipped although {MODE} is `strict`: {reason}");
    say(format_args!("SKIPPED: {reason}"));
}
