//! Lines in the log of a test that passes: skipped tests and measured figures.

use std::{fmt::Display, io::Write};

/// Writes a line past the test harness, which captures `eprintln!` and shows it only if the test fails.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
