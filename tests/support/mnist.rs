//! The real MNIST, which the repository does not contain.

use std::path::PathBuf;

use super::skip;

/// Folder with MNIST's files that `DIGITSTACK_DATA` names; skips the test if it names none.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("DIGITSTACK_DATA").map(PathBuf::from);
    if folder.is_none() {
        skip("DIGITSTACK_DATA names no folder with MNIST");
    }
    folder
}
