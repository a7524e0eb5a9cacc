//! The context of a fit: everything that is no setting of the model.

use std::path::Path;

use super::{cancel::Cancel, history::Observe, jobs::JobContext, shared::Shared, tensorboard::EventFolder};
use crate::{device::ChosenDevice, progress::Progress, seed::Seed};

/// Seed, resources and observers of one fit, whatever the model.
///
/// The same data, settings, seed and build give the same model on a CPU; nothing else in the context changes a result.
#[derive(Clone, Copy)]
pub struct FitContext<'a> {
    /// Seed from which every draw of the fit derives.
    pub seed: Seed,
    /// Device on which nets are computed; other models always use the CPU.
    pub device: &'a ChosenDevice,
    /// CPU threads that the fit may keep busy, 1 or more. It runs on its caller's rayon pool, which has as many.
    pub threads: usize,
    /// Receiver of progress bars and messages.
    pub progress: &'a dyn Progress,
    /// Name of the fit on progress bars and in errors: `cnn, fold 2`.
    pub label: &'a str,
    /// Request to stop, polled between steps.
    pub cancel: &'a Cancel,
    /// File in which the fit may keep its state, to resume after an interruption. It stays when the fit is done.
    pub checkpoint: Option<&'a Path>,
    /// Called with every validated step; a break ends the fit as if it was cancelled, and its checkpoint stays. A fit
    /// that resumes from a checkpoint shows it the earlier steps first.
    pub observe: Option<&'a Observe<'a>>,
    /// Folder for event files of the fits of a run.
    pub events: Option<&'a EventFolder>,
    /// Cache shared with other fits on the very same training images.
    pub shared: Option<&'a Shared>,
    /// Answer of a net's fit to a loss that became NaN or infinite.
    pub on_divergence: OnDivergence,
}

/// Answer of a net's fit to a loss that became NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDivergence {
    /// The fit fails.
    Fail,
    /// The fit ends with the weights of the last epoch before, or those that it began with, and its history says so.
    KeepLastFinite,
}

impl<'a> FitContext<'a> {
    /// Creates a context with seed 0, an empty label, and neither checkpoint, observer, event files nor cache.
    pub fn new(device: &'a ChosenDevice, threads: usize, progress: &'a dyn Progress, cancel: &'a Cancel) -> Self {
        Self {
            seed: Seed(0),
            device,
            threads,
            progress,
            label: "",
            cancel,
            checkpoint: None,
            observe: None,
            events: None,
            shared: None,
            on_divergence: OnDivergence::Fail,
        }
    }

    /// Replaces the seed.
    #[must_use]
    pub fn seeded(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// Replaces the label.
    #[must_use]
    pub fn labelled(self, label: &'a str) -> Self {
        Self { label, ..self }
    }

    /// Replaces the number of CPU threads.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Replaces the receiver of progress.
    #[must_use]
    pub fn with_progress(self, progress: &'a dyn Progress) -> Self {
        Self { progress, ..self }
    }

    /// Replaces the number of threads and the request to stop by those of a job.
    #[must_use]
    pub fn in_job(self, job: &'a JobContext) -> Self {
        Self { threads: job.threads, cancel: &job.cancel, ..self }
    }

    /// Replaces the checkpoint file.
    #[must_use]
    pub fn checkpointed(self, checkpoint: Option<&'a Path>) -> Self {
        Self { checkpoint, ..self }
    }

    /// Replaces the observer.
    #[must_use]
    pub fn observed(self, observe: Option<&'a Observe<'a>>) -> Self {
        Self { observe, ..self }
    }

    /// Replaces the folder for event files.
    #[must_use]
    pub fn recorded(self, events: Option<&'a EventFolder>) -> Self {
        Self { events, ..self }
    }

    /// Replaces the answer to a divergence.
    #[must_use]
    pub fn on_divergence(self, on_divergence: OnDivergence) -> Self {
        Self { on_divergence, ..self }
    }

    /// Replaces the cache.
    #[must_use]
    pub fn sharing(self, shared: Option<&'a Shared>) -> Self {
        Self { shared, ..self }
    }
}
