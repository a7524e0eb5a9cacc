//! `timings.json`.

use serde::{Deserialize, Serialize};

use crate::fit::FitTiming;

/// Durations of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Wall time of the process that finished the run, in seconds.
    pub seconds: f64,
    /// Its stages, in order.
    pub stages: Vec<StageTiming>,
    /// Every fit, whichever process did it.
    pub fits: Vec<NamedTiming>,
}

/// Duration of a stage in the process that finished the run; fits of an earlier process count 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageTiming {
    /// Name of the stage.
    pub name: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Images that went through it; each pass counts.
    pub images: u64,
}

/// Duration of a fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedTiming {
    /// Folder of the fit: `models/cnn/fold-1`.
    pub name: String,
    /// Its duration.
    #[serde(flatten)]
    pub timing: FitTiming,
}
