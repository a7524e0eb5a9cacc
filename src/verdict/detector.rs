//! The out-of-distribution detector: a net that tells digits from everything else.

use toml::toml;

use super::nondigits::{DIGIT, SCRIBBLE, SEVERAL, nondigits};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, stratified_group_split},
    fit::FitContext,
    learners::{self, Classifier, Learner, LearnerError, Predictor},
    seed::Seed,
};

/// Fraction of held-out training digits whose score exceeds the threshold of the detector.
pub const DETECTOR_REFUSAL_RATE: f64 = 0.0015;
/// Fraction of the training digits that is held out to set the threshold.
const HELD_OUT: f64 = 0.1;
/// Minimum number of training digits.
const MIN_DIGITS: usize = 1000;
/// Number of non-digits per training digit.
const NONDIGITS_PER_DIGIT: f64 = 0.5;

/// Makes the learner of the detector: a small CNN, which uses three of its ten outputs.
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
        epochs = 4
        batch_size = 64
        optimizer = { kind = "adam", learning_rate = 0.003 }
        schedule = { kind = "one-cycle" }
    })
}

/// A net that tells images of one digit from all others.
pub struct OutOfDistributionDetector {
    /// Net whose first three classes are digit, scribble and several digits.
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
        let Ok(split) = stratified_group_split(&digits.labels, &digits.groups, HELD_OUT, seed.derive("held out"))
        else {
            return Ok(None);
        };
        let seen = digits.select(&split.train);
        let other =
            nondigits((NONDIGITS_PER_DIGIT * seen.len() as f64) as usize, &seen.images, seed.derive("nondigits"));
        let pixels = [seen.images.pixels(), other.images.pixels()].concat();
        let labels = std::iter::repeat_n(DIGIT, seen.len()).chain(other.labels).collect();
        let train = Digits::new(Images::new(pixels).unwrap_or_default(), labels);
        let learner = detector_learner().map_err(LearnerError::Setting)?;
        let classifier = learner.fit(&train, None, context)?.classifier;
        let held_out = digits.select(&split.validation);
        let mut scores: Vec<f32> = classifier.predict_proba(&held_out.images)?.iter().map(score).collect();
        scores.sort_unstable_by(f32::total_cmp);
        // At most the second highest score, so that a single malformed digit does not set the threshold.
        let index = ((1.0 - DETECTOR_REFUSAL_RATE) * scores.len() as f64) as usize;
        let threshold = scores.get(index.min(scores.len().saturating_sub(2))).copied().unwrap_or(1.0);
        Ok(Some(Self { classifier, threshold }))
    }
}

/// Log-odds that a row of the net gives against being one digit. Unlike a probability, it does not saturate at 1.
fn score(row: &[f32; CLASSES]) -> f32 {
    const MIN_PROBABILITY: f32 = 1e-9;
    let [digit, other] = [row[usize::from(DIGIT)], row[usize::from(SCRIBBLE)] + row[usize::from(SEVERAL)]];
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

    /// Classifies an image as [`DIGIT`], [`SCRIBBLE`] or [`SEVERAL`].
    pub(super) fn classify(&mut self, image: &[u8; PIXELS]) -> u8 {
        let row = self.predictor.predict_one(image);
        if score(&row) <= self.threshold {
            DIGIT
        } else if row[usize::from(SEVERAL)] > row[usize::from(SCRIBBLE)] {
            SEVERAL
        } else {
            SCRIBBLE
        }
    }
}
