//! The command line: arguments in, library calls, words and exit codes out. No logic of its own.
//!
//! Each command is one file with its arguments, its help text, its call of the library and its output. This file lists
//! the commands and hands the parsed arguments to one of them. Every command works with a `session`; `options` holds
//! the groups of arguments that several commands share; `output` is the only module that prints.

mod bars;
mod bench;
mod check;
mod completions;
mod config;
mod data;
mod devices;
mod environment;
mod evaluate;
mod export;
mod failure;
mod import;
mod leaderboard;
mod options;
mod output;
mod predict;
mod printable;
mod report;
mod resources;
mod run;
mod score_table;
mod serve;
mod session;
mod train;
mod tune;

use std::{borrow::Cow, ffi::OsString, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use failure::UsageError;
use options::Global;
use output::Output;
use session::Session;

const HELP: &str = "\
Examples:
  digitstack run                             train the full stack on built-in digits, about a minute
  digitstack run configs/mnist-cpu.toml      the same on MNIST, downloaded and verified if missing
  digitstack run configs/mnist-cpu.toml --data ~/mnist    MNIST from the files of a folder
  digitstack predict artifacts/quickstart photo.png       recognise the digit in a picture
  digitstack serve                           a page to draw a digit on, and an HTTP API
  digitstack tune                            search for better hyperparameters, stage by stage
  digitstack devices                         list the GPUs and CPUs that can be used

`digitstack <COMMAND> --help` explains a command and its options.

Exit codes: 0 success; 1 the work failed; 2 the arguments or the configuration are wrong, and nothing was done. \
A reader that closes standard output early, such as `head`, is not an error.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "digitstack",
    version,
    about = "Trains, searches, stacks and serves handwritten-digit classifiers: a dense net, a CNN and LightGBM, \
             combined by logistic regression",
    after_help = HELP
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    global: Global,
}

/// The commands, in the order of `digitstack --help`. Each is documented where its arguments are declared.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArguments),
    Tune(tune::TuneArguments),
    Train(train::TrainArguments),
    Evaluate(evaluate::EvaluateArguments),
    Predict(predict::PredictArguments),
    Export(export::ExportArguments),
    Import(import::ImportArguments),
    Serve(serve::ServeArguments),
    Report(report::ReportArguments),
    Leaderboard(leaderboard::LeaderboardArguments),
    Data(data::DataArguments),
    Config(config::ConfigArguments),
    Devices(devices::DevicesArguments),
    Bench(bench::BenchArguments),
    Check(check::CheckArguments),
    Completions(completions::CompletionsArguments),
}

impl Command {
    /// Refuses `--set` and `--seed` where there is no configuration that they could change.
    fn check_global(&self, session: &Session) -> Result<(), UsageError> {
        let what = match self {
            Self::Config(arguments) if arguments.takes_overrides() => return Ok(()),
            Self::Run(_)
            | Self::Tune(_)
            | Self::Train(_)
            | Self::Import(_)
            | Self::Data(_)
            | Self::Bench(_)
            | Self::Check(_) => return Ok(()),
            Self::Evaluate(_) | Self::Predict(_) | Self::Export(_) | Self::Serve(_) | Self::Report(_) => {
                "a finished directory answers with the settings that it was made with"
            }
            Self::Config(_) | Self::Leaderboard(_) | Self::Devices(_) | Self::Completions(_) => {
                "this command changes no configuration"
            }
        };
        let global = &session.global;
        let given = [("--set", !global.set.is_empty()), ("--seed", global.seed.is_some())];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(UsageError(format!("{option} has no effect here: {what}"))),
            None => Ok(()),
        }
    }
}

/// Parses the arguments, runs the command, prints its error if there is one, and returns the exit code.
pub fn main() -> ExitCode {
    let (output, result) = match Arguments::try_parse() {
        Ok(Arguments { command: Some(command), global }) => {
            let session = Session::new(global);
            let result = command
                .check_global(&session)
                .map_err(Into::into)
                .and_then(|()| session.configure_process())
                .and_then(|()| execute(&command, &session));
            (session.output, result)
        }
        Ok(Arguments { command: None, .. }) => {
            let output = Output::default();
            let result = output.help(&mut Arguments::command());
            (output, result)
        }
        Err(error) => {
            let output = Output::default();
            let result = output.parse_outcome(without_control(error));
            (output, result)
        }
    };
    output.exit(result)
}

/// Replaces control characters in an error about arguments, which `clap` would print as they are.
fn without_control(error: clap::Error) -> clap::Error {
    let escaped = |argument: OsString| match argument.to_str().map(printable::name) {
        Some(Cow::Borrowed(_)) => argument,
        Some(Cow::Owned(shown)) => shown.into(),
        None => printable::name(&argument.to_string_lossy()).into_owned().into(),
    };
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let shown: Vec<OsString> = arguments.iter().cloned().map(escaped).collect();
    if shown == arguments { error } else { Arguments::try_parse_from(shown).err().unwrap_or(error) }
}

fn execute(command: &Command, session: &Session) -> anyhow::Result<()> {
    match command {
        Command::Run(arguments) => arguments.execute(session),
        Command::Tune(arguments) => arguments.execute(session),
        Command::Train(arguments) => arguments.execute(session),
        Command::Evaluate(arguments) => arguments.execute(session),
        Command::Predict(arguments) => arguments.execute(session),
        Command::Export(arguments) => arguments.execute(session),
        Command::Import(arguments) => arguments.execute(session),
        Command::Serve(arguments) => arguments.execute(session),
        Command::Report(arguments) => arguments.execute(session),
        Command::Leaderboard(arguments) => arguments.execute(session),
        Command::Data(arguments) => arguments.execute(session),
        Command::Config(arguments) => arguments.execute(session),
        Command::Devices(arguments) => arguments.execute(session),
        Command::Bench(arguments) => arguments.execute(session),
        Command::Check(arguments) => arguments.execute(session),
        Command::Completions(arguments) => arguments.execute(Arguments::command(), session),
    }
}

#[cfg(test)]
mod tests;
