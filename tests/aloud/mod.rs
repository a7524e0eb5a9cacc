//! Words that reach the log of a test that passes: what was skipped, and figures.

use std::{fmt::Display, io::Write};

/// Writes a line past the test harness, which keeps what `eprintln!` says to itself unless the test fails.
pub fn say(words: impl Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
