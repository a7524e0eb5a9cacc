//! `digitstack devices`.

use clap::Args;

use super::session::Session;
use crate::device;

const HELP: &str = "\
On a GPU, the training and validation images of a net stay in the device's memory. Of a member's `augment` steps the \
GPU computes `affine`, `elastic`, and `affine` directly followed by `elastic` (so also the preset `light`), with \
random numbers drawn by the CPU. Any other list of steps, such as the preset `strong`, is computed by the CPU, which then \
sends the pixels of every batch.

Examples:
  digitstack devices
  digitstack devices --json";

/// List the devices found, and the one that --device auto chooses
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct DevicesArguments {}

impl DevicesArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let found = device::list();
        output.json(&found)?;
        for device in &found {
            let (choice, kind) = (device.choice.to_string(), device.kind.to_string());
            let driver = if device.driver.is_empty() { String::new() } else { format!(", {}", device.driver) };
            let auto = if device.auto { "  ← auto" } else { "" };
            output.line(format!("{choice:<9} {kind:<10} {} ({}{driver}){auto}", device.name, device.backend))?;
        }
        let choice = &session.global.device;
        output.line(format!("--device {choice} uses {}", device::resolve(choice)?.description()))
    }
}
