//! The only module that prints: results on standard output, everything else on standard error.
//!
//! Everything on standard output passes one writer that can fail. A reader that has closed its end (`| head`) ends the
//! program quietly with exit code 0; any other failure, such as a full disk, is an error. Failures of standard error
//! are ignored: there is nowhere to report them.

use std::{
    io::{self, IsTerminal, StdoutLock, Write},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::MultiProgress;
use serde::Serialize;

use super::{
    bars::Bars,
    failure::{self, ParseError},
    printable::{self, printable},
};
use crate::progress::{Progress, Silent};

/// Standard output and standard error of one command, with the options that say how much is printed.
#[derive(Clone, Default)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    bars: MultiProgress,
    /// Whether the reader of standard output has closed its end.
    closed: Arc<AtomicBool>,
}

/// Failure to write to standard output.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
struct StandardOutputError(#[source] io::Error);

impl Output {
    /// `json`: one JSON value in place of lines; `quiet`: no progress; `verbose`: every epoch as a line.
    pub(super) fn new(json: bool, quiet: bool, verbose: bool) -> Self {
        Self { json, quiet, verbose, ..Self::default() }
    }

    /// Whether standard output holds one JSON value.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line of the result for people; nothing with `--json`.
    pub(super) fn line(&self, text: impl AsRef<str>) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { self.raw(format!("{}\n", printable(text.as_ref())).as_bytes()) }
    }

    /// Prints lines of the result for people; nothing with `--json`.
    pub(super) fn lines(&self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<()> {
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    /// Prints the result as JSON, with `--json` only.
    pub(super) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json { self.json_text(&serde_json::to_string_pretty(value)?) } else { Ok(()) }
    }

    /// Prints one of several results as a line of JSON, with `--json` only.
    pub(super) fn json_line(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json { self.json_text(&serde_json::to_string(value)?) } else { Ok(()) }
    }

    fn json_text(&self, text: &str) -> anyhow::Result<()> {
        self.raw(format!("{}\n", printable::json(text)).as_bytes())
    }

    /// Writes bytes to standard output whatever the options.
    pub(super) fn raw(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.bars.suspend(|| {
            let mut stream = self.stream();
            stream.write_all(bytes).and_then(|()| stream.flush())
        });
        Ok(written.map_err(StandardOutputError)?)
    }

    /// Standard output for the library to write to.
    pub(super) fn stream(&self) -> Stream {
        Stream { out: io::stdout().lock(), closed: Arc::clone(&self.closed) }
    }

    /// Prints the help of the whole program, coloured on a terminal.
    pub(super) fn help(&self, command: &mut clap::Command) -> anyhow::Result<()> {
        self.checked(command.print_help())
    }

    /// Prints what `clap` answers in place of arguments: help and version on standard output. Wrong arguments are
    /// returned as an error.
    pub(super) fn parse_outcome(&self, error: clap::Error) -> anyhow::Result<()> {
        if error.use_stderr() { Err(ParseError(error).into()) } else { self.checked(error.print()) }
    }

    fn checked(&self, printed: io::Result<()>) -> anyhow::Result<()> {
        let mut stream = self.stream();
        let written = stream.seen(printed).and_then(|()| stream.flush());
        Ok(written.map_err(StandardOutputError)?)
    }

    /// Prints a line about the progress on standard error; nothing with `--quiet`.
    pub(super) fn status(&self, text: &str) {
        if !self.quiet {
            let _ = self.bars.suspend(|| writeln!(io::stderr().lock(), "{}", printable(text)));
        }
    }

    /// Observer of long work: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.
    pub(super) fn progress(&self) -> Arc<dyn Progress> {
        if self.quiet {
            Arc::new(Silent)
        } else {
            Arc::new(Bars::new(self.bars.clone(), io::stderr().is_terminal(), self.verbose))
        }
    }

    /// Prints the error of a command, if there is one, and returns the exit code. After the reader of standard output
    /// has closed its end there is nothing left to do: that is a success.
    pub(super) fn exit(&self, result: anyhow::Result<()>) -> ExitCode {
        ExitCode::from(match result {
            Ok(()) => failure::SUCCESS,
            Err(_) if self.closed.load(Ordering::Relaxed) => failure::SUCCESS,
            Err(error) => {
                self.error(&error);
                failure::exit_code(&error)
            }
        })
    }

    /// Prints an error with each of its causes on standard error.
    fn error(&self, error: &anyhow::Error) {
        if let Some(ParseError(error)) = error.downcast_ref() {
            let _ = error.print();
            return;
        }
        let mut text = format!("error: {error}");
        let mut said = error.to_string();
        for cause in error.chain().skip(1) {
            let cause = cause.to_string();
            if !said.contains(&cause) {
                text.push_str("\n  because ");
                text.push_str(&cause);
                said = cause;
            }
        }
        let _ = self.bars.suspend(|| writeln!(io::stderr().lock(), "{}", printable(&text)));
    }
}

/// Standard output as a stream of bytes. Notes when the reader has closed its end.
pub(super) struct Stream {
    out: StdoutLock<'static>,
    closed: Arc<AtomicBool>,
}

impl Stream {
    fn seen<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.seen(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.seen(flushed)
    }
}
