//! The out-of-distribution detector: a net that tells digits from everything else.

use toml::toml;

use super::{
    nondigits::{DIGIT, SCRIBBLE, SEVERAL, nondigits, pen_digits},
    parts::stand_side_by_side,
};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, stratified_group_split},
    fit::FitContext,
    learners::{self, Classifier, Learner, LearnerError, Predictor},
    seed::Seed,
};

/// Fraction of held-out training digits whose score exceeds the threshold of the detector.
pub const DETECTOR_REFUSAL_RATE: f64 = 0.004;
/// Fraction of the training digits that is held out to set the threshold, at least and at most.
const HELD_OUT: (f64, f64) = (0.1, 0.5);
/// Number of training digits that the net is fitted on before more than the least fraction is held out.
const ENOUGH_SEEN: f64 = 10_000.0;
/// Minimum number of training digits.
const MIN_DIGITS: usize = 1000;
/// Maximum number of training digits that the net is fitted on, and that the threshold rests on.
const MAX_DIGITS: usize = 20_000;
/// Number of non-digits per training digit.
const NONDIGITS_PER_DIGIT: f64 = 2.0;
/// Number of digits of the non-digits' pen per training digit.
const PEN_DIGITS_PER_DIGIT: f64 = 0.2;

/// Excess over the threshold, in log-odds, up to which a refused image may well be a digit: as for odds of 20 to 1 in
/// place of 1 to 1.
const DOUBT: f32 = 3.0;

/// Makes the learner of the detector: a small CNN, which uses seven of its ten outputs.
///
/// # Errors
/// Never for the built-in settings.
pub fn detector_learner() -> Result<Box<dyn Learner>, FieldError> {
    learners::build(toml! {
        name = "detector"
        kind = "cnn"
        augment = ["light"]
        [network]
        filters = 16
        blocks = 2
        activation = "relu"
        extra_activation = [false, false]
        hidden = [48]
        [training]
        epochs = 7
        batch_size = 64
        optimizer = { kind = "adam", learning_rate = 0.003 }
        schedule = { kind = "one-cycle" }
    })
}

/// A net that tells images of one digit from all others.
pub struct OutOfDistributionDetector {
    /// Net whose first class is a digit, the second a scribble, the third several digits; four more are other shapes.
    pub classifier: Box<dyn Classifier>,
    /// Score above which an image is refused, in log-odds of not being a digit.
    pub threshold: f32,
}

impl OutOfDistributionDetector {
    /// Fits the detector on training digits before any preprocessing. `None` for fewer than 1000 digits.
    ///
    /// # Errors
    /// The errors of [`Learner::fit`].
    pub fn fit(digits: &Digits, context: &FitContext) -> Result<Option<Self>, LearnerError> {
        if digits.len() < MIN_DIGITS {
            return Ok(None);
        }
        let seed: Seed = context.seed;
        let held_out = (1.0 - ENOUGH_SEEN / digits.len() as f64).clamp(HELD_OUT.0, HELD_OUT.1);
        let Ok(split) = stratified_group_split(&digits.labels, &digits.groups, held_out, seed.derive("held out"))
        else {
            return Ok(None);
        };
        let seen = digits.select(&evenly_spaced(&split.train, MAX_DIGITS));
        let share = |ratio: f64| (ratio * seen.len() as f64) as usize;
        let other = nondigits(share(NONDIGITS_PER_DIGIT), &seen, seed.derive("nondigits"));
        let pen = pen_digits(share(PEN_DIGITS_PER_DIGIT), seed.derive("pen digits"));
        let pixels = [seen.images.pixels(), pen.images.pixels(), other.images.pixels()].concat();
        let labels = std::iter::repeat_n(DIGIT, seen.len() + pen.len()).chain(other.labels).collect();
        let train = Digits::new(Images::new(pixels).unwrap_or_default(), labels);
        let learner = detector_learner().map_err(LearnerError::Setting)?;
        let classifier = learner.fit(&train, None, context)?.classifier;
        let held_out = digits.select(&evenly_spaced(&split.validation, MAX_DIGITS));
        let mut scores: Vec<f32> = classifier.predict_proba(&held_out.images)?.iter().map(score).collect();
        scores.sort_unstable_by(f32::total_cmp);
        // At most the second highest score, so that a single malformed digit does not set the threshold.
        let index = ((1.0 - DETECTOR_REFUSAL_RATE) * scores.len() as f64) as usize;
        let threshold = scores.get(index.min(scores.len().saturating_sub(2))).copied().unwrap_or(1.0);
        Ok(Some(Self { classifier, threshold }))
    }
}

/// At most `count` of the indices, evenly spaced.
fn evenly_spaced(indices: &[usize], count: usize) -> Vec<usize> {
    let step = indices.len().div_ceil(count).max(1);
    indices.iter().copied().step_by(step).collect()
}

/// Log-odds that a row of the net gives against being one digit. Unlike a probability, it does not saturate at 1.
fn score(row: &[f32; CLASSES]) -> f32 {
    const MIN_PROBABILITY: f32 = 1e-9;
    let digit = row[usize::from(DIGIT)];
    let other: f32 = row.iter().skip(usize::from(DIGIT) + 1).sum();
    (other.max(MIN_PROBABILITY) / digit.max(MIN_PROBABILITY)).ln()
}

/// The detector for single images, one for each thread.
#[derive(Clone)]
pub(super) struct SingleImageDetector {
    predictor: Box<dyn Predictor>,
    threshold: f32,
}

impl SingleImageDetector {
    pub(super) fn new(detector: &OutOfDistributionDetector) -> Result<Self, LearnerError> {
        Ok(Self { predictor: detector.classifier.predictor()?, threshold: detector.threshold })
    }

    /// Score above the threshold, in log-odds: above 0 the image is refused.
    pub(super) fn unlikeness(&mut self, image: &[u8; PIXELS]) -> f32 {
        score(&self.predictor.predict_one(image)) - self.threshold
    }

    /// Classifies an image as [`DIGIT`], [`SEVERAL`] or, whatever else it is, [`SCRIBBLE`].
    pub(super) fn classify(&mut self, image: &[u8; PIXELS]) -> Classified {
        let row = self.predictor.predict_one(image);
        let beyond = score(&row) - self.threshold;
        let class = if stand_side_by_side(image) {
            SEVERAL
        } else if beyond <= 0.0 {
            DIGIT
        } else if row[usize::from(SEVERAL)] > (1.0 - row[usize::from(DIGIT)]) / 2.0 {
            SEVERAL
        } else {
            SCRIBBLE
        };
        Classified { class, is_in_doubt: beyond <= DOUBT }
    }
}

/// Class that the detector gives to an image.
pub(super) struct Classified {
    /// [`DIGIT`], [`SEVERAL`] or [`SCRIBBLE`].
    pub(super) class: u8,
    /// True if the score exceeds the threshold by little or not at all.
    pub(super) is_in_doubt: bool,
}
