//! Check of automatic gradients against central differences.
//!
//! A gradient that is wrong by a factor or in one element still trains a little, and does not show in learning curves.
//! Here every kind of layer, every activation and every loss is measured (`cases`), as operations of the CPU kernels
//! and as Burn's own, by differences of the function itself (`measure`). A new entry of one of the `ALL` lists is
//! measured automatically; a new kind of layer is a line in `cases`.

use serde::Serialize;

use super::{
    cases::{self, Case},
    measure::GRADIENT_TOLERANCE,
};
use crate::{
    device::ChosenDevice,
    nn::{error::NnError, network::config::NetworkConfig, train::config::TrainingConfig},
    progress::Progress,
    seed::Seed,
};

/// Result of the check of one function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientCheck {
    /// Layer, net or loss.
    pub what: String,
    /// `fused` (operations of the CPU kernels) or `plain` (Burn's).
    pub operations: &'static str,
    /// Array whose gradient has the largest error: a parameter, `images` or `outputs`.
    pub array: String,
    /// Largest relative error.
    pub error: f64,
    /// Whether the error is at most [`GRADIENT_TOLERANCE`].
    pub passed: bool,
}

/// Checks every kind of layer, every activation and every loss on this device, with each kind of operations that it
/// has.
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

/// Checks a net, with its width reduced if it is large, and its training loss.
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

pub(super) fn check(
    cases: &[Case],
    seed: Seed,
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<GradientCheck>, NnError> {
    let operations: &[&str] = if flex_kernels::available(device.device()) { &["fused", "plain"] } else { &["plain"] };
    let task = progress.task("gradients", (cases.len() * operations.len()) as u64, "functions");
    let mut found = Vec::new();
    for case in cases {
        let what = case.name();
        for &operations in operations {
            let measure = || case.largest_error(seed.derive(&what), device);
            let largest = if operations == "plain" { flex_kernels::with_plain_operations(measure) } else { measure() }?;
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
