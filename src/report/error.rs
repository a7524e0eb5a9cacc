//! Errors of the report.

/// Reason why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A part of the input cannot be drawn.
    #[error("cannot draw {figure}: {problem}")]
    Input {
        /// Figure or table.
        figure: String,
        /// Value that was found and what was expected.
        problem: String,
    },
    /// The template of the page failed.
    #[error("cannot fill in the template of the report page: {0}")]
    Page(#[from] askama::Error),
    /// A figure could not be converted to PNG.
    #[error("cannot convert {figure} to PNG: {problem}")]
    Raster {
        /// File name of the figure.
        figure: String,
        /// Reason given by the renderer.
        problem: String,
    },
    /// The files could not be written.
    #[error(transparent)]
    Run(#[from] crate::storage::StorageError),
}

impl ReportError {
    /// Makes a [`ReportError::Input`].
    pub(super) fn input(figure: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Input { figure: figure.into(), problem: problem.into() }
    }
}
