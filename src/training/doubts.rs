//! Probable label errors among the digits that models held out.

use std::collections::HashMap;

use crate::{
    artifact::{DoubtfulLabel, RunFailure, layout::SavedDoubt},
    data::{CLASSES, Digits, Probabilities},
    evaluation,
};

/// Doubtful labels that the report shows.
const GALLERY: usize = 30;

/// Probable label errors.
pub(super) struct Doubts {
    /// All of them, the most doubtful first.
    pub(super) labels: Vec<DoubtfulLabel>,
    /// The first ones, with their pictures.
    pub(super) pictures: Vec<SavedDoubt>,
    /// Estimated number of wrong labels, by confident learning.
    pub(super) estimated: usize,
}

impl Doubts {
    /// Ranks the digits by how doubtful their labels are, given a model's predictions for them that it did not learn
    /// from. Copies of a digit have one place: that of their mean.
    ///
    /// # Errors
    /// If the predictions do not fit the labels.
    pub(super) fn find(digits: &Digits, rows: &Probabilities) -> Result<Self, RunFailure> {
        let originals = originals(digits, rows);
        let labels: Vec<u8> = originals.iter().map(|original| digits.labels[original.index]).collect();
        let means: Probabilities = originals.iter().map(Original::mean).collect();
        let found = evaluation::doubts(&means, &labels)?;
        let label = |doubt: &evaluation::Doubt| DoubtfulLabel {
            name: originals[doubt.index].name.clone(),
            label: doubt.label,
            predicted: doubt.predicted,
            label_probability: doubt.label_probability,
        };
        let picture = |doubt: &evaluation::Doubt| SavedDoubt {
            name: originals[doubt.index].name.clone(),
            label: doubt.label,
            predicted: doubt.predicted,
            label_probability: doubt.label_probability,
            pixels: digits.images.get(originals[doubt.index].index).to_vec(),
        };
        Ok(Self {
            labels: found.iter().map(label).collect(),
            pictures: found.iter().take(GALLERY).map(picture).collect(),
            estimated: evaluation::estimated_label_errors(&means, &labels)?,
        })
    }
}

/// A digit, with the predictions for all its copies.
struct Original {
    name: String,
    /// Index of the first copy.
    index: usize,
    sums: [f64; CLASSES],
    copies: u32,
}

impl Original {
    fn mean(&self) -> [f32; CLASSES] {
        self.sums.map(|sum| (sum / f64::from(self.copies)) as f32)
    }
}

/// Digits in their order, each once.
fn originals(digits: &Digits, rows: &Probabilities) -> Vec<Original> {
    let mut originals: Vec<Original> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let name = digits.name(index);
        let place = *places.entry(name.clone()).or_insert(originals.len());
        if place == originals.len() {
            originals.push(Original { name, index, sums: [0.0; CLASSES], copies: 0 });
        }
        let original = &mut originals[place];
        original.copies += 1;
        for (sum, &value) in original.sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    originals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, PIXELS};

    #[test]
    fn copies_of_a_digit_have_one_place() {
        let row =
            |digit: usize, top: f32| std::array::from_fn(|class| if class == digit { top } else { (1.0 - top) / 9.0 });
        let mut digits = Digits::new(Images::from_images([[1; PIXELS], [2; PIXELS], [3; PIXELS]]), vec![1, 2, 3]);
        digits = digits.select(&[0, 0, 1, 1, 2, 2]);
        let rows = vec![row(4, 0.9), row(1, 0.7), row(7, 0.9), row(7, 0.8), row(3, 0.9), row(3, 0.9)];
        let found = Doubts::find(&digits, &rows).unwrap();
        let names: Vec<(&str, u8)> = found.labels.iter().map(|doubt| (doubt.name.as_str(), doubt.predicted)).collect();
        assert_eq!(names, [("image 1", 7), ("image 0", 4)]);
        assert!((found.labels[1].label_probability - (0.7 + 0.1 / 9.0) / 2.0).abs() < 1e-6);
        assert_eq!(found.pictures[1].pixels, vec![1; PIXELS]);
    }
}
