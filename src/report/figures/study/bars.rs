//! Scores of a categorical setting: one row for each choice.

use super::{
    legend::{ARROW_ROOM, CHOSEN, Legend, TRIAL, draw_beyond},
    scores,
};
use crate::{
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
        figures::{
            axes::Axes,
            marks::{Mark, draw_mark},
        },
        format,
        scale::Scale,
        theme::{Paint, Theme},
    },
    tuning::{StageOutcome, TrialOutcome, TrialState},
};

/// Height of a row, in pixels.
const ROW: f64 = 27.0;
/// Maximum number of rows.
const MAX_ROWS: usize = 40;

/// Name of a row: the choices of the trial.
fn name(stage: &StageOutcome, trial: &TrialOutcome) -> String {
    let values =
        stage.parameters.iter().zip(&trial.values).map(|(parameter, value)| format::setting(parameter, *value));
    values.collect::<Vec<_>>().join(" · ")
}

/// Draws each choice with its score and standard error: complete trials first, then pruned, then failed ones, each
/// group sorted by score.
pub(super) fn bars(stage: &StageOutcome, theme: Theme, width: f64) -> String {
    let mut rows: Vec<(usize, &TrialOutcome)> = stage.trials.iter().enumerate().collect();
    rows.sort_by(|(_, a), (_, b)| {
        let rank = |trial: &TrialOutcome| match trial.state {
            TrialState::Complete if trial.score.is_some() => 0,
            TrialState::Failed => 2,
            _ => 1,
        };
        let score = |trial: &TrialOutcome| trial.score.unwrap_or(f64::NEG_INFINITY);
        rank(a).cmp(&rank(b)).then(score(b).total_cmp(&score(a)))
    });
    let left_out = rows.split_off(rows.len().min(MAX_ROWS)).len();

    let threshold = scores::threshold(stage);
    let dashes = threshold.map(|_| (Mark::Dashes, Paint::Soft, "one standard error below the best".to_owned()));
    let legend = Legend::new(stage, &[TrialState::Pruned, TrialState::Failed], dashes.into_iter().collect(), width);
    let top = legend.top() - 18.0;
    let below = if left_out > 0 { 64.0 } else { 46.0 };
    let mut canvas = Canvas::new(theme, width, top + ROW * rows.len() as f64 + below);
    legend.draw(&mut canvas);
    let names =
        rows.iter().map(|(_, trial)| text_width(&name(stage, trial), 12.0)).fold(48.0, f64::max).min(width * 0.42);
    let figures = 46.0;
    let (x, y) = (scores::scale(stage), Scale::linear(0.0, 1.0));
    let axes = Axes {
        area: [names + 12.0, top, width - names - 12.0 - figures - 14.0, ROW * rows.len() as f64],
        x: &x,
        y: &y,
    };
    axes.draw_x(&mut canvas, scores::label(stage.score), true);
    if let Some(threshold) = threshold.filter(|threshold| !x.beyond(*threshold)) {
        let at = axes.at(threshold, 0.0).0;
        canvas.line([at, top, at, top + axes.area[3]], Stroke::new(Paint::Soft, 1.25).dashed());
    }
    for (row, (index, trial)) in rows.iter().enumerate() {
        let middle = top + ROW * (row as f64 + 0.5);
        let chosen = stage.selected == Some(*index);
        let paint = if chosen { CHOSEN } else { TRIAL };
        if row > 0 {
            canvas.line([0.0, middle - ROW / 2.0, width, middle - ROW / 2.0], Stroke::new(Paint::Grid, 1.0));
        }
        let style = Style::new(Anchor::Start).size(12.0);
        let style = if chosen { style.bold().paint(CHOSEN) } else { style };
        canvas.text((0.0, middle + 4.0), &shortened(&name(stage, trial), 12.0, names + 2.0), style);
        let figure = Style::new(Anchor::End).size(12.0);
        let (Some(score), false) = (trial.score, trial.state == TrialState::Failed) else {
            draw_mark(&mut canvas, (axes.area[0], middle), Mark::Cross, Paint::Soft);
            canvas.text((width, middle + 4.0), "failed", figure.size(10.5).paint(Paint::Soft));
            continue;
        };
        let error = trial.standard_error.unwrap_or(0.0);
        let [low, at, high] = [score - error, score, score + error].map(|value| axes.at(value, 0.0).0);
        canvas.line([low, middle, high, middle], Stroke::new(paint, 1.75));
        let mark = match (chosen, trial.state) {
            (true, _) => Mark::Diamond,
            (_, TrialState::Pruned) => Mark::Ring,
            _ => Mark::Dot,
        };
        if x.beyond(score) {
            draw_beyond(&mut canvas, (at + ARROW_ROOM, middle), (-1.0, 0.0), paint);
            draw_mark(&mut canvas, (at + ARROW_ROOM, middle), mark, paint);
        } else {
            draw_mark(&mut canvas, (at, middle), mark, paint);
        }
        canvas.text(
            (width, middle + 4.0),
            &format::score(stage.score, score),
            if chosen { figure.bold() } else { figure },
        );
    }
    if left_out > 0 {
        let text = format!("and {left_out} more");
        canvas.text((0.0, top + axes.area[3] + 58.0), &text, Style::new(Anchor::Start).size(10.5).paint(Paint::Soft));
    }
    let words = rows.iter().map(|(_, trial)| {
        let score = trial.score.map_or_else(|| "failed".to_owned(), |score| format::score(stage.score, score));
        format!("{}: {score}", name(stage, trial))
    });
    let words = words.collect::<Vec<_>>().join("; ");
    canvas.finish(
        &format!("{}: {} by choice", stage.title, scores::label(stage.score)),
        &format!("{} {words}.", scores::description(stage)),
    )
}
