//! The report of a hyperparameter study: each stage with what it tried and chose.

mod captions;
mod check;
mod page;

use askama::Template;

use super::{
    ReportError,
    figures::{self, Plot},
    page::Shown,
    render::{Report, ReportOptions},
    studio::{Studio, file_name},
};
use crate::tuning::{StageOutcome, StudyOutcome, TrialOutcome, TrialState};

/// Draws every stage of a study and fills in its page. Equal inputs give equal bytes. A study under way has a page too:
/// the stages that it has so far.
///
/// # Errors
/// [`ReportError::Input`] for an outcome that contradicts itself: a trial without a value for each parameter, a choice
/// that there is none of, scores that are no scores, a chosen trial without a score, two stages of one name.
pub fn render_study(outcome: &StudyOutcome, options: &ReportOptions) -> Result<Report, ReportError> {
    let mut studio = Studio::default();
    let stages = figures_of(outcome, &mut studio)?;
    let page = page::page(outcome, stages);
    studio.finish(page.render()?, options)
}

/// The figures of every stage.
pub(super) fn figures_of(outcome: &StudyOutcome, studio: &mut Studio) -> Result<Vec<Vec<Shown>>, ReportError> {
    check::check(outcome)?;
    Ok(outcome.stages.iter().map(|stage| draw(stage, studio)).collect())
}

/// The figures of a stage; none while no trial has a score. Its progress is over the whole page where there is nothing
/// else.
fn draw(stage: &StageOutcome, studio: &mut Studio) -> Vec<Shown> {
    let name = file_name(&stage.name);
    let mut shown = Vec::new();
    let scored = |trial: &TrialOutcome| trial.state != TrialState::Failed && trial.score.is_some();
    if !stage.trials.iter().any(scored) {
        return shown;
    }
    let plot = Plot::of(stage);
    if let Some(plot) = plot {
        shown.push(studio.half(&format!("score-{name}"), captions::plot(stage, plot), |theme, width| {
            plot.draw(stage, theme, width)
        }));
    }
    let steps = stage.trials.iter().any(|trial| !trial.steps.is_empty());
    let progress = (format!("progress-{name}"), captions::progress(stage));
    let draw = |theme, width| figures::score_by_trial(stage, theme, width);
    shown.push(if plot.is_some() || steps {
        studio.half(&progress.0, progress.1, draw)
    } else {
        studio.wide(&progress.0, progress.1, draw)
    });
    if steps {
        let draw = |theme, width| figures::score_by_step(stage, theme, width).unwrap_or_default();
        shown.push(studio.half(&format!("steps-{name}"), captions::steps(stage), draw));
    }
    shown
}
