//! What is written below the figures of a stage.

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

/// Of the figure of a stage's scores over what it searched.
pub(super) fn plot(stage: &StageOutcome, plot: Plot) -> String {
    let score = score(stage);
    let label = |place: usize| stage.parameters.get(place).map_or("", |parameter| parameter.label.as_str());
    let complete = || stage.trials.iter().filter(|trial| trial.state == TrialState::Complete);
    let errors = complete().any(|trial| trial.standard_error.is_some());
    match plot {
        Plot::Line => {
            let several = complete().any(|trial| complete().any(|other| other.values != trial.values));
            let band = match (errors, several) {
                (true, true) => " The band is one standard error to either side.",
                (true, false) => " The line is one standard error to either side.",
                (false, _) => "",
            };
            let train =
                if complete().any(|trial| trial.train_score.is_some()) { " Dashed: on training images." } else { "" };
            format!("{score} by {}.{band}{train}", label(0))
        }
        Plot::Bars => {
            let lines = if errors { " Lines are one standard error to either side." } else { "" };
            format!("{score} of each choice, the best first.{lines}")
        }
        Plot::Intervals => {
            let pruned = if stage.trials.iter().any(|trial| trial.state == TrialState::Pruned) {
                " Dashed: pruned."
            } else {
                ""
            };
            let (first, second) = (label(0), label(1));
            format!(
                "Each trial as a bar from {first} to {second} at the height of its score; later trials are stronger in colour.{pruned}"
            )
        }
        Plot::Contour => format!(
            "{score} by {} and {}. The surface is a mean of the trials weighted by a Gaussian of their distance, a guide to the eye; dots are \
             trials. Its colours are spaced as the scores of the other figures.",
            label(0),
            label(1)
        ),
    }
}

/// Of the figure of scores by trial.
pub(super) fn progress(stage: &StageOutcome) -> String {
    format!("{} of each trial in the order in which they were proposed.", score(stage))
}

/// Of the figure of scores by step.
pub(super) fn steps(stage: &StageOutcome) -> String {
    let unit = if stage.unit.is_empty() { "step" } else { &stage.unit };
    let pruned = stage.trials.iter().any(|trial| trial.state == TrialState::Pruned);
    let end = if pruned { "; rings mark where trials were stopped" } else { "" };
    format!("{} of every trial by {unit}{end}.", score(stage))
}
