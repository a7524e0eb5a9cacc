//! `digitstack check`.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    UsageError,
    arguments::{DataDirectory, Global},
    on_interrupt,
    output::Output,
    run::overrides,
};
use crate::{
    learners::Learner,
    nn::{self, GRADIENT_TOLERANCE, GradientCheck},
    pipeline::{self, Overfit, Overfits, RunConfig, Work},
    progress::Cancel,
    seed::Seed,
};

#[derive(Debug, Subcommand)]
pub(super) enum CheckCommand {
    /// Does every net of a configuration come to know a few images by heart? Seconds that save hours
    #[command(after_help = "\
Every net member is trained on 100 training images for 50 epochs and on 10 images for 40, drawn by the seed with each class's share, and must
then name every one of them. It keeps its architecture, loss, update rule and learning rate. What is there to keep a net from knowing its
training images by heart is left out: augmentation, rotated copies, dropout, weight decay, label smoothing, averaged weights, validation, early
stopping; and so is the schedule, which is made for more steps. Batches hold 10 of 100 images and 5 of 10, or the member's batch size if that
is smaller. The accuracy is that of the finished net asked once more. Members that are no nets are skipped.

A net that fails this learns nothing from more images either. Exit code 1 if one fails; the line below it says what to look at.

Examples:
  digitstack check overfit                                           the nets of the quickstart
  digitstack check overfit configs/mnist-cpu.toml --data ~/mnist
  digitstack check overfit my.toml --member cnn --epochs 200         does it only take longer?
  digitstack check overfit --set members.cnn.training.optimizer.learning_rate=30   a learning rate that cannot work")]
    Overfit(OverfitArguments),
    /// Are gradients right? Automatic ones against differences, for every layer, activation and loss, or for the nets
    /// of a configuration
    #[command(after_help = "\
Without a configuration: small nets of every kind of layer (fully connected with and without bias, convolutions of every kernel, padding and
pool, several in a block, an extra activation, dropout with a fixed mask), every activation and every loss, each as the CPU's own fused
operations and as Burn's plain ones. With one: its nets, narrowed to a few filters and units where they are wider, and their losses.

For every array of parameters, and for the images, the slope of random sums of the outputs along the gradient and along random directions is
measured by central differences and compared with the gradient. Both are in single precision, so that a right gradient is off by up to about
0.2 %; more than 0.5 % fails, as a gradient that is wrong by 1 % does. About a minute. Exit code 1 if one fails.

Examples:
  digitstack check gradients                            everything a net can be made of, on both kinds of operations
  digitstack check gradients configs/reference.toml     its nets alone
  digitstack check gradients --seed 7 --json            other weights, images and directions; figures for scripts
  digitstack check gradients --device wgpu              the operations of a GPU")]
    Gradients(GradientsArguments),
}

#[derive(Args, Debug)]
pub(super) struct OverfitArguments {
    /// A TOML file [default: the quickstart, built in]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataDirectory,
    /// Check this member alone
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// Epochs of both checks [default: 50 for 100 images, 40 for 10]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU32>,
}

#[derive(Args, Debug)]
pub(super) struct GradientsArguments {
    /// A TOML file whose nets to measure [default: everything that a net can be made of]
    config: Option<PathBuf>,
}

pub(super) fn check(command: &CheckCommand, global: &Global, output: &Output) -> anyhow::Result<()> {
    match command {
        CheckCommand::Overfit(arguments) => overfit(arguments, global, output, &on_interrupt(output)?),
        CheckCommand::Gradients(arguments) => gradients(arguments, global, output),
    }
}

fn overfit(arguments: &OverfitArguments, global: &Global, output: &Output, cancel: &Cancel) -> anyhow::Result<()> {
    let config = RunConfig::load(arguments.config.as_deref(), &overrides(global)?)?;
    let wanted = |member: &&dyn Learner| arguments.member.as_deref().is_none_or(|name| name == member.name());
    let members: Vec<&dyn Learner> = config.members.iter().map(AsRef::as_ref).filter(wanted).collect();
    if members.is_empty() {
        let names = config.member_names().join(", ");
        let name = arguments.member.as_deref().unwrap_or_default();
        return Err(UsageError(format!("--member {name}: {} has {names}", config.name)).into());
    }
    if members.iter().all(|member| member.overfitting(1, 1).is_none()) {
        let kinds: Vec<_> = members.iter().map(|member| format!("{} ({})", member.name(), member.kind())).collect();
        return Err(UsageError(format!("there is no net among {}", kinds.join(", "))).into());
    }
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let epochs = arguments.epochs.map(NonZeroU32::get);
    let result = pipeline::overfit(&config, &members, arguments.data.data.as_deref(), epochs, &work)?;
    output.json(&result)?;
    for line in overfit_table(&result) {
        output.line(line)?;
    }
    match result.checks.iter().filter(|check| !check.passed).count() {
        0 => Ok(()),
        failed => Err(anyhow::anyhow!("{failed} of {} checks failed", result.checks.len())),
    }
}

fn overfit_table(result: &Overfits) -> Vec<String> {
    let figure = |value: Option<f64>, scale: f64, decimals: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{:.decimals$}", scale * value))
    };
    let mut lines = vec![format!(
        "{:<15} {:>6} {:>6} {:>10} {:>10} {:>12}  verdict",
        "member", "images", "epochs", "loss", "right %", "known after"
    )];
    for Overfit { member, images, epochs, loss, accuracy, known_after, passed, hint } in &result.checks {
        let (loss, accuracy) = (figure(*loss, 1.0, 6), figure(*accuracy, 100.0, 1));
        let known_after = known_after.map_or_else(|| "–".to_owned(), |epoch| format!("epoch {epoch}"));
        let verdict = if *passed { "pass" } else { "FAIL" };
        lines.push(format!(
            "{member:<15} {images:>6} {epochs:>6} {loss:>10} {accuracy:>10} {known_after:>12}  {verdict}"
        ));
        lines.extend(hint.iter().map(|hint| format!("  {hint}")));
    }
    lines.extend(result.skipped.iter().map(|(name, kind)| format!("{name:<15} skipped: a {kind} is no net")));
    lines
}

/// What `check gradients` says.
#[derive(Serialize)]
struct Gradients {
    device: String,
    seed: u64,
    tolerance: f64,
    checks: Vec<GradientCheck>,
    skipped: Vec<(String, String)>,
}

fn gradients(arguments: &GradientsArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    let config = arguments
        .config
        .as_deref()
        .map(|path| RunConfig::load(Some(path), &overrides(global)?).map_err(anyhow::Error::from));
    let config = config.transpose()?;
    if config.is_none() && !global.set.is_empty() {
        return Err(
            UsageError("--set changes a configuration; name one, such as configs/quickstart.toml".to_owned()).into()
        );
    }
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let seed = config.as_ref().map_or_else(|| global.seed.unwrap_or(1), |config| config.seed);
    let draws = Seed(seed).derive("gradients");
    let (mut checks, mut skipped) = (Vec::new(), Vec::new());
    match &config {
        None => checks = nn::check_gradients(draws, &device, progress.as_ref())?,
        Some(config) => {
            for member in &config.members {
                match member.check_gradients(draws.derive(member.name()), &device, progress.as_ref()) {
                    Some(found) => checks.extend(found?),
                    None => skipped.push((member.name().to_owned(), member.kind().to_owned())),
                }
            }
            if checks.is_empty() {
                let names = config.member_names().join(", ");
                return Err(UsageError(format!("{} has no net; its members are {names}", config.name)).into());
            }
        }
    }
    let result =
        Gradients { device: device.description().to_owned(), seed, tolerance: GRADIENT_TOLERANCE, checks, skipped };
    output.json(&result)?;
    for line in gradients_table(&result) {
        output.line(line)?;
    }
    let failed = result.checks.iter().filter(|check| !check.passed).count();
    match failed {
        0 => output.line(format!("{} functions on {}: every gradient is right", result.checks.len(), result.device)),
        _ => Err(anyhow::anyhow!("{failed} of {} gradients are wrong", result.checks.len())),
    }
}

fn gradients_table(result: &Gradients) -> Vec<String> {
    let width = result.checks.iter().map(|check| check.what.chars().count()).max().unwrap_or_default().max(8);
    let mut lines =
        vec![format!("{:<width$}  {:<10} {:>12}  {:<28} verdict", "function", "operations", "error %", "furthest off")];
    for GradientCheck { what, operations, array, error, passed } in &result.checks {
        let verdict = if *passed { "pass" } else { "FAIL" };
        lines.push(format!("{what:<width$}  {operations:<10} {:>12.4}  {array:<28} {verdict}", 100.0 * error));
    }
    lines.extend(result.skipped.iter().map(|(name, kind)| format!("{name:<width$}  skipped: a {kind} is no net")));
    lines
}
