//! The figures of a hyperparameter search: one function each.

mod bars;
mod contour;
mod intervals;
mod legend;
mod line;
mod outlines;
mod progress;
mod scores;
mod steps;

pub(in crate::report) use progress::score_by_trial;
pub(in crate::report) use steps::score_by_step;

use crate::{
    report::theme::Theme,
    tuning::{PlotKind, StageOutcome},
};

/// Kind of figure that shows the scores of a stage over the searched settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Plot {
    /// Line over one numeric setting.
    Line,
    /// One row for each choice.
    Bars,
    /// One bar for each trial, between two numeric settings.
    Intervals,
    /// Surface over two numeric settings.
    Contour,
}

impl Plot {
    /// The kind that a stage asks for; `None` if it asks for scores by trial only, or if its settings do not fit the
    /// kind.
    pub(in crate::report) fn of(stage: &StageOutcome) -> Option<Self> {
        let numbers = stage.parameters.iter().filter(|parameter| parameter.choices.is_empty()).count();
        let all = stage.parameters.len();
        let (plot, suits) = match stage.plot {
            PlotKind::Line => (Self::Line, (all, numbers) == (1, 1)),
            PlotKind::Bars => (Self::Bars, all > 0),
            PlotKind::Intervals => (Self::Intervals, (all, numbers) == (2, 2)),
            PlotKind::Contour => (Self::Contour, (all, numbers) == (2, 2)),
            PlotKind::Progress => return None,
        };
        suits.then_some(plot)
    }

    /// Draws the figure as SVG text, `width` pixels wide.
    pub(in crate::report) fn draw(self, stage: &StageOutcome, theme: Theme, width: f64) -> String {
        match self {
            Self::Line => line::line(stage, theme, width),
            Self::Bars => bars::bars(stage, theme, width),
            Self::Intervals => intervals::intervals(stage, theme, width),
            Self::Contour => contour::contour(stage, theme, width),
        }
    }
}
