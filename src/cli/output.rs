//! Where words go: results on standard output, everything else on standard error.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use indicatif::MultiProgress;
use serde::Serialize;

use super::{arguments::Global, bars::Bars};
use crate::progress::{Progress, Silent};

/// How much is said, and how.
#[derive(Clone)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    bars: MultiProgress,
}

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet, verbose: global.verbose, bars: MultiProgress::new() }
    }

    /// True with `--json`: standard output is for one value.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the result, for people. Nothing with `--json`.
    pub(super) fn line(&self, text: impl AsRef<str>) -> anyhow::Result<()> {
        if !self.json {
            self.bars.suspend(|| writeln!(std::io::stdout().lock(), "{}", text.as_ref()))?;
        }
        Ok(())
    }

    /// The result as JSON, with `--json` only.
    pub(super) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            let text = serde_json::to_string_pretty(value)?;
            self.bars.suspend(|| writeln!(std::io::stdout().lock(), "{text}"))?;
        }
        Ok(())
    }

    /// A line on what is going on; not with `--quiet`. A closed standard error is no reason to stop.
    pub(super) fn status(&self, text: &str) {
        if !self.quiet {
            let _ = self.bars.suspend(|| writeln!(std::io::stderr().lock(), "{text}"));
        }
    }

    /// The one place where an error is printed: its message and each cause.
    pub(super) fn error(&self, error: &anyhow::Error) {
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
        let _ = self.bars.suspend(|| writeln!(std::io::stderr().lock(), "{text}"));
    }

    /// Who watches long work: bars on a terminal, plain lines elsewhere, nobody with `--quiet`.
    pub(super) fn progress(&self) -> Arc<dyn Progress> {
        if self.quiet {
            Arc::new(Silent)
        } else {
            Arc::new(Bars::new(self.bars.clone(), std::io::stderr().is_terminal(), self.verbose))
        }
    }
}
