//! Scores in the order of the trials.

use super::{
    legend::{ARROW_ROOM, CHOSEN, Legend, TRIAL, draw_beyond, draw_trial},
    scores,
};
use crate::{
    report::{
        canvas::{Canvas, Stroke},
        figures::{
            axes::Axes,
            marks::{Mark, draw_mark},
        },
        scale::Scale,
        theme::{Paint, Theme},
    },
    tuning::{StageOutcome, TrialState},
};

/// Height of the plotting area, in pixels.
const HEIGHT: f64 = 160.0;

/// Draws the score of each trial in their order, and the best score so far.
pub(in crate::report) fn score_by_trial(stage: &StageOutcome, theme: Theme, width: f64) -> String {
    let best = vec![(Mark::Line, Paint::Soft, "best so far".to_owned())];
    let legend = Legend::new(stage, &[TrialState::Pruned, TrialState::Failed], best, width);
    let top = legend.top();
    let mut canvas = Canvas::new(theme, width, top + HEIGHT + 42.0);
    let last = stage.trials.len() as f64;
    let x = Scale::whole(0.5, last + 0.5);
    let y = scores::scale_around(stage, scores::scored(stage).map(|scored| scored.score), scores::FAR);
    let axes = Axes { area: [44.0, top, width - 44.0 - 12.0, HEIGHT], x: &x, y: &y };
    axes.draw_y(&mut canvas, scores::label(stage.score));
    axes.draw_x(&mut canvas, "trial", false);
    axes.draw_base(&mut canvas);
    legend.draw(&mut canvas);

    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut best = f64::NEG_INFINITY;
    for scored in scores::complete(stage).filter(|scored| {
        let better = scored.score > best;
        best = best.max(scored.score);
        better
    }) {
        let (x, y) = axes.at(scored.index as f64 + 1.0, scored.score);
        steps.extend(steps.last().map(|(_, before)| (x, *before)));
        steps.push((x, y));
    }
    steps.extend(steps.last().map(|(_, before)| (axes.at(last + 0.5, 0.0).0, *before)));
    canvas.polyline(&steps, Stroke::new(Paint::Soft, 1.25));

    for (index, _) in stage.trials.iter().enumerate().filter(|(_, trial)| trial.state == TrialState::Failed) {
        draw_mark(&mut canvas, (axes.at(index as f64 + 1.0, 0.0).0, top + HEIGHT), Mark::Cross, Paint::Soft);
    }
    let mut trials: Vec<_> = scores::scored(stage).collect();
    trials.sort_by_key(|scored| stage.selected == Some(scored.index));
    for scored in trials {
        let (chosen, at) = (stage.selected == Some(scored.index), axes.at(scored.index as f64 + 1.0, scored.score));
        let paint = if chosen { CHOSEN } else { TRIAL };
        let at = if y.beyond(scored.score) {
            let above = (at.0, at.1 - ARROW_ROOM);
            draw_beyond(&mut canvas, above, (0.0, 1.0), paint);
            above
        } else {
            at
        };
        draw_trial(&mut canvas, at, scored.trial.state, chosen);
    }
    canvas.finish(&format!("{}: {} by trial", stage.title, scores::label(stage.score)), &scores::description(stage))
}
