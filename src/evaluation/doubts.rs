//! Probable label errors.

use super::{
    error::EvaluationError,
    rows::{check_labelled, rank},
};
use crate::data::CLASSES;

/// An image whose label is probably wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Index among the images, from 0.
    pub index: usize,
    /// Label, 0 to 9.
    pub label: u8,
    /// Predicted digit, another one.
    pub predicted: u8,
    /// Probability of the label.
    pub label_probability: f32,
    /// Probability of the predicted digit.
    pub predicted_probability: f32,
}

/// Images whose label is not the predicted digit, the most doubtful first: by the probability of the label, lowest
/// first; ties by that of the predicted digit, highest first, then by index.
///
/// `probabilities`, `[n, 10]`, must be out of fold: a model that has seen a wrong label may know it by heart. The
/// ranking is that by self-confidence of Northcutt, Jiang and Chuang, *Confident Learning*, JAIR 70, 2021.
///
/// # Errors
/// The errors of [`super::score`].
pub fn doubts(probabilities: &[[f32; CLASSES]], labels: &[u8]) -> Result<Vec<Doubt>, EvaluationError> {
    check_labelled(probabilities, labels)?;
    let doubt = |(index, (row, &label)): (usize, (&[f32; CLASSES], &u8))| {
        let answer = rank(row);
        (answer.digit != label).then_some(Doubt {
            index,
            label,
            predicted: answer.digit,
            label_probability: row[usize::from(label)],
            predicted_probability: answer.probability,
        })
    };
    let mut doubts: Vec<Doubt> = probabilities.iter().zip(labels).enumerate().filter_map(doubt).collect();
    doubts.sort_by(|a, b| {
        let by_label = a.label_probability.total_cmp(&b.label_probability);
        by_label.then(b.predicted_probability.total_cmp(&a.predicted_probability))
    });
    Ok(doubts)
}

/// Estimated number of wrong labels by confident learning: images that are confidently of another class than their
/// label, a class being confident from the mean probability on that images of it have for it.
///
/// # Errors
/// The errors of [`super::score`].
pub fn estimated_label_errors(probabilities: &[[f32; CLASSES]], labels: &[u8]) -> Result<usize, EvaluationError> {
    check_labelled(probabilities, labels)?;
    let mut sums = [0.0_f64; CLASSES];
    let mut counts = [0_usize; CLASSES];
    for (row, &label) in probabilities.iter().zip(labels) {
        sums[usize::from(label)] += f64::from(row[usize::from(label)]);
        counts[usize::from(label)] += 1;
    }
    let thresholds: [f64; CLASSES] = std::array::from_fn(|class| match counts[class] {
        0 => f64::INFINITY,
        count => sums[class] / count as f64,
    });
    let confident = |row: &[f32; CLASSES]| {
        let classes = (0..CLASSES).filter(|&class| f64::from(row[class]) >= thresholds[class]);
        classes.max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)))
    };
    let is_wrong = |(row, &label): (&[f32; CLASSES], &u8)| {
        rank(row).digit != label && confident(row).is_some_and(|class| class != usize::from(label))
    };
    Ok(probabilities.iter().zip(labels).filter(|case| is_wrong(*case)).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::RngExt;

    fn row(digit: usize, top: f32) -> [f32; CLASSES] {
        std::array::from_fn(|class| if class == digit { top } else { (1.0 - top) / 9.0 })
    }

    #[test]
    fn doubts_are_ranked_by_the_probability_of_the_label() {
        let second = std::array::from_fn(|class| [0.3, 0.0, 0.0, 0.7].get(class).copied().unwrap_or(0.0));
        let rows = [row(1, 0.6), row(2, 0.99), second, row(4, 0.9)];
        let found = doubts(&rows, &[0, 0, 0, 4]).unwrap();
        assert_eq!(
            found.iter().map(|doubt| (doubt.index, doubt.predicted)).collect::<Vec<_>>(),
            [(1, 2), (0, 1), (2, 3)]
        );
        assert!((found[0].label_probability - 0.01 / 9.0).abs() < 1e-6 && found[0].predicted_probability == 0.99);
        assert!(doubts(&rows, &[0]).is_err());
    }

    #[test]
    fn the_estimate_is_about_the_number_of_planted_errors() {
        let mut rng = Seed(5).rng();
        let truth: Vec<usize> = (0..4000).map(|_| rng.random_range(0..10)).collect();
        // 2 % honest mistakes of lower confidence.
        let rows: Vec<_> = truth
            .iter()
            .map(|&digit| match rng.random_bool(0.02) {
                true => row((digit + 1) % 10, rng.random_range(0.3..0.7)),
                false => row(digit, rng.random_range(0.9..1.0)),
            })
            .collect();
        let mut labels: Vec<u8> = truth.iter().map(|&digit| digit as u8).collect();
        for index in 0..40 {
            labels[index * 97] = (labels[index * 97] + 3) % 10;
        }
        let estimate = estimated_label_errors(&rows, &labels).unwrap();
        assert!((20..=60).contains(&estimate), "{estimate}");
        let first = doubts(&rows, &labels).unwrap();
        let planted = first[..48].iter().filter(|doubt| doubt.index % 97 == 0 && doubt.index < 40 * 97).count();
        assert!(planted >= 36, "{planted} of 40");
    }

    proptest! {
        #[test]
        fn every_doubt_is_a_wrong_answer_and_every_wrong_answer_a_doubt(
            answers in prop::collection::vec((0_usize..10, 0.11_f32..1.0, 0_u8..10), 1..200),
        ) {
            let rows: Vec<_> = answers.iter().map(|&(digit, top, _)| row(digit, top)).collect();
            let labels: Vec<u8> = answers.iter().map(|&(.., label)| label).collect();
            let found = doubts(&rows, &labels).unwrap();
            let wrong = answers.iter().filter(|(digit, _, label)| *digit != usize::from(*label)).count();
            prop_assert_eq!(found.len(), wrong);
            prop_assert!(found.windows(2).all(|pair| pair[0].label_probability <= pair[1].label_probability));
            prop_assert!(estimated_label_errors(&rows, &labels).unwrap() <= wrong);
        }
    }
}
