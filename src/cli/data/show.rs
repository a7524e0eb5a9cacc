//! `digitstack data show`.

use std::path::PathBuf;

use clap::Args;

use super::super::{options::DataSet, session::Session};
use crate::{pipeline, report};

/// Examples of each class.
const EXAMPLES: usize = 10;

const HELP: &str = "\
Examples:
  digitstack data show                                   the built-in digits, as digits.png
  digitstack data show --data ~/my-digits --out my-digits.png";

/// Write a picture of 10 × 10 examples, one row for each class
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    set: DataSet,
    /// PNG file to write
    #[arg(long, default_value = "digits.png", value_name = "PNG")]
    out: PathBuf,
}

impl ShowArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let out = self.out.display().to_string();
        let config = session.run_config(self.set.config.as_deref())?;
        let source = pipeline::open_data(&config.data, self.set.data.path())?;
        let digits = source.train(output.progress().as_ref())?;
        report::contact_sheet(&digits, EXAMPLES).save(&self.out).map_err(|error| anyhow::anyhow!("{out}: {error}"))?;
        output.json(&serde_json::json!({ "sheet": out }))?;
        output.line(format!("{out}: {EXAMPLES} examples of each class of {}", source.describe()))
    }
}
