//! Scores over two numeric settings of the same unit.

use super::{
    legend::{ARROW_ROOM, CHOSEN, Legend, TRIAL, draw_beyond},
    scores,
};
use crate::{
    report::{
        canvas::{Canvas, Stroke, shortened},
        figures::{
            axes::Axes,
            marks::{Mark, draw_mark},
        },
        theme::Theme,
    },
    tuning::{StageOutcome, TrialState},
};

/// Height of the plotting area, in pixels.
const HEIGHT: f64 = 230.0;

/// Draws a bar for each trial, from the first setting to the second, at the height of its score; later trials are
/// darker.
pub(super) fn intervals(stage: &StageOutcome, theme: Theme, width: f64) -> String {
    let [first, second] = [0, 1].map(|index: usize| stage.parameters[index].label.as_str());
    let ends = vec![(Mark::Dot, TRIAL, first.to_owned()), (Mark::Bar, TRIAL, second.to_owned())];
    let legend = Legend::new(stage, &[], ends, width);
    let top = legend.top();
    let mut canvas = Canvas::new(theme, width, top + HEIGHT + 42.0);
    let numbers: Vec<f64> = scores::scored(stage).flat_map(|scored| scored.trial.values.iter().copied()).collect();
    let x = scores::number_scale(&numbers, stage.parameters.iter().all(|parameter| parameter.log));
    let y = scores::scale_around(stage, scores::scored(stage).map(|scored| scored.score), scores::FAR);
    let axes = Axes { area: [44.0, top, width - 44.0 - 12.0, HEIGHT], x: &x, y: &y };
    axes.draw_y(&mut canvas, scores::label(stage.score));
    axes.draw_x(&mut canvas, &shortened(&format!("{first} and {second}"), 10.5, axes.area[2]), false);
    axes.draw_base(&mut canvas);
    legend.draw(&mut canvas);
    let last = stage.trials.len().saturating_sub(1).max(1) as f64;
    let mut trials: Vec<_> = scores::scored(stage).collect();
    trials.sort_by_key(|scored| stage.selected == Some(scored.index));
    for scored in trials {
        let chosen = stage.selected == Some(scored.index);
        let [(from, at), (to, _)] = [0, 1].map(|index: usize| axes.at(scored.trial.values[index], scored.score));
        let beyond = y.beyond(scored.score);
        let at = if beyond { at - ARROW_ROOM } else { at };
        let (paint, opacity) = if chosen { (CHOSEN, 1.0) } else { (TRIAL, 0.25 + 0.75 * scored.index as f64 / last) };
        let stroke = Stroke::new(paint, if chosen { 3.0 } else { 2.0 }).opacity(opacity);
        let stroke = if scored.trial.state == TrialState::Pruned { stroke.dashed() } else { stroke };
        canvas.line([from, at, to, at], stroke);
        canvas.line([to, at - 4.0, to, at + 4.0], Stroke::new(paint, 2.0).opacity(opacity));
        if chosen {
            draw_mark(&mut canvas, (from, at), Mark::Diamond, paint);
        } else {
            canvas.disc((from, at), 3.0, paint, opacity);
        }
        if beyond {
            draw_beyond(&mut canvas, ((from + to) / 2.0, at), (0.0, 1.0), paint);
        }
    }
    canvas.finish(
        &format!("{}: {} from {first} to {second}", stage.title, scores::label(stage.score)),
        &scores::description(stage),
    )
}
