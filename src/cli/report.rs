//! `digitstack report`.

use std::path::PathBuf;

use clap::Args;

use super::session::Session;
use crate::{report::ReportOptions, training};

const HELP: &str = "\
Examples:
  digitstack report artifacts/quickstart
  digitstack report artifacts/quickstart --png    every figure as SVG and as PNG";

/// Draw the report of a finished run or single model again, from its files
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ReportArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    /// Write every figure as PNG too
    #[arg(long)]
    png: bool,
}

impl ReportArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let page = training::draw_report(&self.run, ReportOptions { png: self.png })?.display().to_string();
        session.output.json(&serde_json::json!({ "report": page }))?;
        session.output.line(format!("report: {page}"))
    }
}
