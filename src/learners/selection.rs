//! The images that a learner chooses by.

use crate::{
    data::{DataError, Digits, stratified_group_split},
    seed::Seed,
};

/// Share of the training images that a learner gets to choose an epoch or a number of trees by.
const SELECTION_SHARE: f64 = 0.1;

/// Divides training images for a learner that [chooses by validation](super::Learner::selects_by_validation): what it
/// is fitted on, and what it chooses by. Images that a model is scored on must not serve the second.
///
/// # Errors
/// If a class has too few groups of images.
pub fn set_aside_for_selection(train: &Digits, seed: Seed) -> Result<(Digits, Digits), DataError> {
    let split = stratified_group_split(&train.labels, &train.groups, SELECTION_SHARE, seed.derive("selection"))?;
    Ok((train.select(&split.train), train.select(&split.validation)))
}
