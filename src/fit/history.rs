//! What a fit records while it runs: one point for each epoch of a net, each tree of a booster or each iteration of a
//! regression.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// Sees each point of a fit as it is recorded and may ask the fit to end there. Called from the fit's own thread.
pub type Observe<'a> = dyn Fn(&HistoryPoint) -> ControlFlow<()> + Sync + 'a;

/// The course of one fit. Holds no times: those differ from run to run and live in [`FitTiming`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What a point stands for: `"epoch"`, `"tree"`, `"iteration"` or `"fit"`.
    pub unit: String,
    /// In order.
    pub points: Vec<HistoryPoint>,
    /// The step (1-based, as in [`HistoryPoint::step`]) whose weights were kept.
    pub best_step: Option<u32>,
    /// Points between the others, for a net that was asked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TracePoint>,
}

/// A few iterations of a net's training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracePoint {
    /// The last of them, counted from 1: one batch is one iteration.
    pub iteration: u64,
    /// Mean training loss over them.
    pub loss: f64,
    /// Share of their images classified correctly, 0 to 1.
    pub accuracy: f64,
}

/// One epoch, tree or iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    /// Counted from 1.
    pub step: u32,
    /// Mean training loss over the step.
    pub train_loss: Option<f64>,
    /// Share of training images classified correctly during the step, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Loss on the validation images after the step.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation images after the step, 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Learning rate at the end of the step.
    pub learning_rate: Option<f64>,
}

/// How long a fit took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FitTiming {
    /// Wall time of the whole fit, in seconds.
    pub seconds: f64,
    /// Training images seen, over all epochs (or rows times trees).
    pub images: u64,
    /// Wall time of each step, in seconds.
    pub step_seconds: Vec<f64>,
    /// The part of `seconds` that a net waited for batches of its worker threads.
    #[serde(default)]
    pub waiting_seconds: f64,
    /// The part of `seconds` that a net without worker threads (a fit on one thread) made its batches itself.
    #[serde(default)]
    pub preparing_seconds: f64,
}
