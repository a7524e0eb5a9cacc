//! The environment variables that the program reads: checked before any command begins.

use std::{ffi::OsStr, path::Path};

use super::{failure::UsageError, options::MAX_THREADS};
use crate::data::mnist::FOLDER_VARIABLE;

/// Number of threads where `--threads` gives none; the library that divides the work reads it.
const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";

/// Refuses values that would be ignored: of `DIGITSTACK_SIMD`, `DIGITSTACK_DATA` and `RAYON_NUM_THREADS`. A variable
/// that is set to nothing counts as unset.
///
/// # Errors
/// Names the variable, its value and what is allowed.
pub(super) fn check() -> Result<(), UsageError> {
    flex_kernels::check_instructions().map_err(UsageError)?;
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = value(FOLDER_VARIABLE) {
        check_folder(&folder)?;
    }
    if let Some(threads) = value(THREADS_VARIABLE) {
        check_threads(&threads)?;
    }
    Ok(())
}

fn check_folder(value: &OsStr) -> Result<(), UsageError> {
    let folder = Path::new(value);
    if folder.is_dir() {
        return Ok(());
    }
    let found = folder.display();
    let problem = "expected a folder with MNIST's files, or nothing to download them";
    Err(UsageError(format!("{FOLDER_VARIABLE}: found {found}, which is no folder; {problem}")))
}

fn check_threads(value: &OsStr) -> Result<(), UsageError> {
    let count = value.to_str().and_then(|text| text.parse::<usize>().ok());
    match count.filter(|count| (0..=MAX_THREADS).contains(count)) {
        Some(_) => Ok(()),
        None => Err(UsageError(format!(
            "{THREADS_VARIABLE}: found {value:?}, expected a whole number from 1 to {MAX_THREADS}, or 0 for all cores"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_none_and_impossible_numbers_of_threads_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        check_folder(folder.path().as_os_str()).unwrap();
        let problem = check_folder(folder.path().join("none").as_os_str()).unwrap_err().to_string();
        assert!(problem.starts_with("DIGITSTACK_DATA: found ") && problem.contains("none"), "{problem}");
        for good in ["0", "1", "1024"] {
            check_threads(OsStr::new(good)).unwrap();
        }
        for bad in ["1025", "-1", "two", "1.5"] {
            let problem = check_threads(OsStr::new(bad)).unwrap_err().to_string();
            assert!(problem.contains(bad) && problem.contains("1 to 1024"), "{problem}");
        }
    }
}
