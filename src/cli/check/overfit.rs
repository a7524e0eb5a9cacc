//! `digitstack check overfit`.

use std::{num::NonZeroU32, path::PathBuf};

use clap::Args;

use super::super::{failure::UsageError, options::TrainingData, session::Session};
use crate::{
    learners::Learner,
    training::{self, Overfit, Overfits},
};

const HELP: &str = "\
Every net of the configuration is trained on 100 training images for 50 epochs and on 10 images for 40, drawn by the \
seed with the proportion of each class, and must then classify every one of them correctly. It keeps its architecture, \
loss, update rule and learning rate. Switched off is what keeps a net from fitting its training images exactly \
(augmentation, rotated copies, dropout, weight decay, label smoothing, averaged weights, validation, early stopping) \
and the learning-rate schedule, which is made for more steps. Batches hold 10 of 100 images and 5 of 10, or the \
member's batch size if that is smaller. The accuracy is that of the finished net. Members that are not nets are \
skipped.

A net that fails this test learns nothing from more images either; a hint below it says what to look at. It takes \
seconds. Exit code 1 if a net fails.

Examples:
  digitstack check overfit                                      the nets of the quickstart
  digitstack check overfit configs/mnist-cpu.toml --data ~/mnist
  digitstack check overfit my.toml --member cnn --epochs 200    does it only need more epochs?
  digitstack check overfit --set members.cnn.training.optimizer.learning_rate=30    must fail";

/// Overfit test: each net must reach 100 % on 100 and on 10 training images
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct OverfitArguments {
    /// TOML file [default: the built-in quickstart]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: TrainingData,
    /// Check only the member of this name
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// Number of epochs of both tests [default: 50 for 100 images, 40 for 10]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU32>,
}

impl OverfitArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let config = session.run_config_on(self.config.as_deref(), &self.data)?;
        let wanted = |member: &&dyn Learner| self.member.as_deref().is_none_or(|name| name == member.name());
        let members: Vec<&dyn Learner> = config.experiment.members.iter().map(AsRef::as_ref).filter(wanted).collect();
        if members.is_empty() {
            let (name, available) =
                (self.member.as_deref().unwrap_or_default(), config.experiment.member_names().join(", "));
            return Err(UsageError(format!(
                "--member: unknown member `{name}` of {}; available: {available}",
                config.experiment.name
            ))
            .into());
        }
        if members.iter().all(|member| member.net().is_none()) {
            let kinds: Vec<_> = members.iter().map(|member| format!("{} ({})", member.name(), member.kind())).collect();
            return Err(UsageError(format!("there is no net among {}", kinds.join(", "))).into());
        }
        let resources = session.resources(cancel)?;
        let epochs = self.epochs.map(NonZeroU32::get);
        let result = training::overfit(&config, &members, self.data.path(), epochs, &resources.context())?;
        output.json(&result)?;
        output.lines(table(&result))?;
        match result.checks.iter().filter(|check| !check.passed).count() {
            0 => Ok(()),
            failed => Err(anyhow::anyhow!("{failed} of {} checks failed", result.checks.len())),
        }
    }
}

fn table(result: &Overfits) -> Vec<String> {
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
    lines.extend(result.skipped.iter().map(|(name, kind)| format!("{name:<15} skipped: a {kind} is not a net")));
    lines
}
