//! `digitstack bench`.

mod booster;
mod digits;
mod imaging;
mod member;
mod net;
mod operations;
mod service;

use clap::{Args, Subcommand};

use super::session::Session;

const HELP: &str = "\
Examples:
  digitstack bench cnn --batch 128 --json
  digitstack bench net keras8 families/keras8
  digitstack bench booster --data ~/mnist
  digitstack bench booster --data ~/mnist --images 60000 --folds 4
  digitstack bench service 127.0.0.1:8028 --connections 64 --seconds 30";

/// Measure the speed of one part on this machine
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// The reference CNN (64 and 128 filters, fully connected layers of 54, 30 and 10 units, Adadelta)
    Cnn(net::NetBench),
    /// The reference dense net (layers of 784, 80, 28 and 10 units, SGD)
    Dense(net::NetBench),
    Net(member::MemberBench),
    Operations(operations::OperationsBench),
    Booster(booster::BoosterBench),
    Imaging(imaging::ImagingBench),
    Service(service::ServiceBench),
}

impl BenchArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        match &self.command {
            BenchCommand::Cnn(arguments) => arguments.execute(&net::CNN, session),
            BenchCommand::Dense(arguments) => arguments.execute(&net::DENSE, session),
            BenchCommand::Net(arguments) => arguments.execute(session),
            BenchCommand::Operations(arguments) => arguments.execute(session),
            BenchCommand::Booster(arguments) => arguments.execute(session),
            BenchCommand::Imaging(arguments) => arguments.execute(session),
            BenchCommand::Service(arguments) => arguments.execute(session),
        }
    }
}
