//! What the marks of a figure mean, and the marks of trials.

use super::{CHOSEN, TRIAL, scores};
use crate::{
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
        figures::marks::{Mark, draw_mark},
        theme::Paint,
    },
    tuning::{StageOutcome, TrialState},
};

/// Height of a line of the legend, in pixels.
const ROW: f64 = 17.0;
/// Text of the legend.
const SIZE: f64 = 10.5;
/// From the beginning of an entry to its text.
const INDENT: f64 = 20.0;

/// How much wider a text may be than it is thought to be: readers' typefaces differ.
const WIDER: f64 = 1.08;

/// The entries of a legend, laid out.
pub(super) struct Legend {
    entries: Vec<(f64, f64, Mark, Paint, String)>,
    rows: usize,
}

impl Legend {
    /// The chosen trial and the states of trials that the figure shows, then `more`; laid out in lines of `width`
    /// pixels.
    pub(super) fn new(
        stage: &StageOutcome,
        states: &[TrialState],
        more: Vec<(Mark, Paint, String)>,
        width: f64,
    ) -> Self {
        let mut marks = Vec::new();
        if let Some(chosen) = scores::chosen_in_words(stage) {
            let [exact, shorter, score] = chosen.map(|words| format!("chosen: {words}"));
            let fits = |words: &String| INDENT + WIDER * text_width(words, SIZE) <= width;
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
            let text = shortened(&text, SIZE, (width - INDENT) / WIDER);
            let length = INDENT + WIDER * text_width(&text, SIZE);
            if right + length > width {
                legend.rows += 1;
                right = 0.0;
            }
            legend.entries.push((right, ROW * legend.rows as f64 - 6.0, mark, paint, text));
            right += length + 10.0;
        }
        legend
    }

    /// Where the plotting area begins below it.
    pub(super) fn top(&self) -> f64 {
        28.0 + ROW * self.rows as f64
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) {
        for (x, y, mark, paint, text) in &self.entries {
            draw_mark(canvas, (x + 7.0, y - 3.6), *mark, *paint);
            canvas.text((x + INDENT, *y), text, Style::new(Anchor::Start).size(SIZE));
        }
    }
}

/// Draws a trial with a score; the chosen one differs, and so do those that were pruned.
pub(super) fn draw_trial(canvas: &mut Canvas, at: (f64, f64), state: TrialState, chosen: bool) {
    match (chosen, state) {
        (true, _) => draw_mark(canvas, at, Mark::Diamond, CHOSEN),
        (_, TrialState::Pruned) => canvas.dot(at, 2.6, TRIAL, false),
        _ => canvas.dot(at, 2.2, TRIAL, true),
    }
}

/// How far a mark stays away from the end of the axis beyond which its value lies, so that an arrow head fits between.
pub(super) const ROOM: f64 = 12.0;

/// The arrow head of a value beyond the axis, from its mark to the axis's end in the direction of `(dx, dy)`.
pub(super) fn draw_beyond(canvas: &mut Canvas, (x, y): (f64, f64), (dx, dy): (f64, f64), paint: Paint) {
    let at = |along: f64, across: f64| (x + along * dx - across * dy, y + along * dy + across * dx);
    canvas.polyline(&[at(7.5, -3.5), at(11.0, 0.0), at(7.5, 3.5)], Stroke::new(paint, 1.5));
}
