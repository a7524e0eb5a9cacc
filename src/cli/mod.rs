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
mod man;
mod options;
mod output;
mod predict;
mod printable;
mod read;
mod report;
mod resources;
mod run;
mod score_table;
mod serve;
mod session;
mod train;
mod tune;
mod variables;

use std::{borrow::Cow, ffi::OsString, process::ExitCode};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};

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
  digitstack read artifacts/quickstart form.jpg           read the numbers in a photograph or scan
  digitstack serve                           a page to draw a digit on, and an HTTP API
  digitstack tune                            search for better hyperparameters, stage by stage
  digitstack devices                         list the GPUs and CPUs that can be used

`digitstack COMMAND --help` explains a command and its options.

An environment variable stands for each option: DIGITSTACK_THREADS for --threads and so on for the global options, with \
the command's name between for its own, as DIGITSTACK_SERVE_PORT for `serve --port`. A flag takes true or false. The \
command line goes before a variable.

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
    Read(read::ReadArguments),
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
    Man(man::ManArguments),
}

/// Reason for which commands that read a finished directory refuse options that change a configuration.
const FINISHED: &str = "a finished directory answers with the settings that it was made with";
/// Reason for which commands that read no configuration refuse them.
const UNRELATED: &str = "this command changes no configuration";
/// Commands that refuse `--set` and `--seed`, and why.
const WITHOUT_OVERRIDES: [(&str, &str); 11] = [
    ("evaluate", FINISHED),
    ("predict", FINISHED),
    ("read", FINISHED),
    ("export", FINISHED),
    ("serve", FINISHED),
    ("report", FINISHED),
    ("leaderboard", UNRELATED),
    ("config", UNRELATED),
    ("devices", UNRELATED),
    ("completions", UNRELATED),
    ("man", UNRELATED),
];

/// Refuses `--set` and `--seed` on the command line where there is no configuration that they could change. In the
/// environment they hold for the commands that have one.
fn check_overrides(command: &Command, matches: &ArgMatches) -> Result<(), UsageError> {
    let takes_overrides = matches!(command, Command::Config(arguments) if arguments.takes_overrides());
    let refused = WITHOUT_OVERRIDES.iter().find(|(name, _)| Some(*name) == matches.subcommand_name());
    let Some((_, why)) = refused.filter(|_| !takes_overrides) else { return Ok(()) };
    let is_given = |option: &&str| matches.value_source(option) == Some(ValueSource::CommandLine);
    match ["set", "seed"].into_iter().find(is_given) {
        Some(option) => Err(UsageError(format!("--{option} has no effect here: {why}"))),
        None => Ok(()),
    }
}

/// The whole command line as it is parsed and explained.
fn program() -> clap::Command {
    let program = Arguments::command().max_term_width(100);
    // Global options that a command refuses are not in its help.
    let hidden =
        ["set", "seed"].map(|name| program.get_arguments().find(|argument| argument.get_id() == name).cloned());
    program.mut_subcommands(|command| {
        let name = command.get_name();
        if name == "config" || !WITHOUT_OVERRIDES.iter().any(|(without, _)| *without == name) {
            return command;
        }
        command.args(hidden.iter().flatten().cloned().map(|argument| argument.hide(true)))
    })
}

/// Arguments, and where each comes from.
fn parse(arguments: &[OsString]) -> Result<(Arguments, ArgMatches), clap::Error> {
    let matches = variables::parse(&variables::explained(program(), &[]), arguments)?;
    Ok((Arguments::from_arg_matches(&matches)?, matches))
}

/// Parses the arguments, runs the command, prints its error if there is one, and returns the exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (output, result) = match parse(&arguments) {
        Ok((Arguments { command: Some(command), global }, matches)) => {
            let session = Session::new(global);
            let result = check_overrides(&command, &matches)
                .map_err(Into::into)
                .and_then(|()| session.configure_process())
                .and_then(|()| execute(&command, &session));
            (session.output, result)
        }
        Ok((Arguments { command: None, .. }, _)) => {
            let output = Output::default();
            let result = output.help(&mut program());
            (output, result)
        }
        Err(error) => {
            let output = Output::default();
            let result = output.parse_outcome(without_control(&arguments, error));
            (output, result)
        }
    };
    output.exit(result)
}

/// Replaces control characters in an error about arguments, which `clap` would print as they are.
fn without_control(arguments: &[OsString], error: clap::Error) -> clap::Error {
    let escaped = |argument: OsString| match argument.to_str().map(printable::name) {
        Some(Cow::Borrowed(_)) => argument,
        Some(Cow::Owned(shown)) => shown.into(),
        None => printable::name(&argument.to_string_lossy()).into_owned().into(),
    };
    let shown: Vec<OsString> = arguments.iter().cloned().map(escaped).collect();
    let mut error = if shown == arguments { error } else { parse(&shown).err().unwrap_or(error) };
    // The value of an environment variable is among no arguments.
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let shown = printable::name(value).into_owned();
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    error
}

fn execute(command: &Command, session: &Session) -> anyhow::Result<()> {
    match command {
        Command::Run(arguments) => arguments.execute(session),
        Command::Tune(arguments) => arguments.execute(session),
        Command::Train(arguments) => arguments.execute(session),
        Command::Evaluate(arguments) => arguments.execute(session),
        Command::Predict(arguments) => arguments.execute(session),
        Command::Read(arguments) => arguments.execute(session),
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
        Command::Completions(arguments) => arguments.execute(program(), session),
        Command::Man(arguments) => arguments.execute(program(), session),
    }
}

#[cfg(test)]
mod tests;
