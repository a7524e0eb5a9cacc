//! A search from beginning to end: claims, stages, page, and the configuration that `digitstack run` takes.
//!
//! ```text
//! SearchConfig → training digits → tuning::Study ⇄ study.jsonl → search.json, report/, best.toml
//! ```
//!
//! The search lives in a directory like that of a run. The test digits are neither opened nor needed.

use std::path::Path;

use super::{
    claim::{claim, same_record},
    inputs::Inputs,
};
use crate::{
    artifact::{
        RunFailure,
        layout::{ArtifactKind, BEST, BEST_SETTINGS, SEARCH_OUTCOME, STUDY_LOG},
    },
    config::{BestConfig, SearchConfig},
    fit::FitContext,
    report::{self, ReportOptions},
    seed::Seed,
    storage::{self, RunDirectory, RunState},
    tuning::{SelectedSettings, StageOutcome, Study, StudyContext, StudyOutcome, TuningError, log::StudyLog},
};

/// Does every stage that is not done yet, draws the page after each, and writes the selected configuration. A finished
/// search is verified, compared with the settings and the data, and its outcome is returned.
///
/// `workers`: fits at once; none: as many as there are threads. Only the speed depends on it. `context.seed` is not
/// used: the configuration has one.
///
/// # Errors
/// [`RunFailure::OtherSettings`] if the directory was begun with other settings or data; whatever is no matter of a
/// single trial, after which the same call continues after the last finished one.
pub fn search(
    config: &SearchConfig,
    inputs: &Inputs,
    directory: &RunDirectory,
    workers: Option<usize>,
    context: &FitContext,
) -> Result<StudyOutcome, RunFailure> {
    let is_finished = directory.state() == RunState::Complete;
    if is_finished {
        storage::verify(directory.path())?;
    }
    claim(directory, &ArtifactKind::Search {}, &config.claimed_toml()?, inputs)?;
    let path = |file: &str| directory.path().join(file);
    if is_finished {
        let best: BestConfig = storage::read_json(&path(BEST_SETTINGS))?;
        same_record(directory, "best configuration", &best, &config.best)?;
        return Ok(storage::read_json(&path(SEARCH_OUTCOME))?);
    }
    inputs.record_skipped(directory, context.progress)?;
    let experiment = &config.experiment;
    let digits = experiment.preprocessing.training(inputs.train.clone())?;
    context.progress.message(&format!("{} training images, {} stages", digits.len(), config.stages.len()));

    if !path(STUDY_LOG).exists() {
        // The directory learns of the file, so that starting over removes it.
        directory.write_atomic(STUDY_LOG, &[])?;
    }
    let log = StudyLog::open(&path(STUDY_LOG), &experiment.name)?;
    if let Some(repair) = log.repaired() {
        context.progress.message(&format!(
            "{STUDY_LOG}: line {} was cut off after {} bytes; its trial is done again",
            repair.line, repair.bytes
        ));
    }
    let scratch = directory.scratch_file("study")?;
    let members = experiment.member_settings()?;
    let study = Study {
        seed: Seed(experiment.seed).derive("search"),
        digits: &digits,
        members: &members,
        stages: &config.stages,
        folds: experiment.stacking.folds,
        features: experiment.stacking.features,
        meta: experiment.stacking.meta[0].clone(),
        log: &log,
    };
    let outcome_of = |stages: &[StageOutcome], is_unfinished: bool| StudyOutcome {
        name: experiment.name.clone(),
        data: inputs.source.describe(),
        seed: experiment.seed,
        stages: stages.to_vec(),
        is_unfinished,
    };
    let mut drawn = Ok(());
    let searched = study.run(&StudyContext { fit: *context, workers, scratch: &scratch }, &mut |stages| {
        drawn = std::mem::replace(&mut drawn, Ok(())).and_then(|()| draw(&outcome_of(stages, true), directory, false));
    });
    let (stages, selected) =
        searched.map_err(|error| if error.is_cancelled() { TuningError::Cancelled } else { error })?;
    drawn?;
    let outcome = outcome_of(&stages, false);
    draw(&outcome, directory, true)?;
    directory.write_atomic(BEST, best_toml(config, &selected, directory.path())?.as_bytes())?;
    directory.write_json(BEST_SETTINGS, &config.best)?;
    // The log is complete; its lock would otherwise last until the manifest is written.
    drop(log);
    directory.complete()?;
    Ok(outcome)
}

/// Writes what was found so far, and its page; every figure as a picture too if `png`.
fn draw(outcome: &StudyOutcome, directory: &RunDirectory, png: bool) -> Result<(), RunFailure> {
    directory.write_json(SEARCH_OUTCOME, outcome)?;
    report::render_study(outcome, &ReportOptions { png })?.write(directory)?;
    Ok(())
}

/// The selected run configuration as a TOML file that names the search.
fn best_toml(config: &SearchConfig, selected: &SelectedSettings, directory: &Path) -> Result<String, RunFailure> {
    let folder = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let best = config.best_run(selected, &folder)??;
    let head = format!("# Chosen by the search in {}; its page is report/index.html there.\n", folder.display());
    Ok(head + &best.to_toml()?)
}
