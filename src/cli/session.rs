//! Session of one command: the global options and the output.

use std::path::Path;

use super::{
    environment,
    failure::{FAILURE, UsageError},
    options::{Global, TrainingData},
    output::Output,
    resources::Resources,
};
use crate::{
    config::{Override, RunConfig, SearchConfig},
    data::{DataConfig, SourceKind},
    fit::Cancel,
    storage::{RunDirectory, RunState},
};

/// Global options and output of one invocation.
pub(super) struct Session {
    pub(super) global: Global,
    pub(super) output: Output,
}

impl Session {
    pub(super) fn new(global: Global) -> Self {
        let output = Output::new(global.json, global.quiet, global.verbose);
        Self { global, output }
    }

    /// Checks the environment variables, and applies the options that hold for the whole process: `--threads` and
    /// `--plain-ops`.
    ///
    /// # Errors
    /// A variable with a value that would be ignored, or if the system refuses the threads.
    pub(super) fn configure_process(&self) -> anyhow::Result<()> {
        environment::check()?;
        if let Some(threads) = self.global.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
            pool.build_global().map_err(|error| anyhow::anyhow!("--threads {threads}: {error}; ask for fewer"))?;
        }
        if self.global.plain_ops {
            flex_kernels::use_plain_operations();
        }
        Ok(())
    }

    /// Changes to the configuration by `--set` and `--seed`.
    ///
    /// # Errors
    /// A `--set` that is not `KEY=VALUE`, a seed that TOML cannot hold.
    pub(super) fn overrides(&self) -> anyhow::Result<Vec<Override>> {
        let mut overrides = self.global.set.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(seed) = self.global.seed {
            let seed =
                i64::try_from(seed).map_err(|_| UsageError(format!("--seed {seed}: expected at most {}", i64::MAX)))?;
            overrides.push(Override::field("seed", seed));
        }
        Ok(overrides)
    }

    /// Run configuration of a file, or the built-in quickstart, with the overrides applied.
    pub(super) fn run_config(&self, path: Option<&Path>) -> anyhow::Result<RunConfig> {
        Ok(RunConfig::load(path, &self.overrides()?)?)
    }

    /// Run configuration of a file with the digits that the command line names, or else its own digits.
    pub(super) fn run_config_on(&self, path: Option<&Path>, data: &TrainingData) -> anyhow::Result<RunConfig> {
        let overrides = self.overrides()?;
        let mut config = RunConfig::load(path, &overrides)?;
        data.apply(
            &mut config.experiment,
            |experiment| &mut experiment.data,
            |experiment, folder| experiment.use_folder(folder, "", &overrides),
            // Nobody set what the built-in configuration says of its own digits.
            path.is_some().then_some(&self.output),
        );
        check_folder(&config.experiment.data, data)?;
        Ok(config)
    }

    /// Search configuration of a file, or the built-in quick search, in the same way.
    pub(super) fn search_config_on(&self, path: Option<&Path>, data: &TrainingData) -> anyhow::Result<SearchConfig> {
        let overrides = self.overrides()?;
        let mut config = SearchConfig::load(path, &overrides)?;
        data.apply(
            &mut config,
            |config| &mut config.experiment.data,
            |config, folder| config.use_folder(folder, &overrides),
            // Nobody set what the built-in configuration says of its own digits.
            path.is_some().then_some(&self.output),
        );
        check_folder(&config.experiment.data, data)?;
        Ok(config)
    }

    /// Says whether the work in a directory is new, continued or finished already.
    pub(super) fn report_state(&self, directory: &RunDirectory) {
        let folder = directory.path().display();
        match directory.state() {
            RunState::Complete => self.output.status(&format!(
                "{folder} is complete already (start over with --fresh): its files, settings and data are compared"
            )),
            RunState::Interrupted => self.output.status(&format!("continuing the interrupted work in {folder}")),
            RunState::New => {}
        }
    }

    /// Device of `--device`, threads and progress for work that `cancel` stops.
    pub(super) fn resources(&self, cancel: Cancel) -> anyhow::Result<Resources> {
        Resources::open(&self.global.device, self.output.progress(), cancel)
    }

    /// A flag that Ctrl-C or SIGTERM sets; a second one ends the process at once. For commands that look at the flag.
    pub(super) fn cancel_on_interrupt(&self) -> anyhow::Result<Cancel> {
        let cancel = Cancel::default();
        let (flag, output) = (cancel.clone(), self.output.clone());
        ctrlc::set_handler(move || {
            if flag.is_cancelled() {
                std::process::exit(i32::from(FAILURE));
            }
            flag.cancel();
            output
                .status("stopping at the next safe point; press Ctrl-C again to stop at once (finished work is kept)");
        })?;
        Ok(cancel)
    }
}

/// Refuses a folder of digits that does not exist, before anything is written.
fn check_folder(config: &DataConfig, data: &TrainingData) -> Result<(), UsageError> {
    match data.path() {
        Some(folder) if config.source == SourceKind::Folder && !folder.exists() => {
            Err(UsageError(format!("--data {}: there is no such file or folder", folder.display())))
        }
        _ => Ok(()),
    }
}
