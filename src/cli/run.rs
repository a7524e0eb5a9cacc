//! `digitstack run`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    options::{Curves, TrainingData},
    output::Output,
    score_table::{findings, next_steps, score_table, source_table},
    session::Session,
};
use crate::{
    artifact::layout::Metrics,
    storage::{RunDirectory, RunState},
    training::{self, Inputs},
};

const HELP: &str = "\
The run directory is artifacts/<name of the configuration>, or artifacts/<name of the folder> if \
--data replaces the digits that the configuration is for, unless --out names another. It is always either complete or \
resumable: after a crash or Ctrl-C the same command continues from the last finished fold or epoch. A complete run is \
not repeated unless --fresh is given: its files are verified and its result is printed again. A directory with other \
settings or other data is an error that names each difference (exit code 2).

The run directory has, beside the models and the report, predictions.csv (the answer for each image, by its file or \
row) and doubtful.csv (probable label errors, the most doubtful first). The stack answers, unless a member is better \
out of fold; --set stacking.answer=stack insists on it.

Examples:
  digitstack run                                        the built-in quickstart
  digitstack run configs/mnist-cpu.toml --data ~/mnist
  digitstack run --data my-digits                       folders 0 to 9 of pictures, CSV or IDX files
  digitstack run --data my-digits --set data.test=0.2   the same, with a fifth held out for the test
  digitstack run --tensorboard curves                   and beside it: tensorboard --logdir curves
  digitstack run --set members.cnn.training.epochs=1 --out /tmp/try    a shorter quickstart
  digitstack run configs/reference.toml --device wgpu   the reference settings, on a GPU";

/// Train, stack and evaluate the models of a configuration, and write a report
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct RunArguments {
    /// TOML file such as configs/mnist-cpu.toml [default: the built-in quickstart]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: TrainingData,
    /// Run directory to write [default: artifacts/<name of the configuration, or of the folder of --data>]
    #[arg(long, value_name = "RUN_DIR")]
    out: Option<PathBuf>,
    /// Start over: delete what an earlier run left in the run directory
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    curves: Curves,
}

impl RunArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let config = session.run_config_on(self.config.as_deref(), &self.data)?;
        let folder = self.out.clone().unwrap_or_else(|| Path::new("artifacts").join(&config.experiment.name));
        let events = self.curves.events()?;
        let directory = RunDirectory::open(&folder, self.fresh)?;
        session.report_state(&directory);
        let resources = session.resources(cancel)?;
        if directory.state() != RunState::Complete {
            output.status(&format!("{}: nets on {}", config.experiment.name, resources.device.description()));
            for member in &config.experiment.members {
                output.status(&format!("  {:<10} {}", member.name(), member.summary()));
            }
        }
        let inputs = Inputs::read(&config.experiment.data, self.data.path(), resources.progress.as_ref())?;
        let metrics =
            training::run_stack(&config, &inputs, &directory, &resources.context().recorded(events.as_ref()))?;
        show(&metrics, &folder, output)
    }
}

fn show(metrics: &Metrics, folder: &Path, output: &Output) -> anyhow::Result<()> {
    output.json(metrics)?;
    output.lines(score_table(&metrics.models))?;
    output.lines(source_table(&metrics.sources))?;
    output.lines(findings(metrics, folder))?;
    output.lines(next_steps(folder))
}
