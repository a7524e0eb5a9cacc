//! What is asked of one row of ten probabilities.

use serde::{Deserialize, Serialize};

use super::EvaluationError;
use crate::data::CLASSES;

/// How far from 1 a row may sum: more than rounding in half precision adds up to.
const SUM_TOLERANCE: f32 = 1e-3;

/// The most probable class; of equals the lowest.
pub fn top_class(row: &[f32; CLASSES]) -> usize {
    let mut top = 0;
    for class in 1..CLASSES {
        if row[class] > row[top] {
            top = class;
        }
    }
    top
}

/// A classifier's answer and the digit it would have said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The most probable digit.
    pub digit: u8,
    /// Its probability.
    pub probability: f32,
    /// The runner-up: what the image looks like besides.
    pub looks_like: u8,
    /// Its probability.
    pub looks_like_probability: f32,
}

/// The two most probable digits of a row; of equals the lower digit comes first.
pub fn rank(row: &[f32; CLASSES]) -> Ranking {
    let digit = top_class(row);
    let mut others = *row;
    others[digit] = f32::NEG_INFINITY;
    let looks_like = top_class(&others);
    Ranking {
        digit: digit as u8,
        probability: row[digit],
        looks_like: looks_like as u8,
        looks_like_probability: row[looks_like],
    }
}

/// Checks that every row is a distribution over the classes: numbers from 0 to 1 that sum to 1, up to rounding (1e-3).
///
/// # Errors
/// Names the first row that is not.
pub fn check_rows(probabilities: &[[f32; CLASSES]]) -> Result<(), EvaluationError> {
    for (row, values) in probabilities.iter().enumerate() {
        if let Some(class) = values.iter().position(|value| !(0.0..=1.0 + SUM_TOLERANCE).contains(value)) {
            return Err(EvaluationError::Probability { row, class, found: values[class] });
        }
        let sum: f32 = values.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(EvaluationError::Sum { row, sum });
        }
    }
    Ok(())
}

/// Checks predictions that belong to labels: as many of both, at least one, rows that are distributions, labels that
/// are digits.
pub(super) fn check_labelled(probabilities: &[[f32; CLASSES]], labels: &[u8]) -> Result<(), EvaluationError> {
    if probabilities.len() != labels.len() {
        return Err(EvaluationError::Lengths { rows: probabilities.len(), labels: labels.len() });
    }
    if labels.is_empty() {
        return Err(EvaluationError::Empty);
    }
    if let Some(row) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
        return Err(EvaluationError::Label { row, found: labels[row] });
    }
    check_rows(probabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_classes_the_lowest_wins() {
        let mut row = [0.0; CLASSES];
        row[3] = 0.5;
        row[7] = 0.5;
        assert_eq!(top_class(&row), 3);
        assert_eq!(rank(&row), Ranking { digit: 3, probability: 0.5, looks_like: 7, looks_like_probability: 0.5 });
        assert_eq!(rank(&[0.1; CLASSES]).looks_like, 1);
    }

    #[test]
    fn a_row_that_is_no_distribution_is_named() {
        let good = [0.1; CLASSES];
        let with = |class: usize, value: f32| {
            let mut row = good;
            row[class] = value;
            check_rows(&[good, good, row])
        };
        assert!(matches!(with(4, f32::NAN), Err(EvaluationError::Probability { row: 2, class: 4, .. })));
        assert_eq!(with(0, -0.1), Err(EvaluationError::Probability { row: 2, class: 0, found: -0.1 }));
        assert!(matches!(with(9, f32::INFINITY), Err(EvaluationError::Probability { row: 2, class: 9, .. })));
        assert!(matches!(with(9, 0.3), Err(EvaluationError::Sum { row: 2, .. })));
        assert_eq!(check_rows(&[good; 3]), Ok(()));
    }

    #[test]
    fn predictions_and_labels_must_match() {
        let good = [0.1; CLASSES];
        assert_eq!(check_labelled(&[good], &[1, 2]), Err(EvaluationError::Lengths { rows: 1, labels: 2 }));
        assert_eq!(check_labelled(&[], &[]), Err(EvaluationError::Empty));
        assert_eq!(check_labelled(&[good, good], &[9, 10]), Err(EvaluationError::Label { row: 1, found: 10 }));
    }
}
