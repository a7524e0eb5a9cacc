//! Result, scores and timing of a fit of a classical model.

use std::time::{Duration, Instant};

use super::error::ClassicalError;
use crate::{
    data::{CLASSES, Digits, Images, Probabilities},
    fit::{FitContext, FitTiming, History, HistoryPoint},
};

/// Fitted classical model with its history and timing.
#[derive(Clone, Debug)]
pub struct ClassicalFit<M> {
    /// The model.
    pub model: M,
    /// One point for each iteration of a regression, one for the whole fit of a support-vector machine.
    pub history: History,
    /// Wall time of the fit and of its steps.
    pub timing: FitTiming,
}

/// Returns the classes that occur, ascending.
///
/// # Errors
/// If there is no image.
pub(super) fn classes(train: &Digits, context: &FitContext) -> Result<Vec<u8>, ClassicalError> {
    let counts = train.class_counts();
    let classes: Vec<u8> = (0..CLASSES as u8).filter(|&class| counts[usize::from(class)] > 0).collect();
    match classes.is_empty() {
        true => Err(ClassicalError::Digits {
            name: context.label.to_owned(),
            problem: "there is no training image".to_owned(),
        }),
        false => Ok(classes),
    }
}

/// The error of a fit that was asked to stop.
pub(super) fn cancelled(context: &FitContext) -> ClassicalError {
    ClassicalError::Cancelled { name: context.label.to_owned() }
}

/// Fails if the fit was asked to stop.
pub(super) fn check_cancelled(context: &FitContext) -> Result<(), ClassicalError> {
    if context.cancel.is_cancelled() { Err(cancelled(context)) } else { Ok(()) }
}

/// Shows a validated point to the observer; true if the observer ends the fit there.
pub(super) fn ends_at(point: &HistoryPoint, context: &FitContext) -> bool {
    point.validation_accuracy.is_some() && context.observe.is_some_and(|observe| observe(point).is_break())
}

/// Upper bound of one image's part in a reported log-loss, −ln(10⁻¹⁵): the loss of a class that was not among the
/// training images would be infinite. The same as in [`evaluation`](crate::evaluation).
pub(super) const MOST_LOSS: f64 = 34.538_776_394_910_684;

/// Loss and accuracy of a model on some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Mean log-loss.
    pub loss: f64,
    /// Fraction of the images whose label has the greatest probability.
    pub accuracy: f64,
}

impl Standing {
    /// Scores predictions, `[n, 10]`, for images with these labels, `[n]`.
    pub(super) fn of(probabilities: &[[f32; CLASSES]], labels: &[u8]) -> Self {
        let (mut loss, mut correct) = (0.0, 0_usize);
        for (row, &label) in probabilities.iter().zip(labels) {
            let probability = row[usize::from(label)];
            loss += (-f64::from(probability).ln()).min(MOST_LOSS);
            correct += usize::from(row.iter().all(|&other| other <= probability));
        }
        let n = labels.len().max(1) as f64;
        Self { loss: loss / n, accuracy: correct as f64 / n }
    }
}

/// Scores a model that was fitted in one step; returns the history and timing of the fit.
///
/// # Errors
/// If the fit was asked to stop or its observer ends it.
pub(crate) fn score_one_step(
    predict: impl FnOnce(&Images) -> Probabilities,
    validation: Option<&Digits>,
    images: u64,
    start: Instant,
    context: &FitContext,
) -> Result<(History, FitTiming), ClassicalError> {
    check_cancelled(context)?;
    let scored = validation.filter(|digits| !digits.is_empty());
    let standing = scored.map(|digits| Standing::of(&predict(&digits.images), &digits.labels));
    let point = HistoryPoint {
        step: 1,
        train_loss: None,
        train_accuracy: None,
        validation_loss: standing.map(|standing| standing.loss),
        validation_accuracy: standing.map(|standing| standing.accuracy),
        learning_rate: None,
    };
    if ends_at(&point, context) {
        return Err(cancelled(context));
    }
    let history = History { unit: "fit".to_owned(), points: vec![point], ..History::default() };
    Ok((history, timing(images, &[start.elapsed()], start.elapsed())))
}

/// Timing of a fit on so many images, with the time from the start to the end of each step.
pub(super) fn timing(images: u64, ends: &[Duration], whole: Duration) -> FitTiming {
    let seconds: Vec<f64> = ends.iter().map(Duration::as_secs_f64).collect();
    let step_seconds =
        seconds.iter().enumerate().map(|(step, end)| end - if step == 0 { 0.0 } else { seconds[step - 1] }).collect();
    FitTiming { seconds: whole.as_secs_f64(), images, step_seconds, ..FitTiming::default() }
}
