//! The net that tells digits from everything else.

use toml::toml;

use super::nondigits::{DIGIT, SCRIBBLE, SEVERAL, nondigits};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, stratified_group_split},
    fit::FitContext,
    learners::{self, Classifier, Learner, LearnerError, Predictor},
    seed::Seed,
};

/// Share of the training digits, of those that the net did not see, that look less like a digit than the bound.
pub const REFUSED_BY_LOOK: f64 = 0.0015;
/// Share of the training digits that the bound is read from.
const HELD_OUT: f64 = 0.1;
/// Fewer digits teach nothing about what a digit is.
const FEWEST: usize = 1000;
/// Images that are none, for each digit.
const NONDIGITS: f64 = 0.5;

/// The learner of the guard: a small CNN, of whose ten outputs three are used.
///
/// # Errors
/// None that depends on the caller.
pub fn guard_learner() -> Result<Box<dyn Learner>, FieldError> {
    learners::build(toml! {
        name = "guard"
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

/// Tells digits from everything else.
pub struct Guard {
    /// The net.
    pub classifier: Box<dyn Classifier>,
    /// Strangeness above which an image is refused.
    pub bound: f32,
}

impl Guard {
    /// Learns from training digits as they came, before a recipe changes them. None if there are fewer than a thousand.
    ///
    /// # Errors
    /// As [`Learner::fit`].
    pub fn fit(digits: &Digits, context: &FitContext) -> Result<Option<Self>, LearnerError> {
        if digits.len() < FEWEST {
            return Ok(None);
        }
        let seed: Seed = context.seed;
        let Ok(split) = stratified_group_split(&digits.labels, &digits.groups, HELD_OUT, seed.derive("held out"))
        else {
            return Ok(None);
        };
        let seen = digits.select(&split.train);
        let other = nondigits((NONDIGITS * seen.len() as f64) as usize, &seen.images, seed.derive("nondigits"));
        let pixels = [seen.images.pixels(), other.images.pixels()].concat();
        let labels = std::iter::repeat_n(DIGIT, seen.len()).chain(other.labels).collect();
        let train = Digits::new(Images::new(pixels).unwrap_or_default(), labels);
        let learner = guard_learner().map_err(LearnerError::Setting)?;
        let classifier = learner.fit(&train, None, context)?.classifier;
        let held_out = digits.select(&split.validation);
        let mut strangeness: Vec<f32> = classifier.predict_proba(&held_out.images)?.iter().map(strangeness).collect();
        strangeness.sort_unstable_by(f32::total_cmp);
        // Of few digits the strangest but one at least, so that one slip of a pen does not set the bound.
        let place = ((1.0 - REFUSED_BY_LOOK) * strangeness.len() as f64) as usize;
        let bound = strangeness.get(place.min(strangeness.len().saturating_sub(2))).copied().unwrap_or(1.0);
        Ok(Some(Self { classifier, bound }))
    }
}

/// How little a row of the net speaks for one digit, as odds on a logarithmic scale: unlike a probability it does not
/// end at 1.
fn strangeness(row: &[f32; CLASSES]) -> f32 {
    const LEAST: f32 = 1e-9;
    let [digit, other] = [row[usize::from(DIGIT)], row[usize::from(SCRIBBLE)] + row[usize::from(SEVERAL)]];
    (other.max(LEAST) / digit.max(LEAST)).ln()
}

/// What the net says of single images.
#[derive(Clone)]
pub(super) struct Watch {
    predictor: Box<dyn Predictor>,
    bound: f32,
}

impl Watch {
    pub(super) fn new(guard: &Guard) -> Result<Self, LearnerError> {
        Ok(Self { predictor: guard.classifier.predictor()?, bound: guard.bound })
    }

    /// The label of what an image is: a digit, a scribble, several digits.
    pub(super) fn look(&mut self, image: &[u8; PIXELS]) -> u8 {
        let row = self.predictor.predict_one(image);
        if strangeness(&row) <= self.bound {
            DIGIT
        } else if row[usize::from(SEVERAL)] > row[usize::from(SCRIBBLE)] {
            SEVERAL
        } else {
            SCRIBBLE
        }
    }
}
