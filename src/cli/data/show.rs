//! `digitstack data show`.

use std::{io::Cursor, path::PathBuf};

use clap::Args;
use image::ImageFormat;

use super::super::{failure::UsageError, options::DataSet, session::Session};
use crate::{preprocessing, report, storage::OutputFile};

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
        let format = ImageFormat::from_path(&self.out)
            .map_err(|error| UsageError(format!("--out {out}: {error}; name it .png")))?;
        let target = OutputFile::check(&self.out, true)?;
        let config = session.run_config_on(self.set.config.as_deref(), &self.set.data)?;
        let source = preprocessing::open_data(&config.experiment.data, self.set.data.path())?;
        let digits = source.train(output.progress().as_ref())?;
        let mut bytes = Cursor::new(Vec::new());
        report::contact_sheet(&digits, EXAMPLES).write_to(&mut bytes, format)?;
        target.write(bytes.get_ref())?;
        output.json(&serde_json::json!({ "sheet": out }))?;
        output.line(format!("{out}: {EXAMPLES} examples of each class of {}", source.describe()))
    }
}
