//! `digitstack check`.

mod gradients;
mod overfit;

use clap::{Args, Subcommand};

use super::session::Session;

/// Check that nets can learn and that gradients are correct
#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    #[command(subcommand)]
    command: CheckCommand,
}

#[derive(Debug, Subcommand)]
enum CheckCommand {
    Overfit(overfit::OverfitArguments),
    Gradients(gradients::GradientsArguments),
}

impl CheckArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        match &self.command {
            CheckCommand::Overfit(arguments) => arguments.execute(session),
            CheckCommand::Gradients(arguments) => arguments.execute(session),
        }
    }
}
