//! Operations on rows of ten probabilities.

use serde::{Deserialize, Serialize};

use super::error::EvaluationError;
use crate::data::CLASSES;

/// Maximum deviation of the sum of a row from 1; larger than rounding errors in half precision.
const SUM_TOLERANCE: f32 = 1e-3;

/// Returns the most probable class; the lowest of equals.
pub fn top_class(row: &[f32; CLASSES]) -> usize {
    let mut top = 0;
    for class in 1..CLASSES {
        if row[class] > row[top] {
            top = class;
        }
    }
    top
}

/// The two most probable digits of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Most probable digit.
    pub digit: u8,
    /// Probability of `digit`, 0 to 1.
    pub probability: f32,
    /// Second most probable digit.
    pub runner_up: u8,
    /// Probability of `runner_up`, 0 to 1.
    pub runner_up_probability: f32,
}

/// Returns the two most probable digits of a row; the lower of equals first.
pub fn rank(row: &[f32; CLASSES]) -> Ranking {
    let digit = top_class(row);
    let mut others = *row;
    others[digit] = f32::NEG_INFINITY;
    let runner_up = top_class(&others);
    Ranking {
        digit: digit as u8,
        probability: row[digit],
        runner_up: runner_up as u8,
        runner_up_probability: row[runner_up],
    }
}

/// Checks that every row is a probability distribution: numbers from 0 to 1 that sum to 1 ± 1e-3.
///
/// # Errors
/// The first row that is not.
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

/// Checks predictions with their labels: equal counts, at least one image, rows that are distributions, labels 0 to 9.
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
    fn the_lowest_of_equal_classes_is_predicted() {
        let mut row = [0.0; CLASSES];
        row[3] = 0.5;
        row[7] = 0.5;
        assert_eq!(top_class(&row), 3);
        assert_eq!(rank(&row), Ranking { digit: 3, probability: 0.5, runner_up: 7, runner_up_probability: 0.5 });
        assert_eq!(rank(&[0.1; CLASSES]).runner_up, 1);
    }

    #[test]
    fn the_first_row_that_is_not_a_distribution_is_reported() {
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
    fn predictions_and_labels_must_correspond() {
        let good = [0.1; CLASSES];
        assert_eq!(check_labelled(&[good], &[1, 2]), Err(EvaluationError::Lengths { rows: 1, labels: 2 }));
        assert_eq!(check_labelled(&[], &[]), Err(EvaluationError::Empty));
        assert_eq!(check_labelled(&[good, good], &[9, 10]), Err(EvaluationError::Label { row: 1, found: 10 }));
    }
}
