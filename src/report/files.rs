//! A finished report: the page and its figures as files.

use std::path::PathBuf;

use crate::storage::{RunDirectory, StorageError};

/// Folder of the report in a run directory.
const FOLDER: &str = "report";
/// File name of the page.
pub(super) const PAGE: &str = "index.html";

/// Formats to write in addition to the page and the SVG figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOptions {
    /// True to write every figure as PNG as well.
    pub png: bool,
}

/// One file of a report.
#[derive(Clone, Debug)]
pub struct ReportFile {
    /// File name inside the report's folder.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// A finished report.
#[derive(Clone, Debug)]
pub struct Report {
    /// `index.html`, then the figures in the order of the page.
    pub files: Vec<ReportFile>,
}

impl Report {
    /// Writes every file into `report/` of a run, the page last; returns the path of the page.
    ///
    /// # Errors
    /// [`StorageError::Complete`] unless the run is under way or was reopened.
    pub fn write(&self, run: &RunDirectory) -> Result<PathBuf, StorageError> {
        for file in self.files.iter().rev() {
            run.write_atomic(&format!("{FOLDER}/{}", file.name), &file.bytes)?;
        }
        Ok(run.path().join(FOLDER).join(PAGE))
    }
}
