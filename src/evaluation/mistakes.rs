//! The mistakes that a reader wants to see: those the classifier was surest of.

use serde::{Deserialize, Serialize};

use super::{EvaluationError, rows::check_labelled, top_class};
use crate::data::CLASSES;

/// An image that was classified wrongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its place among the images, from 0.
    pub index: usize,
    /// What it is.
    pub label: u8,
    /// What the classifier took it for.
    pub predicted: u8,
    /// The classifier's probabilities.
    pub probabilities: [f32; CLASSES],
}

/// At most `limit` mistakes, those with the highest probability for the wrong class first; of equals the lower index.
///
/// # Errors
/// As [`super::score`].
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
    fn the_surest_mistake_comes_first() {
        let row =
            |class: usize, top: f32| std::array::from_fn(|place| if place == class { top } else { (1.0 - top) / 9.0 });
        let rows = [row(1, 0.6), row(2, 0.9), row(3, 0.7), row(4, 0.9), row(5, 0.99)];
        let found = mistakes(&rows, &[0, 0, 0, 0, 5], 3).unwrap();
        assert_eq!(
            found.iter().map(|mistake| (mistake.index, mistake.predicted)).collect::<Vec<_>>(),
            [(1, 2), (3, 4), (2, 3)]
        );
        assert!(mistakes(&rows[4..], &[5], 3).unwrap().is_empty());
    }
}
