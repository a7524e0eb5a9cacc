//! `digitstack data`.

mod fetch;
mod info;
mod show;
mod split;

use clap::{Args, Subcommand};

use super::session::Session;

/// Download, describe, show or divide a data set
#[derive(Args, Debug)]
pub(super) struct DataArguments {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    Fetch(fetch::FetchArguments),
    Info(info::InfoArguments),
    Split(split::SplitArguments),
    Show(show::ShowArguments),
}

impl DataArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        match &self.command {
            DataCommand::Fetch(arguments) => arguments.execute(session),
            DataCommand::Info(arguments) => arguments.execute(session),
            DataCommand::Split(arguments) => arguments.execute(session),
            DataCommand::Show(arguments) => arguments.execute(session),
        }
    }
}
