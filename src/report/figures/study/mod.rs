//! The figures of a hyperparameter study: what each stage found, one function each.

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
    report::theme::{Paint, Theme},
    tuning::{PlotKind, StageOutcome},
};

/// Trials.
const TRIAL: Paint = Paint::Accent(0);
/// The chosen one.
const CHOSEN: Paint = Paint::Accent(1);

/// How the scores of a stage lie over what it searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Plot {
    /// A line over one number.
    Line,
    /// A row for each choice.
    Bars,
    /// A bar between two numbers for each trial.
    Intervals,
    /// A surface over two numbers.
    Contour,
}

impl Plot {
    /// The plot that a stage asks for; none if that is its progress alone, or if its parameters are not those of the
    /// plot.
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

    /// Draws it.
    pub(in crate::report) fn draw(self, stage: &StageOutcome, theme: Theme, width: f64) -> String {
        match self {
            Self::Line => line::line(stage, theme, width),
            Self::Bars => bars::bars(stage, theme, width),
            Self::Intervals => intervals::intervals(stage, theme, width),
            Self::Contour => contour::contour(stage, theme, width),
        }
    }
}

/// What a screen reader says of a figure: the chosen trial, and how many others there are.
fn description(stage: &StageOutcome) -> String {
    let chosen = scores::chosen_in_words(stage)
        .map_or_else(|| "None is chosen yet".to_owned(), |[chosen, ..]| format!("Chosen: {chosen}"));
    let trials = stage.trials.len();
    format!("{trials} trial{}. {chosen}.", if trials == 1 { "" } else { "s" })
}
