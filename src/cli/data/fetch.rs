//! `digitstack data fetch`.

use std::path::PathBuf;

use clap::Args;

use super::super::session::Session;
use crate::data::mnist::{Location, Mnist, Part};

const HELP: &str = "\
Examples:
  digitstack data fetch
  digitstack data fetch --data ~/mnist";

/// Download the MNIST files, each verified by its SHA-256
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct FetchArguments {
    /// Folder to write to [default: the cache folder, where `digitstack run` looks]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl FetchArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let progress = output.progress();
        let mut mnist = Mnist::find(None)?;
        if let Some(folder) = &self.data {
            mnist.location = Location::Cache(folder.clone());
        }
        let mut files = Vec::new();
        for part in [Part::Train, Part::Test] {
            files.extend(mnist.read(part, progress.as_ref())?.files);
        }
        output.json(&files)?;
        output.lines(files.iter().map(|file| format!("{}  {}", file.sha256, file.name)))?;
        output.line(format!("the MNIST files are in {}", mnist.location.folder().display()))
    }
}
