//! What surrounds a fit of a classical model, and what comes of it.

use std::time::Duration;

use super::ClassicalError;
use crate::{
    data::{CLASSES, Digits},
    fit::{FitTiming, History, HistoryPoint, Observe},
    progress::{Cancel, Progress},
    seed::Seed,
};

/// Everything about one fit that is no setting of the model. It runs on the rayon pool of its caller; the result does
/// not depend on its size.
#[derive(Clone, Copy)]
pub struct ClassicalJob<'a> {
    /// From which every draw derives.
    pub seed: Seed,
    /// Told of each step.
    pub progress: &'a dyn Progress,
    /// What the fit is called there.
    pub name: &'a str,
    /// Asked between steps.
    pub cancel: &'a Cancel,
    /// Sees each step that is validated, and may end the fit there.
    pub observe: Option<&'a Observe<'a>>,
}

/// A model and how it came about.
#[derive(Clone, Debug)]
pub struct ClassicalFit<M> {
    /// The model.
    pub model: M,
    /// One point for each iteration of a regression, one for the whole fit of a support-vector machine.
    pub history: History,
    /// How long it took.
    pub timing: FitTiming,
}

impl ClassicalJob<'_> {
    /// The classes that occur, ascending; an error if there is nothing to learn from.
    pub(super) fn classes(&self, train: &Digits) -> Result<Vec<u8>, ClassicalError> {
        let counts = train.class_counts();
        let classes: Vec<u8> = (0..CLASSES as u8).filter(|&class| counts[usize::from(class)] > 0).collect();
        match classes.is_empty() {
            true => Err(ClassicalError::Digits {
                name: self.name.to_owned(),
                problem: "there is no image to learn from".to_owned(),
            }),
            false => Ok(classes),
        }
    }

    pub(super) fn cancelled(&self) -> ClassicalError {
        ClassicalError::Cancelled { name: self.name.to_owned() }
    }

    /// Fails if somebody asked to stop.
    pub(super) fn go_on(&self) -> Result<(), ClassicalError> {
        if self.cancel.is_cancelled() { Err(self.cancelled()) } else { Ok(()) }
    }

    /// True if the point's observer ends the fit there.
    pub(super) fn ends_at(&self, point: &HistoryPoint) -> bool {
        point.validation_accuracy.is_some() && self.observe.is_some_and(|observe| observe(point).is_break())
    }
}

/// Most that one image adds to a log-loss that is only reported: that of a class that was never learned would be
/// infinite. As in [`evaluation`](crate::evaluation), −ln(10⁻¹⁵).
pub(super) const MOST_LOSS: f64 = 34.538_776_394_910_684;

/// How well a model does on some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Mean log-loss.
    pub loss: f64,
    /// Share of the images whose label has the greatest probability.
    pub accuracy: f64,
}

impl Standing {
    /// Of predictions, `[n, 10]`, for images with these labels, `[n]`.
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

/// The timing of a fit of so many images in steps that ended at these times after its start.
pub(super) fn timing(images: u64, ends: &[Duration], whole: Duration) -> FitTiming {
    let seconds: Vec<f64> = ends.iter().map(Duration::as_secs_f64).collect();
    let step_seconds =
        seconds.iter().enumerate().map(|(step, end)| end - if step == 0 { 0.0 } else { seconds[step - 1] }).collect();
    FitTiming { seconds: whole.as_secs_f64(), images, step_seconds, ..FitTiming::default() }
}
