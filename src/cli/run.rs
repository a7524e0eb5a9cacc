//! `digitstack run`.

use std::path::PathBuf;

use super::{
    arguments::{Global, RunArguments},
    evaluate::leaderboard,
    output::Output,
};
use crate::{
    nn,
    pipeline::{self, Override, RunConfig, Work},
    progress::Cancel,
    storage::{RunDirectory, RunState},
};

pub(super) fn run(arguments: &RunArguments, global: &Global, output: &Output, cancel: &Cancel) -> anyhow::Result<()> {
    let config = RunConfig::load(arguments.config.as_deref(), &overrides(global)?)?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("artifacts").join(&config.name));
    let directory = RunDirectory::open(&folder, arguments.fresh)?;
    match directory.state() {
        RunState::Complete => {
            output.status(&format!("{} is complete already (start over with --fresh); its result:", folder.display()));
            let metrics = pipeline::SavedRun::metrics(&folder)?;
            return finish(&metrics, &folder, output);
        }
        RunState::Interrupted => output.status(&format!("going on with the interrupted run in {}", folder.display())),
        RunState::New => {}
    }
    let device = nn::resolve(&global.device)?;
    output.status(&format!("{}: nets on {}", config.name, device.description()));
    for member in &config.members {
        output.status(&format!("  {:<10} {}", member.name(), member.summary()));
    }
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let metrics = pipeline::run(&config, arguments.data.data.as_deref(), &directory, &work)?;
    finish(&metrics, &folder, output)
}

fn finish(metrics: &pipeline::Metrics, folder: &std::path::Path, output: &Output) -> anyhow::Result<()> {
    output.json(metrics)?;
    for line in leaderboard(&metrics.models) {
        output.line(line)?;
    }
    output.line(format!("report: {}", folder.join("report/index.html").display()))
}

/// What `--set` and `--seed` change.
pub(super) fn overrides(global: &Global) -> anyhow::Result<Vec<Override>> {
    let mut overrides = global.set.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(seed) = global.seed {
        let seed = i64::try_from(seed)
            .map_err(|_| super::UsageError(format!("--seed {seed}: expected at most {}", i64::MAX)))?;
        overrides.push(Override::field("seed", seed));
    }
    Ok(overrides)
}
