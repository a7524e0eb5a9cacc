//! Device, threads, progress and cancellation of one command's work.

use std::sync::Arc;

use crate::{
    device::{self, ChosenDevice, DeviceChoice},
    pipeline::Work,
    progress::{Cancel, Progress},
};

/// Owner of what the library borrows for its work.
pub(super) struct Resources {
    pub(super) device: ChosenDevice,
    pub(super) progress: Arc<dyn Progress>,
    cancel: Cancel,
}

impl Resources {
    /// Opens a device.
    ///
    /// # Errors
    /// If there is no such device, or it does not answer.
    pub(super) fn open(choice: &DeviceChoice, progress: Arc<dyn Progress>, cancel: Cancel) -> anyhow::Result<Self> {
        Ok(Self { device: device::resolve(choice)?, progress, cancel })
    }

    /// The resources as the library takes them, with every CPU thread.
    pub(super) fn work(&self) -> Work<'_> {
        Work {
            device: &self.device,
            threads: rayon::current_num_threads(),
            progress: self.progress.as_ref(),
            cancel: &self.cancel,
        }
    }
}
