//! `digitstack tune`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    options::{MAX_THREADS, TrainingData, count},
    output::Output,
    session::Session,
};
use crate::{
    artifact::{SearchStatus, StageStatus, export_csv, layout::BEST, search_status},
    storage::{RunDirectory, RunState},
    training::{self, Inputs},
    tuning,
};

const HELP: &str = "\
A search is a TOML file with members and with stages; each stage tunes a few settings of one member. The result is a \
configuration for `digitstack run`, best.toml, and a page of plots. Every finished \
trial is on the disk, in a log that Optuna's tools open: after a crash or Ctrl-C the same command continues, repeats \
no finished trial and ends with the same result. The test images are never opened.

Examples:
  digitstack tune                             the reference's stages, small, on built-in digits
  digitstack tune configs/tuning/reference.toml --data ~/mnist
  digitstack tune --status                    progress of the search, also while it runs
  digitstack tune --export csv > trials.csv
  digitstack run artifacts/tune-quick/best.toml    train with the settings found";

/// Search for better hyperparameters in stages, scored on validation images only
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct TuneArguments {
    /// TOML file such as configs/tuning/reference.toml [default: the built-in quick search]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: TrainingData,
    /// Directory of the search [default: artifacts/<name of the configuration>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Start over: delete what an earlier search left in the directory
    #[arg(long)]
    fresh: bool,
    /// Number of fits at the same time, which share the threads; results do not depend on it [default: one per thread]
    #[arg(long, value_name = "N", value_parser = count::<MAX_THREADS>)]
    workers: Option<NonZeroUsize>,
    /// Print how far the search in the directory is, and do nothing else
    #[arg(long, conflicts_with_all = ["fresh", "export"])]
    status: bool,
    /// Print every trial of the search in the directory as a line, and do nothing else
    #[arg(long, value_name = "FORMAT", conflicts_with = "fresh")]
    export: Option<ExportFormat>,
}

/// File format of exported trials.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ExportFormat {
    Csv,
}

impl TuneArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let config = session.search_config_on(self.config.as_deref(), &self.data)?;
        let folder = self.out.clone().unwrap_or_else(|| Path::new("artifacts").join(&config.experiment.name));
        if self.status {
            return show(&search_status(&folder)?, output);
        }
        if let Some(ExportFormat::Csv) = self.export {
            let mut table = Vec::new();
            export_csv(&folder, &mut table)?;
            return output.raw(&table);
        }
        let cancel = session.cancel_on_interrupt()?;
        let directory = RunDirectory::open(&folder, self.fresh)?;
        session.report_state(&directory);
        let resources = session.resources(cancel)?;
        let device = resources.device.description();
        let stages = if directory.state() == RunState::Complete { &[] } else { &config.stages[..] };
        if !stages.is_empty() {
            output.status(&format!("{}: {} stages, nets on {device}", config.experiment.name, stages.len()));
        }
        for stage in stages {
            output.status(&format!(
                "  {:<24} {}: {}",
                stage.config.name,
                stage.config.learner,
                tuning::describe(stage)
            ));
        }
        let workers = self.workers.map(NonZeroUsize::get);
        let inputs = Inputs::read(&config.experiment.data, self.data.path(), resources.progress.as_ref())?;
        training::search(&config, &inputs, &directory, workers, &resources.context())?;
        drop(directory);
        show_finished(&folder, output)
    }
}

fn show_finished(folder: &Path, output: &Output) -> anyhow::Result<()> {
    show(&search_status(folder)?, output)?;
    output.line(format!("page: {}", folder.join("report/index.html").display()))?;
    output.line(format!("configuration: {} (digitstack run takes it)", folder.join(BEST).display()))
}

fn show(status: &SearchStatus, output: &Output) -> anyhow::Result<()> {
    output.json(status)?;
    output.lines(status.stages.iter().map(stage_line))
}

fn stage_line(stage: &StageStatus) -> String {
    if stage.left_out {
        return format!("{:<24} skipped: the settings selected before do not meet its `when`", stage.name);
    }
    let state = match (stage.finished, stage.trials) {
        (true, _) => "done",
        (false, 0) => "not begun",
        (false, _) => "under way",
    };
    let budget = stage.budget.map_or_else(String::new, |budget| format!("/{budget}"));
    let lost: String = [(stage.pruned, "pruned"), (stage.failed, "failed")]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    let best = stage.best_text.as_ref().map_or_else(String::new, |best| format!(", best {best}"));
    let selected = stage.selected.as_ref().map_or_else(String::new, |selected| format!("; selected {selected}"));
    format!("{:<24} {state}, {}{budget} trials{lost}{best}{selected}", stage.name, stage.trials)
}
