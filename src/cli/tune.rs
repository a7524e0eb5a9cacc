//! `digitstack tune`.

use std::path::{Path, PathBuf};

use super::{
    arguments::{ExportFormat, Global, TuneArguments},
    output::Output,
    run::overrides,
};
use crate::{
    nn,
    pipeline::{
        Work,
        search::{self, BEST, SearchConfig, SearchStatus},
    },
    progress::Cancel,
    storage::{RunDirectory, RunState},
    tuning,
};

pub(super) fn tune(arguments: &TuneArguments, global: &Global, output: &Output, cancel: &Cancel) -> anyhow::Result<()> {
    let config = SearchConfig::load(arguments.config.as_deref(), &overrides(global)?)?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("artifacts").join(&config.name));
    if arguments.status {
        return show(&search::status(&folder)?, output);
    }
    match arguments.export {
        Some(ExportFormat::Csv) => return Ok(search::export_csv(&folder, std::io::stdout().lock())?),
        None => {}
    }
    let directory = RunDirectory::open(&folder, arguments.fresh)?;
    match directory.state() {
        RunState::Complete => {
            output
                .status(&format!("{} is complete already (start over with --fresh); what it found:", folder.display()));
            return finish(&folder, output);
        }
        RunState::Interrupted => {
            output.status(&format!("going on with the interrupted search in {}", folder.display()))
        }
        RunState::New => {}
    }
    let device = nn::resolve(&global.device)?;
    output.status(&format!("{}: {} stages, nets on {}", config.name, config.stages.len(), device.description()));
    for stage in &config.stages {
        output.status(&format!("  {:<24} {}: {}", stage.config.name, stage.config.learner, tuning::describe(stage)));
    }
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let workers = arguments.workers.map(std::num::NonZeroUsize::get);
    search::search(&config, arguments.data.data.as_deref(), &directory, workers, &work)?;
    drop(directory);
    finish(&folder, output)
}

fn finish(folder: &Path, output: &Output) -> anyhow::Result<()> {
    show(&search::status(folder)?, output)?;
    output.line(format!("page: {}", folder.join("report/index.html").display()))?;
    output.line(format!("configuration: {} (digitstack run takes it)", folder.join(BEST).display()))
}

fn show(status: &SearchStatus, output: &Output) -> anyhow::Result<()> {
    output.json(status)?;
    for stage in &status.stages {
        let budget = stage.budget.map_or_else(String::new, |budget| format!("/{budget}"));
        let state = match (stage.finished, stage.trials) {
            _ if stage.left_out => {
                output
                    .line(format!("{:<24} skipped: the settings selected before do not meet its `when`", stage.name))?;
                continue;
            }
            (true, _) => "done",
            (false, 0) => "not begun",
            (false, _) => "under way",
        };
        let best = stage.best_text.as_ref().map_or_else(String::new, |best| format!(", best {best}"));
        let lost: String = [(stage.pruned, "pruned"), (stage.failed, "failed")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!(", {count} {word}"))
            .collect();
        let selected = stage.selected.as_ref().map_or_else(String::new, |selected| format!("; selected {selected}"));
        output.line(format!("{:<24} {state}, {}{budget} trials{lost}{best}{selected}", stage.name, stage.trials))?;
    }
    Ok(())
}
