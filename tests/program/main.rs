//! Guarantees of the program as its users run it: words, exit codes, files.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod commands;
mod configurations;
mod curves;
mod faults;
#[cfg(unix)]
mod files;
mod findings;
mod finished;
mod folders;
mod foreign_paths;
mod hostile_names;
mod kills;
mod leaderboard;
mod man;
mod model_files;
mod net_checks;
mod numbers;
mod packaging;
mod pictures;
mod resumed_answers;
mod search;
mod standard_output;
#[allow(dead_code, unused_imports, reason = "each test program uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod variables;
