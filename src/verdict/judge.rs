//! The verdict on an image.

use serde::{Deserialize, Serialize};

use super::{
    Refusal, Temperature,
    guard::{Guard, Watch},
    nondigits::{SCRIBBLE, SEVERAL},
};
use crate::{
    data::{CLASSES, PIXELS, Probabilities},
    evaluation,
    imaging::ink_box,
    learners::LearnerError,
    stacking::StackingError,
};

/// Share of the training digits, rotated copies included, whose confidence out of fold is below the least.
pub const REFUSED_BY_CONFIDENCE: f64 = 0.0005;

/// What a judge goes by, beside the guard's net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    temperature: Temperature,
    least_confidence: f32,
}

impl Default for Bounds {
    /// For models that nothing is known about: probabilities are taken as they are, and only blank images are refused.
    fn default() -> Self {
        Self { temperature: Temperature::default(), least_confidence: 0.0 }
    }
}

impl Bounds {
    /// Learns temperature and least confidence from the stack's rows for images that it was not fitted on, with their
    /// labels.
    ///
    /// # Errors
    /// If the temperature is not found.
    pub fn fit(rows: &Probabilities, labels: &[u8]) -> Result<Self, StackingError> {
        let temperature = Temperature::fit(rows, labels)?;
        let mut confidences: Vec<f32> =
            rows.iter().map(|row| evaluation::rank(&temperature.apply(row)).probability).collect();
        let place = (confidences.len() as f64 * REFUSED_BY_CONFIDENCE) as usize;
        let least_confidence =
            if confidences.is_empty() { 0.0 } else { *confidences.select_nth_unstable_by(place, f32::total_cmp).1 };
        Ok(Self { temperature, least_confidence })
    }
}

/// Says what an image is. Clones share the guard's net: one for each thread.
#[derive(Clone)]
pub struct Judge {
    bounds: Bounds,
    watch: Option<Watch>,
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

impl Judge {
    /// From what was learned. Without a guard only blank images and rows without a favourite are refused.
    ///
    /// # Errors
    /// If the guard's net cannot be used for single images.
    pub fn new(bounds: Bounds, guard: Option<&Guard>) -> Result<Self, LearnerError> {
        Ok(Self { bounds, watch: guard.map(Watch::new).transpose()? })
    }

    /// The verdict on a 28×28 image as it came, of which the stack says `row`.
    pub fn judge(&mut self, image: &[u8; PIXELS], row: &[f32; CLASSES]) -> Verdict {
        let probabilities = self.bounds.temperature.apply(row);
        let ranking = evaluation::rank(&probabilities);
        let refusal =
            self.refusal(image).or((ranking.probability < self.bounds.least_confidence).then_some(Refusal::Unsure));
        Verdict {
            answer: refusal.map_or(Ok(ranking.digit), Err),
            confidence: ranking.probability,
            runner_up: ranking.looks_like,
            runner_up_confidence: ranking.looks_like_probability,
            probabilities,
        }
    }

    fn refusal(&mut self, image: &[u8; PIXELS]) -> Option<Refusal> {
        if ink_box(image).is_none() {
            return Some(Refusal::Blank);
        }
        match self.watch.as_mut()?.look(image) {
            SCRIBBLE => Some(Refusal::Scribble),
            SEVERAL => Some(Refusal::SeveralDigits),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{SIDE, synthetic},
        fit::{Cancel, FitContext},
        nn,
        progress::Silent,
        seed::Seed,
        verdict::nondigits,
    };

    fn sure(digit: usize) -> [f32; CLASSES] {
        std::array::from_fn(|class| if class == digit { 0.991 } else { 0.001 })
    }

    fn guard(digits: usize) -> Option<Guard> {
        let (device, cancel) = (device::resolve(&device::DeviceChoice::Cpu).unwrap(), Cancel::default());
        let context = FitContext::new(&device, 2, &Silent, &cancel).seeded(Seed(5)).labelled("guard");
        Guard::fit(&synthetic::generate(digits, Seed(5)), &context).unwrap()
    }

    #[test]
    fn digits_are_answered_and_other_things_refused() {
        let guard = guard(6_000).unwrap();
        let rows = vec![sure(1); 100];
        let bounds = Bounds::fit(&rows, &[1; 100]).unwrap();
        let mut judge = Judge::new(bounds, Some(&guard)).unwrap();
        let unseen = synthetic::generate(3_000, Seed(6)).images;
        let answered = unseen.iter().filter(|image| judge.judge(image, &sure(4)).answer == Ok(4)).count();
        assert!(answered >= 2_960, "{answered} of 3000");
        let others = nondigits(600, &unseen, Seed(7));
        let refused = others.images.iter().filter(|image| judge.judge(image, &sure(4)).answer.is_err()).count();
        assert!(refused >= 450, "{refused} of 600");

        let mut refusal = |image: &[u8; PIXELS], row: &[f32; CLASSES]| judge.judge(image, row).answer.unwrap_err();
        assert_eq!(refusal(&[0; PIXELS], &sure(1)), Refusal::Blank);
        assert_eq!(refusal(&[255; PIXELS], &sure(1)), Refusal::Scribble);
        let is_dark = |place: usize| (place / 2 + place / SIDE / 2).is_multiple_of(2);
        let checks = std::array::from_fn(|place| if is_dark(place) { 255 } else { 0 });
        assert_eq!(refusal(&checks, &sure(1)), Refusal::Scribble);
        assert_eq!(refusal(unseen.get(3), &[0.1; CLASSES]), Refusal::Unsure);
    }

    #[test]
    fn few_digits_make_no_guard() {
        assert!(guard(999).is_none());
        let mut judge = Judge::new(Bounds::default(), None).unwrap();
        assert_eq!(judge.judge(&[255; PIXELS], &sure(3)).answer, Ok(3));
        assert_eq!(judge.judge(&[0; PIXELS], &sure(3)).answer, Err(Refusal::Blank));
    }

    #[test]
    fn confidence_is_calibrated_and_ranked() {
        // One row in 100 is wrong where 0.991 is said.
        let labels: Vec<u8> = (0..2_000).map(|i| if i % 100 == 0 { 5 } else { 4 }).collect();
        let mut rows = vec![sure(4); 2_000];
        // Two rows without a favourite: one in two thousand may be below the least confidence, which is that of the
        // other.
        rows[..2].fill([0.1; CLASSES]);
        let bounds = Bounds::fit(&rows, &labels).unwrap();
        let mut row = sure(4);
        row[9] = 0.004;
        let mut judge = Judge::new(bounds.clone(), None).unwrap();
        assert_eq!(
            judge.judge(&[9; PIXELS], &std::array::from_fn(|class| 0.09 + 0.01 * (class % 2) as f32)).answer,
            Ok(1)
        );
        let verdict = judge.judge(&[9; PIXELS], &row);
        assert_eq!((verdict.answer, verdict.runner_up), (Ok(4), 9));
        assert!((0.98..0.995).contains(&verdict.confidence), "{verdict:?}");
        assert!(verdict.runner_up_confidence < 0.02);
        let text = serde_json::to_string(&bounds).unwrap();
        assert_eq!(serde_json::from_str::<Bounds>(&text).unwrap(), bounds);
    }
}
