//! Captions of the figures of a stage.

use crate::{
    report::figures::Plot,
    tuning::{Score, StageOutcome, TrialState},
};

fn score(stage: &StageOutcome) -> &'static str {
    match stage.score {
        Score::Accuracy => "Accuracy",
        Score::LogLoss => "Log-loss",
    }
}

/// Caption of the scores over the searched settings.
pub(super) fn plot(stage: &StageOutcome, plot: Plot) -> String {
    let score = score(stage);
    let label = |index: usize| stage.parameters.get(index).map_or("", |parameter| parameter.label.as_str());
    let complete = || stage.trials.iter().filter(|trial| trial.state == TrialState::Complete);
    let errors = complete().any(|trial| trial.standard_error.is_some());
    match plot {
        Plot::Line => {
            let several = complete().any(|trial| complete().any(|other| other.values != trial.values));
            let band = match (errors, several) {
                (true, true) => " The band is ± one standard error.",
                (true, false) => " The vertical line is ± one standard error.",
                (false, _) => "",
            };
            let train =
                if complete().any(|trial| trial.train_score.is_some()) { " Dashed: training images." } else { "" };
            format!("{score} by {}.{band}{train}", label(0))
        }
        Plot::Bars => {
            let lines = if errors { " Horizontal lines are ± one standard error." } else { "" };
            format!("{score} of each choice, best first.{lines}")
        }
        Plot::Intervals => {
            let pruned = if stage.trials.iter().any(|trial| trial.state == TrialState::Pruned) {
                " Dashed bars: pruned trials."
            } else {
                ""
            };
            let (first, second) = (label(0), label(1));
            format!(
                "One bar for each trial, from {first} to {second}, at the height of its score. Later trials have a \
                 stronger colour.{pruned}"
            )
        }
        Plot::Contour => format!(
            "{score} by {} and {}. Dots are trials. The coloured surface is a Gaussian kernel regression through \
             them, as a guide to the eye; its colours are logarithmic in the error, like the axes of the other \
             figures.",
            label(0),
            label(1)
        ),
    }
}

/// Caption of the scores by trial.
pub(super) fn progress(stage: &StageOutcome) -> String {
    format!("{} of each trial, in the order in which they were proposed.", score(stage))
}

/// Caption of the scores by training step.
pub(super) fn steps(stage: &StageOutcome) -> String {
    let unit = if stage.unit.is_empty() { "step" } else { &stage.unit };
    let pruned = stage.trials.iter().any(|trial| trial.state == TrialState::Pruned);
    let end = if pruned { "; rings mark where trials were pruned" } else { "" };
    format!("{} of every trial by {unit}{end}.", score(stage))
}
