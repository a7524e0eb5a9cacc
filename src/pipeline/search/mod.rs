//! A search from beginning to end: data, stages, page, and the configuration that `digitstack run` takes.
//!
//! ```text
//! SearchConfig → training digits → tuning::Study ⇄ study.jsonl → search.json, report/, best.toml
//! ```
//!
//! The search lives in a run directory. The test digits are neither opened nor needed.

mod best;
mod config;
mod link;
mod status;

use std::path::Path;

use super::{RunFailure, prepare};
use crate::{
    fit::FitContext,
    report::{self, ReportOptions},
    seed::Seed,
    storage::{self, RunDirectory},
    tuning::{StageOutcome, Study, StudyContext, StudyOutcome, TuningError, log::StudyLog},
};

pub use best::BEST;
pub use config::{BestConfig, QUICK, SearchConfig};
pub(super) use link::page_seen_from;
pub use status::{SearchStatus, StageStatus, export_csv, status};

/// Every trial, as it ended.
const LOG: &str = "study.jsonl";
/// What was found, as the page shows it.
const OUTCOME: &str = "search.json";

/// Does every stage that is not done yet, draws the page after each, and writes the chosen configuration.
///
/// `workers`: fits at once; none: as many as there are threads. Only the speed depends on it.
///
/// # Errors
/// What is no matter of a single trial; the same call goes on after the last finished one.
pub fn search(
    config: &SearchConfig,
    data: Option<&Path>,
    directory: &RunDirectory,
    workers: Option<usize>,
    work: &FitContext,
) -> Result<StudyOutcome, RunFailure> {
    let (source, original) = super::run::bind(&config.claimed()?, &config.data, data, directory, work)?;
    let digits = prepare::training(&config.prepare, original)?;
    work.progress.message(&format!("{} training images, {} stages", digits.len(), config.stages.len()));

    if !directory.path().join(LOG).exists() {
        // The directory learns of the file, so that starting over removes it.
        directory.write_atomic(LOG, &[])?;
    }
    let log = StudyLog::open(&directory.path().join(LOG), &config.name)?;
    if let Some(repair) = log.repaired() {
        work.progress.message(&format!(
            "{LOG}: line {} was cut off after {} bytes; its trial is done again",
            repair.line, repair.bytes
        ));
    }
    let scratch = directory.scratch_file("study")?;
    let members = config.member_settings()?;
    let study = Study {
        seed: Seed(config.seed).derive("search"),
        digits: &digits,
        members: &members,
        stages: &config.stages,
        folds: config.stacking.folds,
        features: config.stacking.features,
        meta: config.stacking.meta[0].clone(),
        log: &log,
    };
    let context = StudyContext { fit: *work, workers, scratch: &scratch };
    let outcome_of = |stages: &[StageOutcome]| StudyOutcome {
        name: config.name.clone(),
        data: source.describe(),
        seed: config.seed,
        stages: stages.to_vec(),
    };
    let mut drawn = Ok(());
    let searched = study.run(&context, &mut |stages| {
        drawn = std::mem::replace(&mut drawn, Ok(())).and_then(|()| draw(&outcome_of(stages), directory, false));
    });
    let (stages, selected) =
        searched.map_err(|error| if error.is_cancelled() { TuningError::Cancelled } else { error })?;
    drawn?;
    let outcome = outcome_of(&stages);
    draw(&outcome, directory, true)?;
    directory.write_atomic(BEST, best::configuration(config, &selected, directory.path())?.as_bytes())?;
    // The log is complete; its lock would otherwise last until the manifest is written.
    drop(log);
    directory.complete()?;
    Ok(outcome)
}

/// What a search found; none if `directory` holds none that can be read.
pub(super) fn outcome(directory: &Path) -> Option<StudyOutcome> {
    storage::read_json(&directory.join(OUTCOME)).ok()
}

/// Writes what was found so far, and its page; every figure as a picture too if `png`.
fn draw(outcome: &StudyOutcome, directory: &RunDirectory, png: bool) -> Result<(), RunFailure> {
    directory.write_json(OUTCOME, outcome)?;
    report::render_study(outcome, &ReportOptions { png })?.write(directory)?;
    Ok(())
}
