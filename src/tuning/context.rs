//! The resources of a search.

use std::path::Path;

use crate::{
    device::ChosenDevice,
    progress::{Cancel, Progress},
};

/// Device, threads and observers of a search, shared by all of its fits.
pub struct StudyContext<'a> {
    /// Device that nets are trained on.
    pub device: &'a ChosenDevice,
    /// CPU threads, at least 1.
    pub threads: usize,
    /// Fits at the same time, each with an equal part of the threads. `None`: as many as there are threads and fits.
    /// No result depends on it.
    pub workers: Option<usize>,
    /// Receives stages and trials.
    pub progress: &'a dyn Progress,
    /// Asked between steps whether the search is to stop.
    pub cancel: &'a Cancel,
    /// Folder for the checkpoints of unfinished fits.
    pub scratch: &'a Path,
}

impl StudyContext<'_> {
    /// Returns the number of workers for `fits` fits and the threads of each. Fits on a GPU run one after the other.
    pub(super) fn share(&self, fits: usize, on_device: bool) -> (usize, usize) {
        if on_device && !self.device.is_cpu() {
            return (1, 1);
        }
        let workers = self.workers.unwrap_or(self.threads).min(fits).max(1);
        (workers, (self.threads / workers).max(1))
    }
}
