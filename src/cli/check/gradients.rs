//! `digitstack check gradients`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::{failure::UsageError, session::Session};
use crate::{
    fit::Cancel,
    nn::{self, GRADIENT_TOLERANCE, GradientCheck},
    seed::Seed,
};

const HELP: &str = "\
Without a configuration: small nets of every kind of layer (fully connected with and without bias, convolutions of \
every kernel, padding and pool, several in a block, an extra activation, dropout with a fixed mask), every activation \
and every loss, each on the CPU's own fused operations and on Burn's plain ones. With a configuration: its nets, \
narrowed to a few filters and units where they are wider, and their losses.

For every parameter array, and for the images, the derivative of random sums of the outputs along the gradient and \
along random directions is estimated by central differences and compared with the gradient. Both are in single \
precision: a correct gradient differs by up to about 0.2 %. More than 0.5 % fails, as a gradient that is off by 1 % \
does. It takes about a minute. Exit code 1 if a gradient fails.

Examples:
  digitstack check gradients                            every layer, on both kinds of operations
  digitstack check gradients configs/reference.toml     the nets of a configuration
  digitstack check gradients --seed 7 --json            other weights, images and directions
  digitstack check gradients --device wgpu              the operations of a GPU";

/// Gradient test: compare automatic gradients with finite differences, for every layer, activation and loss
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct GradientsArguments {
    /// TOML file whose nets to check [default: every layer, activation and loss]
    config: Option<PathBuf>,
}

/// Result of the test.
#[derive(Serialize)]
struct Gradients {
    device: String,
    seed: u64,
    tolerance: f64,
    checks: Vec<GradientCheck>,
    skipped: Vec<(String, String)>,
}

impl GradientsArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let (global, output) = (&session.global, &session.output);
        let config = self.config.as_deref().map(|path| session.run_config(Some(path))).transpose()?;
        if config.is_none() && !global.set.is_empty() {
            return Err(UsageError(
                "--set changes a configuration; name one, such as configs/quickstart.toml".to_owned(),
            )
            .into());
        }
        let resources = session.resources(Cancel::default())?;
        let (device, progress) = (&resources.device, resources.progress.as_ref());
        let seed = config.as_ref().map_or_else(|| global.seed.unwrap_or(1), |config| config.experiment.seed);
        let draws = Seed(seed).derive("gradients");
        let (mut checks, mut skipped) = (Vec::new(), Vec::new());
        match &config {
            None => checks = nn::check_gradients(draws, device, progress)?,
            Some(config) => {
                for member in &config.experiment.members {
                    match member.net() {
                        Some(net) => {
                            checks.extend(net.check_gradients(draws.derive(member.name()), device, progress)?)
                        }
                        None => skipped.push((member.name().to_owned(), member.kind().to_owned())),
                    }
                }
                if checks.is_empty() {
                    let names = config.experiment.member_names().join(", ");
                    return Err(
                        UsageError(format!("{} has no net; its members are {names}", config.experiment.name)).into()
                    );
                }
            }
        }
        let device = device.description().to_owned();
        let result = Gradients { device, seed, tolerance: GRADIENT_TOLERANCE, checks, skipped };
        output.json(&result)?;
        output.lines(table(&result))?;
        match result.checks.iter().filter(|check| !check.passed).count() {
            0 => {
                let functions = result.checks.len();
                output.line(format!("{functions} functions on {}: every gradient is right", result.device))
            }
            failed => Err(anyhow::anyhow!("{failed} of {} gradients are wrong", result.checks.len())),
        }
    }
}

fn table(result: &Gradients) -> Vec<String> {
    let width = result.checks.iter().map(|check| check.what.chars().count()).max().unwrap_or_default().max(8);
    let mut lines =
        vec![format!("{:<width$}  {:<10} {:>12}  {:<28} verdict", "function", "operations", "error %", "furthest off")];
    for GradientCheck { what, operations, array, error, passed } in &result.checks {
        let verdict = if *passed { "pass" } else { "FAIL" };
        lines.push(format!("{what:<width$}  {operations:<10} {:>12.4}  {array:<28} {verdict}", 100.0 * error));
    }
    lines.extend(result.skipped.iter().map(|(name, kind)| format!("{name:<width$}  skipped: a {kind} is not a net")));
    lines
}
