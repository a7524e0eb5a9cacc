//! The report of a run.

use std::path::{Path, PathBuf};

use crate::{
    artifact::{
        Artifact, RunFailure,
        layout::{ArtifactKind, Fit},
        report_input,
    },
    config::RunConfig,
    report::{self, ReportOptions},
    storage::RunDirectory,
};

/// Draws the report of a directory that is being finished.
///
/// # Errors
/// A file that is missing or cannot be written.
pub(super) fn write(
    kind: &ArtifactKind,
    config: &RunConfig,
    fits: &[Fit],
    directory: &RunDirectory,
) -> Result<PathBuf, RunFailure> {
    let hash = directory.inventory()?.reproducible_hash();
    let input = report_input(directory.path(), kind, config, fits, hash)?;
    Ok(report::render(&input, &ReportOptions::default())?.write(directory)?)
}

/// Draws the report of a finished directory again.
///
/// # Errors
/// If the directory is not complete, damaged, or holds no models; a file that cannot be written.
pub fn draw_report(folder: &Path, options: ReportOptions) -> Result<PathBuf, RunFailure> {
    let artifact = Artifact::open_to_draw(folder)?;
    let hash = artifact.manifest().reproducible_hash();
    let input = report_input(folder, artifact.kind(), artifact.config(), artifact.fits(), hash)?;
    let report = report::render(&input, &options)?;
    Ok(report.write(&RunDirectory::open(folder, false)?)?)
}
