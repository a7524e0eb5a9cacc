//! History and timing of a fit: one point for each epoch of a net, each tree of a booster or each iteration of a
//! regression.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// Observer of a fit: called with each point as it is recorded, on the fit's own thread; a break ends the fit there.
pub type Observe<'a> = dyn Fn(&HistoryPoint) -> ControlFlow<()> + Sync + 'a;

/// Losses and accuracies of one fit by step. Times differ from run to run and are in [`FitTiming`] instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Unit of a step: `"epoch"`, `"tree"`, `"iteration"` or `"fit"`.
    pub unit: String,
    /// Points in the order of their steps.
    pub points: Vec<HistoryPoint>,
    /// Step, from 1, whose weights the model has.
    pub best_step: Option<u32>,
    /// Points within the epochs of a net, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TracePoint>,
    /// Epoch, from 1, in which the loss of a net became NaN or infinite, and after which its fit ended with the weights
    /// from before that epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<u32>,
}

/// Mean loss and accuracy over a few iterations of a net's training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracePoint {
    /// Number of the last of the iterations, from 1; one batch is one iteration.
    pub iteration: u64,
    /// Mean training loss over the iterations.
    pub loss: f64,
    /// Fraction of their images that were classified correctly, 0 to 1.
    pub accuracy: f64,
}

/// Losses and accuracies of one epoch, tree or iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    /// Number of the step, from 1.
    pub step: u32,
    /// Mean training loss over the step.
    pub train_loss: Option<f64>,
    /// Fraction of the training images that were classified correctly during the step, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Loss on the validation images after the step.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation images after the step, 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Learning rate at the end of the step.
    pub learning_rate: Option<f64>,
}

/// Wall time of a fit and of its steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FitTiming {
    /// Wall time of the whole fit, in seconds.
    pub seconds: f64,
    /// Training images processed, over all epochs (or rows times trees).
    pub images: u64,
    /// Wall time of each step, in seconds.
    pub step_seconds: Vec<f64>,
    /// Part of `seconds` that a net waited for batches of its data loader.
    #[serde(default)]
    pub waiting_seconds: f64,
    /// Part of `seconds` that a net without loader threads (a fit on one thread) prepared its batches itself.
    #[serde(default)]
    pub preparing_seconds: f64,
}
