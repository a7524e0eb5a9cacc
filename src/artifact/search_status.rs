//! Progress of a search, while it runs or afterwards, from its directory alone.

use std::{io::Write, path::Path};

use serde::Serialize;

use super::{
    failure::RunFailure,
    layout::{CONFIG, SEARCH_OUTCOME, STUDY_LOG as LOG},
};
use crate::{
    config::SearchConfig,
    storage,
    tuning::{
        self, SamplerConfig, StudyOutcome,
        log::{self, LoggedTrial, StudySnapshot, TrialState},
    },
};

/// Progress of a search.
#[derive(Clone, Debug, Serialize)]
pub struct SearchStatus {
    /// The search's name.
    pub name: String,
    /// In order; those that have not begun have no trials.
    pub stages: Vec<StageStatus>,
}

/// Progress of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageStatus {
    /// The stage.
    pub name: String,
    /// True once it is done.
    pub finished: bool,
    /// True if the selected before it did not lead to the settings that it is for.
    pub left_out: bool,
    /// Trials that ended.
    pub trials: usize,
    /// Trials at most, where that is known.
    pub budget: Option<usize>,
    /// Trials that were pruned.
    pub pruned: usize,
    /// Trials that failed.
    pub failed: usize,
    /// The best score so far.
    pub best: Option<f64>,
    /// The best score as text.
    pub best_text: Option<String>,
    /// Selected candidate in words, under the key `pick`.
    #[serde(rename = "pick")]
    pub selected: Option<String>,
}

/// Reads how far the search in a directory is. Takes no lock: the search may be running.
///
/// # Errors
/// If there is no search, or its log is damaged.
pub fn search_status(directory: &Path) -> Result<SearchStatus, RunFailure> {
    let snapshot = read(directory)?;
    let config = SearchConfig::load(Some(&directory.join(CONFIG)), &[])?;
    let stages = config.stages.iter().map(|stage| {
        let study = snapshot.study(&format!("{}/{}", config.experiment.name, stage.config.name));
        let trials = study.map_or(&[][..], |study| &study.trials).iter().filter(|trial| trial.verified);
        let trials: Vec<&LoggedTrial> = trials.collect();
        let count = |state: TrialState| trials.iter().filter(|trial| trial.state == state).count();
        let scores = trials.iter().filter(|trial| trial.state == TrialState::Complete).filter_map(|trial| trial.value);
        let best = scores.max_by(f64::total_cmp);
        let finished = study.and_then(|study| study.recorded(tuning::FINISHED));
        let finite =
            matches!(stage.config.sampler, SamplerConfig::Grid | SamplerConfig::Curve).then(|| stage.space.grid_size());
        StageStatus {
            name: stage.config.name.clone(),
            finished: finished.is_some(),
            left_out: finished.is_some_and(|finished| finished.get("left_out").is_some()),
            trials: trials.len(),
            budget: stage.config.budget.trials.or(finite),
            pruned: count(TrialState::Pruned),
            failed: count(TrialState::Failed),
            best,
            best_text: best.map(|best| stage.config.score.format(best)),
            selected: study.and_then(|study| study.recorded(tuning::SELECTED)?.as_str().map(str::to_owned)),
        }
    });
    Ok(SearchStatus { name: config.experiment.name.clone(), stages: stages.collect() })
}

/// Writes every trial of the search in a directory as CSV. Takes no lock.
///
/// # Errors
/// If there is no search, its log is damaged, or the writer fails.
pub fn export_csv(directory: &Path, writer: impl Write) -> Result<(), RunFailure> {
    let path = directory.join(LOG);
    log::export_csv(&read(directory)?, writer)
        .map_err(|source| log::LogError::Io { action: "export", path, source }.into())
}

/// Outcome of a search; none if `directory` holds none that can be read.
pub fn search_outcome(directory: &Path) -> Option<StudyOutcome> {
    storage::read_json(&directory.join(SEARCH_OUTCOME)).ok()
}

fn read(directory: &Path) -> Result<StudySnapshot, RunFailure> {
    let path = directory.join(LOG);
    if !path.exists() {
        return Err(RunFailure::NoSearch(directory.to_owned()));
    }
    Ok(StudySnapshot::read(&path)?)
}
