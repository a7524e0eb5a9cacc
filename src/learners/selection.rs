//! Selection images: the part of the training images by which a learner selects an epoch or a number of trees.

use crate::{
    data::{DataError, Digits, stratified_group_split},
    seed::Seed,
};

/// Fraction of the training images that are set aside for selection.
const SELECTION_SHARE: f64 = 0.1;

/// Divides training images for a learner that [selects by validation](super::Description::selects_by_validation) into
/// those that it is fitted on and those that it selects by. Images that a model is scored on must not be among the
/// latter.
///
/// # Errors
/// If a class has too few groups of images.
pub fn set_aside_for_selection(train: &Digits, seed: Seed) -> Result<(Digits, Digits), DataError> {
    let split = stratified_group_split(&train.labels, &train.groups, SELECTION_SHARE, seed.derive("selection"))?;
    Ok((train.select(&split.train), train.select(&split.validation)))
}
