//! Bounds learned from training digits.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Refusal, Shape, Temperature, digits_beside};
use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities},
    evaluation,
    imaging::Gray,
    stacking::StackingError,
};

/// Share of the training digits beyond each bound of [`Shape`].
pub const REFUSED_BY_SHAPE: f64 = 0.0002;
/// Share of the training digits whose confidence out of fold is below the least.
pub const REFUSED_BY_CONFIDENCE: f64 = 0.001;

/// Says what an image is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    temperature: Temperature,
    least_confidence: f32,
    least: Shape,
    most: Shape,
}

/// What is said of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The digit, unless there is a reason to name none.
    pub answer: Result<u8, Refusal>,
    /// How probable the most probable digit is, 0 to 1.
    pub confidence: f32,
    /// What it looks like besides.
    pub runner_up: u8,
    /// How probable that is.
    pub runner_up_confidence: f32,
    /// The stack's row, calibrated.
    pub probabilities: [f32; CLASSES],
}

impl Default for Judge {
    /// For models that nothing is known about: probabilities are taken as they are, and only the shape can be refused.
    fn default() -> Self {
        Self { temperature: Temperature::default(), least_confidence: 0.0, least: LEAST, most: MOST }
    }
}

impl Judge {
    /// Learns the bounds from training images as they came (before a recipe changes them), and the temperature and the least confidence from the
    /// stack's rows for images that it was not fitted on, with their labels.
    ///
    /// # Errors
    /// If the temperature is not found.
    pub fn fit(images: &Images, rows: &Probabilities, labels: &[u8]) -> Result<Self, StackingError> {
        let temperature = Temperature::fit(rows, labels)?;
        let mut confidences: Vec<f32> = rows.iter().map(|row| evaluation::rank(&temperature.apply(row)).probability).collect();
        let shapes: Vec<[f32; 6]> = images.as_slice().par_iter().filter_map(Shape::of).map(|shape| shape.values()).collect();
        let bound = |place: usize, share: f64| quantile(&mut shapes.iter().map(|shape| shape[place]).collect::<Vec<_>>(), share);
        let bounds = |share: f64, widest: &Shape, wider: fn(f32, f32) -> f32| {
            let widest = widest.values();
            Shape::from_values(std::array::from_fn(|place| wider(bound(place, share).unwrap_or(widest[place]), widest[place])))
        };
        Ok(Self {
            temperature,
            least_confidence: quantile(&mut confidences, REFUSED_BY_CONFIDENCE).unwrap_or(0.0),
            least: bounds(REFUSED_BY_SHAPE, &LEAST, f32::min),
            most: bounds(1.0 - REFUSED_BY_SHAPE, &MOST, f32::max),
        })
    }

    /// The verdict on a 28×28 image of which the stack says `row`. `ink`: the drawing that it was made from, in which separate digits are easier
    /// to see; none if it came as 28×28 pixels.
    pub fn judge(&self, ink: Option<&Gray>, image: &[u8; PIXELS], row: &[f32; CLASSES]) -> Verdict {
        let probabilities = self.temperature.apply(row);
        let ranking = evaluation::rank(&probabilities);
        let refusal = self.refusal(ink, image).or((ranking.probability < self.least_confidence).then_some(Refusal::Unsure));
        Verdict {
            answer: refusal.map_or(Ok(ranking.digit), Err),
            confidence: ranking.probability,
            runner_up: ranking.looks_like,
            runner_up_confidence: ranking.looks_like_probability,
            probabilities,
        }
    }

    /// What can be said against an image without asking a model.
    fn refusal(&self, ink: Option<&Gray>, image: &[u8; PIXELS]) -> Option<Refusal> {
        let Some(shape) = Shape::of(image) else { return Some(Refusal::Blank) };
        if shape.aspect > self.most.aspect || ink.is_some_and(digits_beside) {
            return Some(Refusal::SeveralDigits);
        }
        let within = |((value, least), most): ((f32, f32), f32)| (least..=most).contains(&value);
        let all = shape.values().into_iter().zip(self.least.values()).zip(self.most.values()).all(within);
        (!all).then_some(Refusal::Scribble)
    }
}

/// Bounds that hold whatever the training digits: the same quantiles of MNIST's training images (30,000 of them; one piece more), so that a run on few or
/// on tidy digits does not refuse people's hands.
const LEAST: Shape = Shape { ink: 23.2, fill: 0.163, crossings: 1.0, holes: 0.0, pieces: 1.0, aspect: 0.1 };
const MOST: Shape = Shape { ink: 242.0, fill: 1.0, crossings: 3.08, holes: 5.0, pieces: 3.0, aspect: 2.0 };

/// The value below which `share` of the values lie; reorders them. `None` for no value.
fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let place = ((values.len() as f64 * share) as usize).min(values.len().checked_sub(1)?);
    Some(*values.select_nth_unstable_by(place, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{SIDE, synthetic},
        seed::Seed,
    };

    fn sure(digit: usize) -> [f32; CLASSES] {
        std::array::from_fn(|class| if class == digit { 0.991 } else { 0.001 })
    }

    fn fitted() -> (Judge, Images) {
        let digits = synthetic::generate(2_000, Seed(5));
        let rows: Probabilities =
            digits.labels.iter().enumerate().map(|(i, &label)| sure(usize::from(label) ^ usize::from(i % 100 == 0 && label < 8))).collect();
        (Judge::fit(&digits.images, &rows, &digits.labels).unwrap(), digits.images)
    }

    #[test]
    fn digits_are_answered_and_other_things_refused() {
        let (judge, digits) = fitted();
        let answered = digits.iter().filter(|image| judge.judge(None, image, &sure(4)).answer == Ok(4)).count();
        assert!(answered >= 1_990, "{answered} of 2000");

        let refusal = |image: &[u8; PIXELS], row| judge.judge(None, image, row).answer.unwrap_err();
        assert_eq!(refusal(&[0; PIXELS], &sure(1)), Refusal::Blank);
        assert_eq!(refusal(&[255; PIXELS], &sure(1)), Refusal::Scribble);
        let checks = std::array::from_fn(|place| if (place / 2 + place / SIDE / 2) % 2 == 0 { 255 } else { 0 });
        assert_eq!(refusal(&checks, &sure(1)), Refusal::Scribble);
        assert_eq!(refusal(digits.get(3), &[0.1; CLASSES]), Refusal::Unsure);
        let mut wide = [0; PIXELS];
        wide[13 * SIDE..15 * SIDE].fill(255);
        assert_eq!(refusal(&wide, &sure(1)), Refusal::SeveralDigits);
    }

    #[test]
    fn confidence_is_calibrated_and_ranked() {
        let (judge, digits) = fitted();
        let mut row = sure(4);
        row[9] = 0.004;
        let verdict = judge.judge(None, digits.get(4), &row);
        assert_eq!((verdict.answer, verdict.runner_up), (Ok(4), 9));
        // One row in 125 was wrong where 0.991 was said.
        assert!((0.98..0.999).contains(&verdict.confidence), "{verdict:?}");
        assert!(verdict.runner_up_confidence < 0.02);
    }

    #[test]
    fn it_is_written_and_read() {
        let (judge, _) = fitted();
        let text = serde_json::to_string(&judge).unwrap();
        assert_eq!(serde_json::from_str::<Judge>(&text).unwrap(), judge);
    }
}
