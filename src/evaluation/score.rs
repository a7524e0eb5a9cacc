//! Computes all scores of a classifier on labelled images in one pass.

use super::{
    error::EvaluationError,
    rows::{check_labelled, top_class},
    scores::{ClassScores, Proportion, ReliabilityBin, Scores},
};
use crate::data::CLASSES;

/// Number of bins of the reliability diagram.
pub const RELIABILITY_BINS: usize = 15;

/// Lower bound of probabilities before their logarithm is taken, so that a confident error costs at most 34.5 nats.
const MIN_PROBABILITY: f64 = 1e-15;

/// Scores predictions `[n, 10]` against labels `[n]`.
///
/// The predicted class is the most probable one, the lowest of equals. The expected calibration error (Naeini et al.,
/// AAAI 2015) has [`RELIABILITY_BINS`] bins of equal width over the top probability, each open below and closed above.
///
/// # Errors
/// Without images, if the counts differ, or for the first label above 9 or row that is not a distribution.
pub fn score(probabilities: &[[f32; CLASSES]], labels: &[u8]) -> Result<Scores, EvaluationError> {
    check_labelled(probabilities, labels)?;
    let images = labels.len();
    let mut confusion = [[0; CLASSES]; CLASSES];
    let mut loss = 0.0;
    let mut bins = [Bin::default(); RELIABILITY_BINS];
    for (row, &label) in probabilities.iter().zip(labels) {
        let label = usize::from(label);
        let predicted = top_class(row);
        confusion[label][predicted] += 1;
        loss -= f64::from(row[label]).clamp(MIN_PROBABILITY, 1.0).ln();
        let confidence = f64::from(row[predicted]).min(1.0);
        bins[bin_of(confidence)].add(confidence, predicted == label);
    }
    let correct = (0..CLASSES).map(|class| confusion[class][class]).sum();
    Ok(Scores {
        images,
        correct,
        accuracy: Proportion::wilson(correct, images),
        log_loss: loss / images as f64,
        classes: std::array::from_fn(|class| class_scores(&confusion, class)),
        confusion,
        expected_calibration_error: bins.iter().map(|bin| (bin.confidence - bin.right as f64).abs()).sum::<f64>()
            / images as f64,
        reliability: bins.iter().enumerate().map(|(index, bin)| bin.finish(index)).collect(),
    })
}

/// Index of the bin `(low, high]` of a top probability; 0 belongs to the first bin.
fn bin_of(confidence: f64) -> usize {
    let bin = (confidence * RELIABILITY_BINS as f64).ceil() as usize;
    bin.clamp(1, RELIABILITY_BINS) - 1
}

fn class_scores(confusion: &[[usize; CLASSES]; CLASSES], class: usize) -> ClassScores {
    let right = confusion[class][class];
    let support: usize = confusion[class].iter().sum();
    let predicted: usize = confusion.iter().map(|row| row[class]).sum();
    let share = |of: usize| if of == 0 { 0.0 } else { right as f64 / of as f64 };
    ClassScores { support, precision: share(predicted), recall: share(support) }
}

/// Sums of one bin of the reliability diagram.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: usize,
    right: usize,
    /// Sum of the top probabilities.
    confidence: f64,
}

impl Bin {
    fn add(&mut self, confidence: f64, right: bool) {
        self.count += 1;
        self.right += usize::from(right);
        self.confidence += confidence;
    }

    fn finish(&self, index: usize) -> ReliabilityBin {
        let mean = |sum: f64| if self.count == 0 { 0.0 } else { sum / self.count as f64 };
        ReliabilityBin {
            low: index as f64 / RELIABILITY_BINS as f64,
            high: (index + 1) as f64 / RELIABILITY_BINS as f64,
            count: self.count,
            confidence: mean(self.confidence),
            accuracy: mean(self.right as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certain(class: usize) -> [f32; CLASSES] {
        std::array::from_fn(|other| if other == class { 1.0 } else { 0.0 })
    }

    #[test]
    fn a_confident_error_has_a_finite_loss() {
        let scores = score(&[certain(1), certain(2)], &[1, 3]).unwrap();
        assert_eq!((scores.correct, scores.confusion[3][2], scores.classes[3].support), (1, 1, 1));
        assert_eq!(
            (scores.classes[2].precision, scores.classes[3].recall, scores.classes[5].precision),
            (0.0, 0.0, 0.0)
        );
        assert!((scores.log_loss - 34.538_776_394_910_684 / 2.0).abs() < 1e-12);
        assert!((scores.expected_calibration_error - 0.5).abs() < 1e-12);
    }

    #[test]
    fn bins_include_their_upper_end() {
        assert_eq!((bin_of(0.0), bin_of(0.1), bin_of(1.0 / 15.0), bin_of(1.0)), (0, 1, 0, 14));
    }

    proptest! {
        #[test]
        fn counts_of_all_parts_add_up(
            rows in prop::collection::vec((prop::array::uniform10(0.01_f32..1.0), 0_u8..10), 1..200),
        ) {
            let labels: Vec<u8> = rows.iter().map(|(_, label)| *label).collect();
            let rows: Vec<_> = rows.iter().map(|(row, _)| row.map(|value| value / row.iter().sum::<f32>())).collect();
            let scores = score(&rows, &labels).unwrap();
            prop_assert_eq!(scores.confusion.iter().flatten().sum::<usize>(), labels.len());
            prop_assert_eq!(scores.reliability.iter().map(|bin| bin.count).sum::<usize>(), labels.len());
            for bin in scores.reliability.iter().filter(|bin| bin.count > 0) {
                prop_assert!((bin.low - 1e-9..=bin.high + 1e-9).contains(&bin.confidence));
            }
            prop_assert!((0.0..=1.0).contains(&scores.expected_calibration_error));
        }
    }
}
