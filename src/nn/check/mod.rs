//! Whether gradients are right: automatic ones against central differences.
//!
//! A gradient that is wrong by a factor or in one place still trains a little, and is not found by looking at curves.
//! Here every kind of layer, every activation and every loss is measured (`cases`), as fused operations of the CPU and
//! as Burn's own, by differences of the function itself (`measure`). A new entry of one of the `ALL` lists is measured
//! without a word here; a new kind of layer is a line in `cases`.

mod cases;
mod measure;
mod subject;

use serde::Serialize;

use super::{ChosenDevice, NetworkConfig, NnError, TrainingConfig, fused};
use crate::{progress::Progress, seed::Seed};

use cases::Case;

/// Largest relative error of a right gradient; a gradient that is wrong by a hundredth is at twice that.
pub const GRADIENT_TOLERANCE: f64 = 5e-3;

/// What was found for one function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientCheck {
    /// The layer, net or loss.
    pub what: String,
    /// `fused` (the CPU's own operations) or `plain` (Burn's).
    pub operations: &'static str,
    /// The parameter, or `images` or `outputs`, whose gradient has the largest error.
    pub array: String,
    /// That error, relative.
    pub error: f64,
    /// Whether it is at most [`GRADIENT_TOLERANCE`].
    pub passed: bool,
}

/// Every kind of layer, every activation and every loss on this device, on each kind of operations that it has.
///
/// # Errors
/// If the device fails.
pub fn check_gradients(
    seed: Seed,
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<GradientCheck>, NnError> {
    check(&cases::all(), seed, device, progress)
}

/// A net, shrunk in width if it is large, and the loss it is trained by.
///
/// # Errors
/// If the net cannot be built or the device fails.
pub fn check_member_gradients(
    name: &str,
    network: &NetworkConfig,
    training: &TrainingConfig,
    seed: Seed,
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<GradientCheck>, NnError> {
    let net = Case::Network(name.to_owned(), Box::new(network.shrunk()));
    let loss = Case::Loss { loss: training.loss, output: network.output(), targets: training.targets(), against: "" };
    check(&[net, loss], seed, device, progress)
}

fn check(
    cases: &[Case],
    seed: Seed,
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<GradientCheck>, NnError> {
    let operations: &[&str] = if fused::available(device.device()) { &["fused", "plain"] } else { &["plain"] };
    let task = progress.task("gradients", (cases.len() * operations.len()) as u64, "functions");
    let mut found = Vec::new();
    for case in cases {
        let what = case.name();
        for &operations in operations {
            let measure = || case.largest_error(seed.derive(&what), device);
            let largest = if operations == "plain" { fused::with_plain_operations(measure) } else { measure() }?;
            let passed = largest.error <= GRADIENT_TOLERANCE;
            found.push(GradientCheck {
                what: what.clone(),
                operations,
                array: largest.array,
                error: largest.error,
                passed,
            });
            task.advance(1);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
