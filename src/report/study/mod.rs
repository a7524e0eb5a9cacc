//! The report of a hyperparameter search: every stage with its trials and its chosen setting.

mod captions;
mod check;
mod page;

use askama::Template;

use super::{
    error::ReportError,
    figure_book::{FigureBook, file_name},
    figures::{self, Plot},
    files::{Report, ReportOptions},
    page::PageFigure,
};
use crate::tuning::{StageOutcome, StudyOutcome, TrialOutcome, TrialState};

/// Draws every stage of a search and fills in its page. Equal inputs give equal bytes. The page of an unfinished search
/// shows the stages so far.
///
/// # Errors
/// [`ReportError::Input`] for an outcome that contradicts itself: a trial without a value for each parameter, the index
/// of an unknown choice, a score outside its range, a chosen trial without a score, two stages with one name.
pub fn render_study(outcome: &StudyOutcome, options: &ReportOptions) -> Result<Report, ReportError> {
    let mut book = FigureBook::default();
    let stages = figures_of(outcome, &mut book)?;
    let page = page::page(outcome, stages);
    book.finish(page.render()?, options)
}

/// Draws the figures of every stage, `[stages][figures]`.
///
/// # Errors
/// The errors of [`render_study`].
pub(super) fn figures_of(outcome: &StudyOutcome, book: &mut FigureBook) -> Result<Vec<Vec<PageFigure>>, ReportError> {
    check::check(outcome)?;
    Ok(outcome.stages.iter().map(|stage| draw(stage, book)).collect())
}

/// Draws the figures of a stage; none while no trial has a score. The figure of scores by trial spans the page if it is
/// the only one.
fn draw(stage: &StageOutcome, book: &mut FigureBook) -> Vec<PageFigure> {
    let name = file_name(&stage.name);
    let mut drawn = Vec::new();
    let scored = |trial: &TrialOutcome| trial.state != TrialState::Failed && trial.score.is_some();
    if !stage.trials.iter().any(scored) {
        return drawn;
    }
    let plot = Plot::of(stage);
    if let Some(plot) = plot {
        drawn.push(book.half(&format!("score-{name}"), captions::plot(stage, plot), |theme, width| {
            plot.draw(stage, theme, width)
        }));
    }
    let steps = stage.trials.iter().any(|trial| !trial.steps.is_empty());
    let progress = (format!("progress-{name}"), captions::progress(stage));
    let draw = |theme, width| figures::score_by_trial(stage, theme, width);
    drawn.push(if plot.is_some() || steps {
        book.half(&progress.0, progress.1, draw)
    } else {
        book.wide(&progress.0, progress.1, draw)
    });
    if steps {
        let draw = |theme, width| figures::score_by_step(stage, theme, width).unwrap_or_default();
        drawn.push(book.half(&format!("steps-{name}"), captions::steps(stage), draw));
    }
    drawn
}
