//! The verdict's models in a directory.

use std::path::Path;

use super::{
    failure::RunFailure,
    layout::{DETECTOR, DETECTOR_THRESHOLD, VERDICT},
};
use crate::{
    device::ChosenDevice,
    storage,
    verdict::{Judge, JudgeParameters, OutOfDistributionDetector, Temperature, detector_learner},
};

/// Loaded models of the verdict.
pub(super) struct VerdictModels {
    parameters: JudgeParameters,
    detector: Option<OutOfDistributionDetector>,
}

impl VerdictModels {
    /// Loads those of a verified directory. There is no detector if the training digits were too few for one.
    pub(super) fn load(folder: &Path, device: &ChosenDevice) -> Result<Self, RunFailure> {
        let parameters = storage::read_json(&folder.join(VERDICT))?;
        let detector = folder.join(DETECTOR);
        let detector = match detector.exists() {
            true => Some(OutOfDistributionDetector {
                classifier: detector_learner()?.load(&detector, device)?,
                threshold: storage::read_json(&detector.join(DETECTOR_THRESHOLD))?,
            }),
            false => None,
        };
        Ok(Self { parameters, detector })
    }

    /// Calibration of the answering model's probabilities.
    pub(super) fn temperature(&self) -> Temperature {
        self.parameters.temperature()
    }

    /// A judge for one thread.
    pub(super) fn judge(&self) -> Result<Judge, RunFailure> {
        Ok(Judge::new(self.parameters.clone(), self.detector.as_ref())?)
    }
}
