//! Why a report could not be made.

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Something in the input cannot be drawn.
    #[error("cannot draw {figure}: {problem}")]
    Input {
        /// The figure or table.
        figure: String,
        /// What was found and expected.
        problem: String,
    },
    /// The page's template failed.
    #[error("cannot fill in the report's page: {0}")]
    Page(#[from] askama::Error),
    /// A figure could not be turned into a PNG.
    #[error("cannot rasterise {figure}: {problem}")]
    Raster {
        /// The figure's file name.
        figure: String,
        /// Why not.
        problem: String,
    },
    /// The files could not be written.
    #[error(transparent)]
    Run(#[from] crate::storage::StorageError),
}
