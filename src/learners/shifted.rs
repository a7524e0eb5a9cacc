//! Decorator of a learner whose predictions are means over shifted copies of the image: `shifts` in
//! `[members.predict]`.
//!
//! The model is fitted as it is without. A net is not quite the same a pixel to the left; its mean over a few positions
//! errs less, at their number times the cost of a prediction.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    classifier::{Classifier, Inspect, Predictor},
    decorated_net::{DecoratedNet, Decorator},
    error::LearnerError,
    learner::{Description, Fitted, Learner, NetCapabilities},
};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    fit::FitContext,
};

/// Name of the table in a member's table.
pub(super) const FIELD: &str = "predict";

/// Offsets in pixels, right and down, nearest first. The first 1, 5, 9 and 25 are symmetric sets.
const OFFSETS: [(isize, isize); 25] = [
    (0, 0),
    (-1, 0),
    (1, 0),
    (0, -1),
    (0, 1),
    (-1, -1),
    (1, -1),
    (-1, 1),
    (1, 1),
    (-2, 0),
    (2, 0),
    (0, -2),
    (0, 2),
    (-2, -1),
    (2, -1),
    (-2, 1),
    (2, 1),
    (-1, -2),
    (1, -2),
    (-1, 2),
    (1, 2),
    (-2, -2),
    (2, -2),
    (-2, 2),
    (2, 2),
];
/// Allowed numbers of positions.
const COUNTS: [u32; 4] = [1, 5, 9, 25];

/// Predictions of the fitted member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PredictSettings {
    /// Positions of an image whose probabilities are averaged: 1, the image as it is; 5, also shifted by a pixel to
    /// each side; 9, diagonally, too; 25, all shifts of up to two pixels. A prediction takes as many times as long.
    #[schemars(extend("enum" = COUNTS))]
    shifts: u32,
}

impl Default for PredictSettings {
    fn default() -> Self {
        Self { shifts: 1 }
    }
}

/// Decorator of a learner of any kind: its fitted model predicts the mean over shifted copies of the image.
pub(super) struct ShiftedLearner {
    description: Description,
    inner: Box<dyn Learner>,
    shifts: Shifts,
}

/// Shifts of an image, the first of which is none.
#[derive(Clone, Copy, Debug)]
struct Shifts(&'static [(isize, isize)]);

impl Shifts {
    /// The mean of a model's predictions at all positions.
    fn mean_of(self, images: &Images, model: &dyn Classifier) -> Result<Probabilities, LearnerError> {
        let mut sums = model.predict_proba(images)?;
        for &offset in &self.0[1..] {
            let shifted = Images::from_images(images.iter().map(|image| shift(image, offset)));
            for (sums, row) in sums.iter_mut().zip(model.predict_proba(&shifted)?) {
                add(sums, &row);
            }
        }
        sums.iter_mut().for_each(|row| self.divide(row));
        Ok(sums)
    }

    fn divide(self, row: &mut [f32; CLASSES]) {
        let count = self.0.len() as f32;
        row.iter_mut().for_each(|value| *value /= count);
    }

    /// The model with these shifts before it and the mean behind it.
    fn around(self, inner: Box<dyn Classifier>) -> Box<dyn Classifier> {
        Box::new(ShiftedClassifier { inner, shifts: self })
    }
}

fn add(sums: &mut [f32; CLASSES], row: &[f32; CLASSES]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// Moves an image by whole pixels, right and down. What leaves it is lost, what enters is background.
fn shift(image: &[u8; PIXELS], (right, down): (isize, isize)) -> [u8; PIXELS] {
    let mut shifted = [0; PIXELS];
    let (rows, columns) = (kept(down), kept(right));
    for row in rows {
        let source = (row as isize - down) as usize * SIDE;
        let from = (columns.start as isize - right) as usize;
        let (start, length) = (row * SIDE + columns.start, columns.len());
        shifted[start..start + length].copy_from_slice(&image[source + from..source + from + length]);
    }
    shifted
}

/// Indices of a line that still lie on the image when it has moved by `offset`, at most its length.
fn kept(offset: isize) -> std::ops::Range<usize> {
    let lost = offset.unsigned_abs();
    if offset < 0 { 0..SIDE - lost } else { lost..SIDE }
}

impl ShiftedLearner {
    /// Decorates a learner, unless one position is asked for.
    ///
    /// # Errors
    /// If the number of positions is not allowed.
    pub(super) fn decorate(inner: Box<dyn Learner>, settings: PredictSettings) -> Result<Box<dyn Learner>, FieldError> {
        let count = settings.shifts;
        if !COUNTS.contains(&count) {
            let problem = format!("found {count}, expected 1, 5, 9 or 25");
            return Err(FieldError::new("shifts", problem).inside(FIELD));
        }
        if count == 1 {
            return Ok(inner);
        }
        Ok(Box::new(Self::new(inner, Shifts(&OFFSETS[..count as usize]))))
    }

    fn new(inner: Box<dyn Learner>, shifts: Shifts) -> Self {
        let mut description = inner.description().clone();
        let count = shifts.0.len();
        description.summary = format!("{}, mean over {count} shifts", description.summary);
        description.layers.push((format!("mean over {count} shifts"), CLASSES.to_string()));
        description.shifts = count as u32;
        Self { description, inner, shifts }
    }
}

impl Learner for ShiftedLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        let settings = toml::Table::try_from(PredictSettings { shifts: self.description.shifts });
        let name = || self.description.name.clone();
        let settings = settings.map_err(|source| LearnerError::Settings { name: name(), source })?;
        let mut table = self.inner.settings()?;
        table.insert(FIELD.to_owned(), settings.into());
        Ok(table)
    }

    fn cost(&self, images: usize) -> f64 {
        self.inner.cost(images)
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let fitted = self.inner.fit(train, validation, context)?;
        Ok(Fitted { classifier: self.shifts.around(fitted.classifier), ..fitted })
    }

    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(self.shifts.around(self.inner.load(folder, device)?))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        Some(Box::new(DecoratedNet { inner: self.inner.net()?, decorator: self }))
    }
}

impl Decorator for ShiftedLearner {
    fn model(&self, inner: Box<dyn Classifier>) -> Box<dyn Classifier> {
        self.shifts.around(inner)
    }

    fn overfitting(&self, inner: Box<dyn Learner>) -> Box<dyn Learner> {
        // Whether the net itself memorises its images is what is asked.
        inner
    }
}

/// Fitted model whose predictions are means over shifts.
struct ShiftedClassifier {
    inner: Box<dyn Classifier>,
    shifts: Shifts,
}

impl Classifier for ShiftedClassifier {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        self.shifts.mean_of(images, &*self.inner)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(ShiftedPredictor { inner: self.inner.predictor()?, shifts: self.shifts }))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        self.inner.save(folder)
    }

    fn inspect(&self) -> &dyn Inspect {
        self.inner.inspect()
    }
}

/// Predictor of the mean over shifts.
struct ShiftedPredictor {
    inner: Box<dyn Predictor>,
    shifts: Shifts,
}

impl Predictor for ShiftedPredictor {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let mut sums = self.inner.predict_one(image);
        for &offset in &self.shifts.0[1..] {
            add(&mut sums, &self.inner.predict_one(&shift(image, offset)));
        }
        self.shifts.divide(&mut sums);
        sums
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(Self { inner: self.inner.another(), shifts: self.shifts })
    }
}

#[cfg(test)]
mod tests;
