//! The command line: arguments in, library calls, words and exit codes out. No logic of its own.

mod arguments;
mod bars;
mod bench;
mod check;
mod data;
mod data_split;
mod devices;
mod evaluate;
mod export;
mod import;
mod leaderboard;
mod output;
mod predict;
mod predict_table;
mod run;
mod serve;
mod train;
mod tune;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{
    nn,
    pipeline::{ConfigError, RunFailure},
    progress::Cancel,
};

use arguments::{Arguments, Command};
use output::Output;

/// Everything went well.
const SUCCESS: u8 = 0;
/// The work failed.
const FAILURE: u8 = 1;
/// The arguments or the configuration are wrong; nothing was done.
const USAGE: u8 = 2;

/// Parses the arguments, does what they ask, prints the error if there is one, and says how the process should end.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    let code = match dispatch(&arguments, &output) {
        Ok(()) => SUCCESS,
        Err(error) => {
            output.error(&error);
            if error.chain().any(|cause| cause.is::<ConfigError>() || cause.is::<UsageError>()) {
                USAGE
            } else {
                FAILURE
            }
        }
    };
    ExitCode::from(code)
}

/// Arguments that parse but cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The error of a request that was wrong, or of work that failed.
fn usage(failure: RunFailure) -> anyhow::Error {
    if failure.is_usage() { UsageError(failure.to_string()).into() } else { failure.into() }
}

fn dispatch(arguments: &Arguments, output: &Output) -> anyhow::Result<()> {
    let global = &arguments.global;
    if let Some(threads) = global.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
    }
    if global.plain_ops {
        nn::fused::use_plain_operations();
    }
    match &arguments.command {
        None => {
            Arguments::command().print_help()?;
            Ok(())
        }
        Some(Command::Run(run)) => run::run(run, global, output, &on_interrupt(output)?),
        Some(Command::Tune(tune)) => tune::tune(tune, global, output, &on_interrupt(output)?),
        Some(Command::Train(train)) => train::train(train, global, output, &on_interrupt(output)?),
        Some(Command::Evaluate(evaluate)) => evaluate::evaluate(evaluate, global, output),
        Some(Command::Predict(predict)) => predict::predict(predict, global, output),
        Some(Command::Export(export)) => export::export(export, output),
        Some(Command::Import(import)) => import::import(import, global, output, &on_interrupt(output)?),
        Some(Command::Serve(serve)) => serve::serve(serve, global, output),
        Some(Command::Report(report)) => evaluate::report(report, output),
        Some(Command::Data(data)) => data::data(data, global, output),
        Some(Command::Devices) => devices::devices(global, output),
        Some(Command::Bench(bench)) => bench::bench(bench, global, output),
        Some(Command::Check(check)) => check::check(check, global, output),
        Some(Command::Leaderboard(board)) => leaderboard::leaderboard(board, output),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(*shell, &mut Arguments::command(), "digitstack", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// A flag that Ctrl-C (or SIGTERM) sets; a second one ends the process at once.
fn on_interrupt(output: &Output) -> anyhow::Result<Cancel> {
    let cancel = Cancel::default();
    let (flag, output) = (cancel.clone(), output.clone());
    ctrlc::set_handler(move || {
        if flag.is_cancelled() {
            std::process::exit(i32::from(FAILURE));
        }
        flag.cancel();
        output
            .status("stopping at the next safe point; once more to stop at once (nothing finished is lost either way)");
    })?;
    Ok(cancel)
}
