//! A finished report: the page and its figures as files.

use std::path::PathBuf;

use crate::storage::{REPORT, RunDirectory, StorageError};

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
    /// Writes every file into the folder `report/` of a run, which replaces an earlier one as a whole; returns the path
    /// of the page. The run may be complete: its manifest does not change.
    ///
    /// # Errors
    /// If a file cannot be written; the earlier report is kept then.
    pub fn write(&self, run: &RunDirectory) -> Result<PathBuf, StorageError> {
        let folder = run.begin_derived(REPORT)?;
        for file in &self.files {
            folder.write(&file.name, &file.bytes)?;
        }
        Ok(folder.commit()?.folder().join(PAGE))
    }
}
