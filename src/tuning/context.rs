//! The resources of a search.

use std::path::Path;

use crate::fit::FitContext;

/// Context of a search: that of its fits, and what only the search as a whole needs.
#[derive(Clone, Copy)]
pub struct StudyContext<'a> {
    /// Context from which that of each fit derives.
    pub fit: FitContext<'a>,
    /// Fits at the same time, each with an equal part of the threads. `None`: as many as there are threads and fits.
    /// No result depends on it.
    pub workers: Option<usize>,
    /// Folder for the checkpoints of unfinished fits.
    pub scratch: &'a Path,
}

impl StudyContext<'_> {
    /// Returns the number of workers for `fits` fits and the threads of each. Fits on a GPU run one after the other.
    pub(super) fn share(&self, fits: usize, on_device: bool) -> (usize, usize) {
        if on_device && !self.fit.device.is_cpu() {
            return (1, 1);
        }
        let workers = self.workers.unwrap_or(self.fit.threads).min(fits).max(1);
        (workers, (self.fit.threads / workers).max(1))
    }
}
