//! Checks the input of a run's report before anything is drawn.

use super::page;
use crate::{
    data::CLASSES,
    report::{error::ReportError, input::ReportInput},
};

/// Checks every value that a figure or table relies on.
///
/// # Errors
/// [`ReportError::Input`] for the first value that cannot be drawn.
pub(in crate::report) fn check(input: &ReportInput) -> Result<(), ReportError> {
    for model in &input.models {
        for (set, scores) in page::sets(model, input.data.held_out()) {
            if let Some(scores) = scores.filter(|scores| scores.correct > scores.images) {
                let found = format!("found {} correct of {} images", scores.correct, scores.images);
                return Err(ReportError::input(format!("the {set} scores of {}", model.name), found));
            }
        }
    }
    for stage in &input.timings {
        if !(stage.seconds >= 0.0 && stage.seconds.is_finite()) {
            return Err(ReportError::input(
                format!("the time of stage {}", stage.name),
                format!("found {} seconds, expected at least 0", stage.seconds),
            ));
        }
    }
    if let Some(study) = &input.study {
        let relative = !study.is_empty()
            && !study.starts_with(['/', '\\'])
            && !study.split('/').next().unwrap_or_default().contains(':');
        if !relative {
            return Err(ReportError::input(
                "the link to the search",
                format!("found `{study}`, expected a relative path"),
            ));
        }
    }
    let digit = |what: String, digit: u8| match usize::from(digit) < CLASSES {
        true => Ok(()),
        false => Err(ReportError::input(what, format!("found digit {digit}, expected 0 to 9"))),
    };
    for mistake in &input.mistakes {
        digit(format!("mistake {}", mistake.name), mistake.label.max(mistake.predicted))?;
    }
    for doubt in &input.doubts {
        digit(format!("doubtful label of {}", doubt.name), doubt.label.max(doubt.predicted))?;
    }
    if let Some(curve) = &input.risk_coverage {
        let points = curve.points.iter().chain(&curve.threshold);
        if let Some(point) = points.clone().find(|point| point.errors > point.answered || point.answered > curve.images)
        {
            let found = format!("found {} errors among {} answers of {}", point.errors, point.answered, curve.images);
            return Err(ReportError::input("the risk–coverage curve", found));
        }
    }
    for (index, example) in input.examples.iter().enumerate() {
        digit(format!("example {index}"), example.label)?;
    }
    for filters in &input.filters {
        let wrong =
            filters.weights.iter().find(|weights| filters.side == 0 || weights.len() != filters.side * filters.side);
        if let Some(weights) = wrong {
            let found = format!("found {} weights, expected {} × {}", weights.len(), filters.side, filters.side);
            return Err(ReportError::input(format!("a filter of {}", filters.member), found));
        }
    }
    Ok(())
}
