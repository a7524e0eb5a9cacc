//! Learning curves of the trials.

use super::{
    legend::{CHOSEN, Legend, TRIAL},
    scores,
};
use crate::{
    report::{
        canvas::{Canvas, Stroke},
        figures::{axes::Axes, marks::Mark},
        scale::Scale,
        theme::Theme,
    },
    tuning::{StageOutcome, TrialState},
};

/// Height of the plotting area, in pixels.
const HEIGHT: f64 = 160.0;

/// Draws the score of every trial by epoch, tree or iteration; the lines of pruned trials end early. `None` if no
/// intermediate score was recorded.
pub(in crate::report) fn score_by_step(stage: &StageOutcome, theme: Theme, width: f64) -> Option<String> {
    let last = stage.trials.iter().flat_map(|trial| &trial.steps).map(|(step, _)| *step).max()?;
    let unit = if stage.unit.is_empty() { "step" } else { &stage.unit };
    let complete = vec![(Mark::Line, TRIAL, "complete".to_owned())];
    let legend = Legend::new(stage, &[TrialState::Pruned], complete, width);
    let top = legend.top();
    let mut canvas = Canvas::new(theme, width, top + HEIGHT + 42.0);
    let steps = || stage.trials.iter().flat_map(|trial| &trial.steps);
    let first = steps().map(|(step, _)| *step).min().unwrap_or(last);
    let room = if first == last { 0.5 } else { 0.0 };
    let x = Scale::whole(first.min(1) as f64 - room, last as f64 + room);
    let y = scores::scale_of(stage.score, steps().map(|(_, score)| *score));
    let axes = Axes { area: [44.0, top, width - 44.0 - 12.0, HEIGHT], x: &x, y: &y };
    axes.draw_y(&mut canvas, scores::label(stage.score));
    axes.draw_x(&mut canvas, unit, false);
    axes.draw_base(&mut canvas);
    legend.draw(&mut canvas);
    let mut trials: Vec<_> = stage.trials.iter().enumerate().collect();
    trials.sort_by_key(|(index, trial)| (stage.selected == Some(*index), trial.state != TrialState::Pruned));
    for (index, trial) in trials {
        let points: Vec<_> = trial.steps.iter().map(|(step, score)| axes.at(*step as f64, *score)).collect();
        let (Some(&end), chosen) = (points.last(), stage.selected == Some(index)) else { continue };
        let (paint, stroke) = match (chosen, trial.state) {
            (true, _) => (CHOSEN, Stroke::new(CHOSEN, 2.25)),
            (_, TrialState::Complete) => (TRIAL, Stroke::new(TRIAL, 1.1)),
            _ => (TRIAL, Stroke::new(TRIAL, 1.0).opacity(0.5)),
        };
        canvas.polyline(&points, stroke);
        match trial.state {
            TrialState::Pruned => canvas.dot(end, 2.2, paint, false),
            _ if points.len() == 1 => canvas.dot(end, 2.0, paint, true),
            _ => {}
        }
    }
    Some(
        canvas
            .finish(&format!("{}: {} by {unit}", stage.title, scores::label(stage.score)), &scores::description(stage)),
    )
}
