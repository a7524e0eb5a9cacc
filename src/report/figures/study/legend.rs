//! The legend of a figure, and the marks of trials.

use super::scores;
use crate::{
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
        figures::marks::{Mark, draw_mark},
        theme::Paint,
    },
    tuning::{StageOutcome, TrialState},
};

/// Colour of trials.
pub(super) const TRIAL: Paint = Paint::Accent(0);
/// Colour of the chosen trial.
pub(super) const CHOSEN: Paint = Paint::Accent(1);

/// Height of a line of the legend, in pixels.
const ROW: f64 = 17.0;
/// Font size of the legend, in pixels.
const SIZE: f64 = 10.5;
/// Distance from the start of an entry to its text, in pixels.
const INDENT: f64 = 20.0;

/// Safety factor on estimated text widths, because the reader's typeface is unknown.
const WIDTH_FACTOR: f64 = 1.08;

/// A legend with the position of every entry.
pub(super) struct Legend {
    entries: Vec<(f64, f64, Mark, Paint, String)>,
    rows: usize,
}

impl Legend {
    /// Lays out the chosen trial, those of `states` that occur, then `more`, in lines of `width` pixels.
    pub(super) fn new(
        stage: &StageOutcome,
        states: &[TrialState],
        more: Vec<(Mark, Paint, String)>,
        width: f64,
    ) -> Self {
        let mut marks = Vec::new();
        if let Some(chosen) = scores::chosen_in_words(stage) {
            let [exact, shorter, score] = chosen.map(|words| format!("chosen: {words}"));
            let fits = |words: &String| INDENT + WIDTH_FACTOR * text_width(words, SIZE) <= width;
            let words = [exact, shorter].into_iter().find(fits).unwrap_or(score);
            marks.push((Mark::Diamond, CHOSEN, words));
        }
        for (state, mark, word) in
            [(TrialState::Pruned, Mark::Ring, "pruned"), (TrialState::Failed, Mark::Cross, "failed")]
        {
            if states.contains(&state) && stage.trials.iter().any(|trial| trial.state == state) {
                marks.push((mark, if state == TrialState::Failed { Paint::Soft } else { TRIAL }, word.to_owned()));
            }
        }
        let mut legend = Self { entries: Vec::new(), rows: 0 };
        let mut right = f64::INFINITY;
        for (mark, paint, text) in marks.into_iter().chain(more) {
            let text = shortened(&text, SIZE, (width - INDENT) / WIDTH_FACTOR);
            let length = INDENT + WIDTH_FACTOR * text_width(&text, SIZE);
            if right + length > width {
                legend.rows += 1;
                right = 0.0;
            }
            legend.entries.push((right, ROW * legend.rows as f64 - 6.0, mark, paint, text));
            right += length + 10.0;
        }
        legend
    }

    /// Top of the plotting area below the legend, in pixels.
    pub(super) fn top(&self) -> f64 {
        28.0 + ROW * self.rows as f64
    }

    /// Draws the legend.
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        for (x, y, mark, paint, text) in &self.entries {
            draw_mark(canvas, (x + 7.0, y - 3.6), *mark, *paint);
            canvas.text((x + INDENT, *y), text, Style::new(Anchor::Start).size(SIZE));
        }
    }
}

/// Draws the mark of a trial with a score: a diamond for the chosen one, a ring for a pruned one, else a dot.
pub(super) fn draw_trial(canvas: &mut Canvas, at: (f64, f64), state: TrialState, chosen: bool) {
    match (chosen, state) {
        (true, _) => draw_mark(canvas, at, Mark::Diamond, CHOSEN),
        (_, TrialState::Pruned) => canvas.dot(at, 2.6, TRIAL, false),
        _ => canvas.dot(at, 2.2, TRIAL, true),
    }
}

/// Distance of a mark from the end of the axis if its value lies beyond it, in pixels; the arrow head fits between.
pub(super) const ARROW_ROOM: f64 = 12.0;

/// Draws the arrow head of a value beyond the axis, in the direction `(dx, dy)` from its mark to the end of the axis.
pub(super) fn draw_beyond(canvas: &mut Canvas, (x, y): (f64, f64), (dx, dy): (f64, f64), paint: Paint) {
    let at = |along: f64, across: f64| (x + along * dx - across * dy, y + along * dy + across * dx);
    canvas.polyline(&[at(7.5, -3.5), at(11.0, 0.0), at(7.5, 3.5)], Stroke::new(paint, 1.5));
}
