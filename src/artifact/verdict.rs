//! The verdict's models in a directory.

use std::path::Path;

use super::{
    RunFailure,
    layout::{DETECTOR, DETECTOR_BOUND, VERDICT},
};
use crate::{
    device::ChosenDevice,
    storage,
    verdict::{Bounds, Guard, Judge, guard_learner},
};

/// Loaded models of the verdict.
pub(super) struct VerdictModels {
    bounds: Bounds,
    detector: Option<Guard>,
}

impl VerdictModels {
    /// Loads those of a verified directory. There is no detector if the training digits were too few for one.
    pub(super) fn load(folder: &Path, device: &ChosenDevice) -> Result<Self, RunFailure> {
        let bounds = storage::read_json(&folder.join(VERDICT))?;
        let detector = folder.join(DETECTOR);
        let detector = match detector.exists() {
            true => Some(Guard {
                classifier: guard_learner()?.load(&detector, device)?,
                bound: storage::read_json(&detector.join(DETECTOR_BOUND))?,
            }),
            false => None,
        };
        Ok(Self { bounds, detector })
    }

    /// A judge for one thread.
    pub(super) fn judge(&self) -> Result<Judge, RunFailure> {
        Ok(Judge::new(self.bounds.clone(), self.detector.as_ref())?)
    }
}
