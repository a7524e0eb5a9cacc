//! `digitstack devices`.

use super::{arguments::Global, output::Output};
use crate::nn;

pub(super) fn devices(global: &Global, output: &Output) -> anyhow::Result<()> {
    let found = nn::list();
    output.json(&found)?;
    for device in &found {
        let (choice, kind) = (device.choice.to_string(), device.kind.to_string());
        let driver = if device.driver.is_empty() { String::new() } else { format!(", {}", device.driver) };
        let auto = if device.auto { "  ← auto" } else { "" };
        output.line(format!("{choice:<9} {kind:<10} {} ({}{driver}){auto}", device.name, device.backend))?;
    }
    let chosen = nn::resolve(&global.device)?;
    output.line(format!("--device {} uses {}", global.device, chosen.description()))
}
