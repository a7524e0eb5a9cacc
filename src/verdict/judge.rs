//! The judge, which gives the verdict on an image.

use super::{
    advice::Advice,
    detector::{Classified, OutOfDistributionDetector, SingleImageDetector},
    nondigits::{DIGIT, SEVERAL},
    parameters::JudgeParameters,
    parts::stand_side_by_side,
    refusal::Refusal,
};
use crate::{
    data::{CLASSES, PIXELS},
    evaluation,
    imaging::ink_box,
    learners::LearnerError,
};

/// Gives the verdict on single images. Clones share the weights of the detector; every thread needs its own.
#[derive(Clone)]
pub struct Judge {
    parameters: JudgeParameters,
    detector: Option<SingleImageDetector>,
}

/// Verdict on an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The digit, or the reason why none is given.
    pub answer: Result<u8, Refusal>,
    /// Advice to the person who drew the image; none if it is answered.
    pub advice: Option<Advice>,
    /// Calibrated probability of the most probable digit, 0 to 1.
    pub confidence: f32,
    /// Second most probable digit.
    pub runner_up: u8,
    /// Calibrated probability of the second most probable digit, 0 to 1.
    pub runner_up_confidence: f32,
    /// Calibrated probabilities of the digits 0 to 9.
    pub probabilities: [f32; CLASSES],
}

impl Judge {
    /// Makes a judge. Without a detector, only blank images and answers of low confidence are refused.
    ///
    /// # Errors
    /// If the net of the detector cannot predict single images.
    pub fn new(
        parameters: JudgeParameters,
        detector: Option<&OutOfDistributionDetector>,
    ) -> Result<Self, LearnerError> {
        Ok(Self { parameters, detector: detector.map(SingleImageDetector::new).transpose()? })
    }

    /// Gives the verdict on a 28×28 image before preprocessing, for which the stack predicts `row`.
    pub fn judge(&mut self, image: &[u8; PIXELS], row: &[f32; CLASSES]) -> Verdict {
        let probabilities = self.parameters.temperature().apply(row);
        let ranking = evaluation::rank(&probabilities);
        let is_unsure = ranking.probability < self.parameters.least_confidence();
        let (shape, is_in_doubt) = self.shape(image);
        let refusal = shape.or(is_unsure.then_some(Refusal::Unsure));
        Verdict {
            answer: refusal.map_or(Ok(ranking.digit), Err),
            advice: refusal.map(|refusal| Advice::new(refusal, image, ranking.digit, is_in_doubt)),
            confidence: ranking.probability,
            runner_up: ranking.runner_up,
            runner_up_confidence: ranking.runner_up_probability,
            probabilities,
        }
    }

    /// Calibrated probabilities of the digits 0 to 9 for a row of the stack, without a verdict on an image.
    pub fn calibrated(&self, row: &[f32; CLASSES]) -> [f32; CLASSES] {
        self.parameters.temperature().apply(row)
    }

    /// Score of the detector for a 28×28 image above its threshold, in log-odds: above 0 the image looks less like a
    /// digit than nearly all training digits do. 0 without a detector.
    pub fn unlikeness(&mut self, image: &[u8; PIXELS]) -> f32 {
        self.detector.as_mut().map_or(0.0, |detector| detector.unlikeness(image))
    }

    /// Whether two large parts of a 28×28 image stand side by side, as those of two digits do.
    pub fn shows_several(&self, image: &[u8; PIXELS]) -> bool {
        stand_side_by_side(image)
    }

    /// Reason to refuse an image whatever the probabilities are, and whether that is in doubt.
    fn shape(&mut self, image: &[u8; PIXELS]) -> (Option<Refusal>, bool) {
        if ink_box(image).is_none() {
            return (Some(Refusal::Blank), false);
        }
        let Some(detector) = &mut self.detector else { return (None, false) };
        let Classified { class, is_in_doubt } = detector.classify(image);
        let refusal = match class {
            DIGIT => None,
            SEVERAL => Some(Refusal::SeveralDigits),
            _ => Some(Refusal::Scribble),
        };
        (refusal, is_in_doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{SIDE, synthetic},
        device,
        fit::{Cancel, FitContext},
        imaging::{Centre, digit_from_ink},
        progress::Silent,
        seed::Seed,
        verdict::nondigits::{ShapeKind, ShapePart, Sketch, draw_digit, draw_number, draw_shape, nondigits},
    };

    fn sure(digit: usize) -> [f32; CLASSES] {
        std::array::from_fn(|class| if class == digit { 0.991 } else { 0.001 })
    }

    /// A drawing of 180 pixels in the page's default brush, as the models see it.
    fn page_drawing(sketch: &Sketch) -> [u8; PIXELS] {
        digit_from_ink(sketch.paint(280, 180.0, 18.0), Centre::Mass).unwrap().image
    }

    fn detector(digits: usize) -> Option<OutOfDistributionDetector> {
        let (device, cancel) = (device::resolve(&device::DeviceChoice::Cpu).unwrap(), Cancel::default());
        let context = FitContext::new(&device, 2, &Silent, &cancel).seeded(Seed(5)).labelled("detector");
        OutOfDistributionDetector::fit(&synthetic::generate(digits, Seed(5)), &context).unwrap()
    }

    #[test]
    fn digits_are_accepted_and_non_digits_refused() {
        let detector = detector(6_000).unwrap();
        let rows = vec![sure(1); 100];
        let parameters = JudgeParameters::fit(&rows, &[1; 100]);
        let mut judge = Judge::new(parameters, Some(&detector)).unwrap();
        let digits = synthetic::generate(3_000, Seed(6));
        let unseen = &digits.images;
        let answered = unseen.iter().filter(|image| judge.judge(image, &sure(4)).answer == Ok(4)).count();
        assert!(answered >= 2_960, "{answered} of 3000");
        // A detector that was trained on scribbles and pairs alone refused a fifth of printed letters.
        let mut refused = |images: &[[u8; PIXELS]]| {
            images.iter().filter(|image| judge.judge(image, &sure(4)).answer.is_err()).count() as f64
                / images.len() as f64
        };
        let drawn = |kind, part| -> Vec<_> {
            (0..300).map(|index| page_drawing(&draw_shape(kind, part, Seed(8).index(index)).1)).collect()
        };
        for (kind, trained, held_out) in
            [(ShapeKind::Letter, 0.35, 0.4), (ShapeKind::Symbol, 0.45, 0.2), (ShapeKind::Doodle, 0.5, 0.35)]
        {
            let shares = [ShapePart::Trained, ShapePart::HeldOut].map(|part| refused(&drawn(kind, part)));
            assert!(shares[0] >= trained && shares[1] >= held_out, "{kind:?}: {shares:?}");
        }
        let numbers: Vec<_> = (0..300).map(|index| page_drawing(&draw_number(Seed(8).index(index)))).collect();
        assert!(refused(&numbers) >= 0.9, "{}", refused(&numbers));
        let by_pen: Vec<_> =
            (0..300).map(|index| page_drawing(&draw_digit((index % 10) as u8, Seed(8).index(index)))).collect();
        assert!(refused(&by_pen) <= 0.02, "{}", refused(&by_pen));
        let others = nondigits(600, &digits, Seed(7));
        assert!(refused(others.images.as_slice()) >= 0.6, "{}", refused(others.images.as_slice()));

        let unsure = judge.judge(unseen.get(3), &[0.1; CLASSES]);
        assert_eq!(unsure.advice.map(|advice| advice.guess), Some(Some(0)));
        assert_eq!(judge.judge(unseen.get(3), &sure(4)).advice, None);

        let mut refusal = |image: &[u8; PIXELS], row: &[f32; CLASSES]| judge.judge(image, row).answer.unwrap_err();
        assert_eq!(refusal(&[0; PIXELS], &sure(1)), Refusal::Blank);
        assert_eq!(refusal(&[255; PIXELS], &sure(1)), Refusal::Scribble);
        let is_dark = |pixel: usize| (pixel / 2 + pixel / SIDE / 2).is_multiple_of(2);
        let checks = std::array::from_fn(|pixel| if is_dark(pixel) { 255 } else { 0 });
        assert_eq!(refusal(&checks, &sure(1)), Refusal::Scribble);
        assert_eq!(refusal(unseen.get(3), &[0.1; CLASSES]), Refusal::Unsure);
    }

    #[test]
    fn too_few_digits_give_no_detector() {
        assert!(detector(999).is_none());
        let mut judge = Judge::new(JudgeParameters::default(), None).unwrap();
        assert_eq!(judge.judge(&[255; PIXELS], &sure(3)).answer, Ok(3));
        assert_eq!(judge.judge(&[0; PIXELS], &sure(3)).answer, Err(Refusal::Blank));
    }

    #[test]
    fn confidence_is_calibrated_and_low_confidence_refused() {
        // One row in 100 is wrong although its confidence is 0.991.
        let labels: Vec<u8> = (0..2_000).map(|i| if i % 100 == 0 { 5 } else { 4 }).collect();
        let mut rows = vec![sure(4); 2_000];
        // Two uniform rows: one in two thousand may be below the minimum confidence, which is that of the other.
        rows[..2].fill([0.1; CLASSES]);
        let parameters = JudgeParameters::fit(&rows, &labels);
        let mut row = sure(4);
        row[9] = 0.004;
        let mut judge = Judge::new(parameters.clone(), None).unwrap();
        assert_eq!(
            judge.judge(&[9; PIXELS], &std::array::from_fn(|class| 0.09 + 0.01 * (class % 2) as f32)).answer,
            Ok(1)
        );
        let verdict = judge.judge(&[9; PIXELS], &row);
        assert_eq!((verdict.answer, verdict.runner_up), (Ok(4), 9));
        assert!((0.98..0.995).contains(&verdict.confidence), "{verdict:?}");
        assert!(verdict.runner_up_confidence < 0.02);
        let text = serde_json::to_string(&parameters).unwrap();
        assert_eq!(serde_json::from_str::<JudgeParameters>(&text).unwrap(), parameters);
    }
}
