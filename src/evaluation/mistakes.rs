//! The misclassified images with the highest confidence.

use serde::{Deserialize, Serialize};

use super::{
    error::EvaluationError,
    rows::{check_labelled, top_class},
};
use crate::data::CLASSES;

/// A misclassified image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Index among the images, from 0.
    pub index: usize,
    /// Label, 0 to 9.
    pub label: u8,
    /// Predicted digit.
    pub predicted: u8,
    /// Predicted probabilities of the digits 0 to 9.
    pub probabilities: [f32; CLASSES],
}

/// Returns at most `limit` misclassified images, highest probability of the predicted digit first; ties by index.
///
/// # Errors
/// The errors of [`super::score`].
pub fn mistakes(
    probabilities: &[[f32; CLASSES]],
    labels: &[u8],
    limit: usize,
) -> Result<Vec<Mistake>, EvaluationError> {
    check_labelled(probabilities, labels)?;
    let mut wrong: Vec<Mistake> = probabilities
        .iter()
        .zip(labels)
        .enumerate()
        .map(|(index, (row, &label))| Mistake { index, label, predicted: top_class(row) as u8, probabilities: *row })
        .filter(|mistake| mistake.predicted != mistake.label)
        .collect();
    wrong.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
    wrong.truncate(limit);
    Ok(wrong)
}

impl Mistake {
    fn confidence(&self) -> f32 {
        self.probabilities[usize::from(self.predicted)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_sorted_by_confidence() {
        let row =
            |class: usize, top: f32| std::array::from_fn(|other| if other == class { top } else { (1.0 - top) / 9.0 });
        let rows = [row(1, 0.6), row(2, 0.9), row(3, 0.7), row(4, 0.9), row(5, 0.99)];
        let found = mistakes(&rows, &[0, 0, 0, 0, 5], 3).unwrap();
        assert_eq!(
            found.iter().map(|mistake| (mistake.index, mistake.predicted)).collect::<Vec<_>>(),
            [(1, 2), (3, 4), (2, 3)]
        );
        assert!(mistakes(&rows[4..], &[5], 3).unwrap().is_empty());
    }
}
