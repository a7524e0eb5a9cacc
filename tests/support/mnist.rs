//! The real MNIST, which the repository does not contain.

use std::path::PathBuf;

use super::{logging::say, skip};

/// Folder with MNIST's files that `DIGITSTACK_DATA` names; skips the test if it names none. With
/// `DIGITSTACK_WITHOUT=mnist`, which `.ci/run` sets where no mirror answers, that is no failure in strict mode either.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("DIGITSTACK_DATA").map(PathBuf::from);
    let is_excused = std::env::var_os("DIGITSTACK_WITHOUT").is_some_and(|without| without == "mnist");
    if folder.is_none() && is_excused {
        say("SKIPPED: MNIST is not to be had here");
    } else if folder.is_none() {
        skip("DIGITSTACK_DATA names no folder with MNIST");
    }
    folder
}
