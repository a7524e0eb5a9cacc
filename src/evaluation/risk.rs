//! Risk–coverage curve: errors among the answers that are given if unsure ones are refused.

use serde::{Deserialize, Serialize};

use super::rows::rank;
use crate::data::CLASSES;

/// Share of errors that a confidence threshold is looked for.
pub const TARGET_RISK: f64 = 0.001;
/// Fewest answers that such a share is measured on: one error among fewer is more than the target.
const FEWEST_ANSWERS: usize = 1000;
/// Coverages of the points of a curve.
const COVERAGES: [f64; 29] = [
    1.0, 0.999, 0.998, 0.997, 0.996, 0.995, 0.994, 0.993, 0.992, 0.99, 0.985, 0.98, 0.975, 0.97, 0.96, 0.95, 0.94,
    0.92, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1,
];

/// Risk–coverage curve (El-Yaniv and Wiener, JMLR 11, 2010): for falling coverage, the share of errors among the answers
/// whose confidence is not below a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskCoverage {
    /// Number of images, answered or not.
    pub images: usize,
    /// Points of the curve, from full coverage down.
    pub points: Vec<RiskPoint>,
    /// Share of errors that `threshold` is for: 0.001.
    pub target: f64,
    /// Point of greatest coverage with at most that share of errors among at least 1,000 answers; none if there is no
    /// such point.
    pub threshold: Option<RiskPoint>,
}

/// Answers of at least some confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskPoint {
    /// Least confidence of an answer, 0 to 1.
    pub confidence: f32,
    /// Number of images that are answered.
    pub answered: usize,
    /// Number of wrong ones among them.
    pub errors: usize,
}

impl RiskPoint {
    /// Share of errors among the answers; 0 without any.
    pub fn risk(&self) -> f64 {
        if self.answered == 0 { 0.0 } else { self.errors as f64 / self.answered as f64 }
    }

    /// Share of `images` that are answered; 0 without any.
    pub fn coverage(&self, images: usize) -> f64 {
        if images == 0 { 0.0 } else { self.answered as f64 / images as f64 }
    }

    /// Counts the answers `[n, 10]` of at least this confidence for images with these labels `[n]`.
    pub fn at(confidence: f32, rows: &[[f32; CLASSES]], labels: &[u8]) -> Self {
        let mut point = Self { confidence, answered: 0, errors: 0 };
        for (row, &label) in rows.iter().zip(labels) {
            let answer = rank(row);
            if answer.probability >= confidence {
                point.answered += 1;
                point.errors += usize::from(answer.digit != label);
            }
        }
        point
    }
}

impl RiskCoverage {
    /// Curve of predictions `[n, 10]` for images with labels `[n]`; the confidence of an answer is the probability of
    /// the most probable digit. Answers of equal confidence are refused together.
    pub fn of(rows: &[[f32; CLASSES]], labels: &[u8]) -> Self {
        let mut answers: Vec<(f32, bool)> =
            rows.iter().zip(labels).map(|(row, &label)| (rank(row).probability, rank(row).digit != label)).collect();
        answers.sort_by(|a, b| b.0.total_cmp(&a.0));
        let images = answers.len();
        let mut every = Vec::new();
        let (mut answered, mut errors) = (0, 0);
        for group in answers.chunk_by(|a, b| a.0 == b.0) {
            answered += group.len();
            errors += group.iter().filter(|(_, is_wrong)| *is_wrong).count();
            every.push(RiskPoint { confidence: group[0].0, answered, errors });
        }
        let threshold =
            every.iter().rfind(|point| point.answered >= FEWEST_ANSWERS && point.risk() <= TARGET_RISK).copied();
        // The least coverage that is not below the wanted one.
        let at = |coverage: &f64| every.iter().find(|point| point.answered as f64 >= coverage * images as f64).copied();
        let mut points: Vec<RiskPoint> = COVERAGES.iter().filter_map(at).collect();
        points.dedup();
        Self { images, points, target: TARGET_RISK, threshold }
    }

    /// Sentence with the confidence threshold that gives at most 0.1 % errors.
    pub fn describe(&self) -> String {
        let target = 100.0 * self.target;
        match &self.threshold {
            Some(point) => format!(
                "answers of a confidence of at least {} have {target} % errors or fewer: {} of {} images are answered \
                 ({:.2} %), {} of them wrong",
                confidence_text(point.confidence),
                point.answered,
                self.images,
                100.0 * point.coverage(self.images),
                point.errors
            ),
            None if self.images < FEWEST_ANSWERS => format!(
                "no confidence threshold can be said to give {target} % errors: that takes at least {FEWEST_ANSWERS} \
                 images, and there are {}",
                self.images
            ),
            None => format!(
                "no confidence threshold gives {target} % errors: even the {FEWEST_ANSWERS} most confident of {} answers \
                 have more, wrong labels among them",
                self.images
            ),
        }
    }
}

/// A confidence with at most six decimals that, read again, is not below the exact one: as a threshold it refuses no
/// less.
pub fn confidence_text(confidence: f32) -> String {
    let nearest = format!("{confidence:.6}");
    let text = match nearest.parse::<f32>() {
        Ok(read) if read < confidence => format!("{:.6}", ((f64::from(confidence) * 1e6).floor() + 1.0) / 1e6),
        _ => nearest,
    };
    let text = text.trim_end_matches('0');
    text.strip_suffix('.').unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(digit: usize, top: f32) -> [f32; CLASSES] {
        std::array::from_fn(|class| if class == digit { top } else { (1.0 - top) / 9.0 })
    }

    #[test]
    fn the_threshold_is_the_lowest_with_few_enough_errors() {
        // 3,000 answers by falling confidence; one error at 1,500, more from 2,500 on.
        let rows: Vec<_> = (0..3000).map(|index| row(1, 0.999 - 0.0001 * index as f32)).collect();
        let labels: Vec<u8> = (0..3000).map(|index| if index == 1500 || index >= 2500 { 2 } else { 1 }).collect();
        let curve = RiskCoverage::of(&rows, &labels);
        let threshold = curve.threshold.unwrap();
        assert_eq!((threshold.answered, threshold.errors), (2501, 2), "{:?}", curve.describe());
        assert_eq!(RiskPoint::at(threshold.confidence, &rows, &labels), threshold);
        assert_eq!((curve.points[0].answered, curve.points[0].errors), (3000, 501));
        assert!(curve.describe().contains("2501 of 3000 images are answered (83.37 %), 2 of them wrong"));
        // Early errors, and too few images.
        let wrong: Vec<u8> = (0..3000).map(|index| if index % 300 == 0 { 2 } else { 1 }).collect();
        assert!(RiskCoverage::of(&rows, &wrong).describe().starts_with("no confidence threshold gives 0.1 % errors"));
        assert!(RiskCoverage::of(&rows[..900], &labels[..900]).describe().contains("and there are 900"));
        assert_eq!(RiskCoverage::of(&[], &[]).points, []);
    }

    #[test]
    fn answers_of_equal_confidence_are_refused_together() {
        let rows = vec![row(1, 1.0); 2000];
        let labels: Vec<u8> = (0..2000).map(|index| if index < 10 { 2 } else { 1 }).collect();
        let curve = RiskCoverage::of(&rows, &labels);
        assert_eq!((curve.points.len(), curve.threshold), (1, None));
    }

    #[test]
    fn a_confidence_in_words_is_never_too_low() {
        assert_eq!(["0.5", "1", "0.99", "0.999001"], [0.5, 1.0, 0.99, 0.9990001].map(confidence_text).as_slice());
    }

    proptest! {
        #[test]
        fn a_confidence_in_words_refuses_no_less(confidence in 0.0_f32..=1.0) {
            let read: f32 = confidence_text(confidence).parse().unwrap();
            prop_assert!((confidence..=confidence + 2e-6).contains(&read), "{} {}", confidence, read);
        }

        #[test]
        fn a_curve_counts_what_its_thresholds_answer(
            answers in prop::collection::vec((0_usize..10, 0.11_f32..1.0, 0_u8..10), 1..300),
        ) {
            let rows: Vec<_> = answers.iter().map(|&(digit, top, _)| row(digit, top)).collect();
            let labels: Vec<u8> = answers.iter().map(|&(.., label)| label).collect();
            let curve = RiskCoverage::of(&rows, &labels);
            prop_assert_eq!(curve.points[0].answered, rows.len());
            for point in &curve.points {
                prop_assert_eq!(RiskPoint::at(point.confidence, &rows, &labels), *point);
            }
            prop_assert!(curve.points.windows(2).all(|pair| pair[0].answered > pair[1].answered));
        }
    }
}
