//! Features of a meta-model: the ten probabilities of every member side by side.

use super::{error::StackingError, scale::FeatureScale};
use crate::{data::CLASSES, evaluation::check_rows};

/// Probabilities of all members for each image, `[n, 10 · members]`, row-major, the first member's ten classes first.
#[derive(Clone, Debug, PartialEq)]
pub struct Metafeatures {
    values: Vec<f32>,
    members: usize,
    scale: FeatureScale,
    /// Members that a meta-model does without, ascending.
    left_out: Vec<usize>,
}

/// Replaces rows that are no probability distributions, as those of a net whose numbers overflow, by equal
/// probabilities for all classes. Returns their number.
pub fn replace_invalid_rows(rows: &mut [[f32; CLASSES]]) -> usize {
    let mut replaced = 0;
    for row in rows {
        if check_rows(std::slice::from_ref(row)).is_err() {
            *row = UNIFORM;
            replaced += 1;
        }
    }
    replaced
}

/// Probabilities that say nothing.
const UNIFORM: [f32; CLASSES] = [0.1; CLASSES];

impl Metafeatures {
    /// Joins the members' predictions, each `[n, 10]` for the same images in the same order.
    ///
    /// # Errors
    /// If there is no member, the members differ in the number of images, or a row is not a probability distribution
    /// (the member and row are named).
    pub fn new<M: AsRef<[[f32; CLASSES]]>>(members: &[M], scale: FeatureScale) -> Result<Self, StackingError> {
        let expected = members.first().ok_or(StackingError::NoMembers)?.as_ref().len();
        for (member, rows) in members.iter().enumerate() {
            let found = rows.as_ref().len();
            if found != expected {
                return Err(StackingError::MemberLength { member, found, expected });
            }
            check_rows(rows.as_ref()).map_err(|problem| StackingError::MemberRows { member, problem })?;
        }
        let mut values = Vec::with_capacity(expected * members.len() * CLASSES);
        for image in 0..expected {
            for member in members {
                values.extend_from_slice(&member.as_ref()[image]);
            }
        }
        Ok(Self { values, members: members.len(), scale, left_out: Vec::new() })
    }

    /// Leaves members out, by their indices: their probabilities become equal for all classes, so that no meta-model
    /// learns from them, and those of a mean do not count.
    ///
    /// # Errors
    /// [`StackingError::NoMembers`] if none is left.
    pub fn without(mut self, members: &[usize]) -> Result<Self, StackingError> {
        self.left_out = (0..self.members).filter(|member| members.contains(member)).collect();
        if self.left_out.len() == self.members {
            return Err(StackingError::NoMembers);
        }
        let width = self.width();
        for row in self.values.chunks_exact_mut(width) {
            for &member in &self.left_out {
                row[member * CLASSES..][..CLASSES].copy_from_slice(&UNIFORM);
            }
        }
        Ok(self)
    }

    /// Indices of the members that a meta-model does without, ascending.
    pub fn left_out(&self) -> &[usize] {
        &self.left_out
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    /// True if there is no image.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Number of features of an image: 10 · members.
    pub fn width(&self) -> usize {
        self.members * CLASSES
    }

    /// Scale that a linear meta-model applies.
    pub fn scale(&self) -> FeatureScale {
        self.scale
    }

    /// Probabilities for one image, `[10 · members]`. Panics past the end.
    pub fn row(&self, image: usize) -> &[f32] {
        &self.values[image * self.width()..][..self.width()]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width())
    }

    /// Features of the images with these indices, in this order. Panics past the end.
    pub fn select(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        Self { values, members: self.members, scale: self.scale, left_out: self.left_out.clone() }
    }

    /// Checks that a meta-model can be fitted on these features and labels.
    pub(super) fn check_labels(&self, labels: &[u8]) -> Result<(), StackingError> {
        if labels.len() != self.len() {
            return Err(StackingError::Labels { labels: labels.len(), images: self.len() });
        }
        if labels.is_empty() {
            return Err(StackingError::NoImages);
        }
        match labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(row) => Err(StackingError::Label { row, found: labels[row] }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Probabilities, evaluation::EvaluationError};

    fn certain(class: usize) -> [f32; CLASSES] {
        std::array::from_fn(|index| if index == class { 1.0 } else { 0.0 })
    }

    #[test]
    fn members_stand_side_by_side() {
        let features =
            Metafeatures::new(&[vec![certain(1), certain(2)], vec![certain(3), certain(4)]], FeatureScale::default())
                .unwrap();
        assert_eq!((features.len(), features.members(), features.width()), (2, 2, 20));
        let ones: Vec<usize> =
            features.row(1).iter().enumerate().filter(|(_, value)| **value == 1.0).map(|(index, _)| index).collect();
        assert_eq!(ones, [2, 14]);
        assert_eq!(features.select(&[1, 0]).row(1), features.row(0));
    }

    #[test]
    fn invalid_rows_become_uniform_and_members_can_be_left_out() {
        let mut rows = vec![certain(1), [f32::NAN; CLASSES], [0.0; CLASSES], [f32::INFINITY; CLASSES]];
        assert_eq!(replace_invalid_rows(&mut rows), 3);
        assert_eq!(rows, [certain(1), UNIFORM, UNIFORM, UNIFORM]);
        let features = Metafeatures::new(&[rows, vec![certain(3); 4]], FeatureScale::default()).unwrap();
        let without = features.clone().without(&[0]).unwrap();
        assert_eq!(without.left_out(), [0]);
        assert!(without.rows().all(|row| row[..CLASSES] == UNIFORM && row[CLASSES..] == certain(3)));
        assert_eq!(without.select(&[2]).left_out(), [0]);
        assert_eq!(features.without(&[1, 0]), Err(StackingError::NoMembers));
    }

    #[test]
    fn bad_members_are_named() {
        let scale = FeatureScale::default();
        assert_eq!(Metafeatures::new(&[] as &[Probabilities], scale), Err(StackingError::NoMembers));
        let short = Metafeatures::new(&[vec![certain(1); 2], vec![certain(1)]], scale);
        assert_eq!(short, Err(StackingError::MemberLength { member: 1, found: 1, expected: 2 }));
        let mut nan = certain(1);
        nan[5] = f32::NAN;
        let found = Metafeatures::new(&[vec![certain(1); 2], vec![certain(1), nan]], scale);
        assert!(matches!(
            found,
            Err(StackingError::MemberRows {
                member: 1,
                problem: EvaluationError::Probability { row: 1, class: 5, .. }
            })
        ));
    }
}
