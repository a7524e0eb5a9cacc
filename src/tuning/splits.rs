//! Images that trials are fitted and scored on.
//!
//! All trials of a stage use the same splits, so that their scores differ by their settings and not by their images; a
//! split keeps all copies of a digit on one side. Splits are made once for a stage and shared by its fits.

use serde::{Deserialize, Serialize};

use super::error::TuningError;
use crate::{
    data::{DataError, Digits, FieldError, Split, stratified_group_folds, stratified_group_split, stratified_subset},
    fit::Shared,
    learners::set_aside_for_selection,
    seed::Seed,
};

/// Number of training images that the training score is measured on.
const TRAIN_SAMPLE: usize = 2000;

/// Division of the images: `count` random splits, or each of `folds` folds once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitsConfig {
    /// Number of random splits, 1 to 100; a trial's score is their mean. Default 1.
    pub count: usize,
    /// Fraction of the images that each split scores on, more than 0 and less than 1. Default 0.2.
    pub validation: f64,
    /// Number of folds, 2 to 20, each of which is scored on once. Replaces `count` and `validation`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Largest number of images, drawn stratified by class, at least 100. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
}

impl Default for SplitsConfig {
    fn default() -> Self {
        Self { count: 1, validation: 0.2, folds: None, images: None }
    }
}

impl SplitsConfig {
    pub(super) fn check(&self) -> Result<(), FieldError> {
        if !(1..=100).contains(&self.count) {
            return Err(FieldError::new("count", format!("found {}, expected 1 to 100", self.count)));
        }
        if !(self.validation > 0.0 && self.validation < 1.0) {
            return Err(FieldError::new(
                "validation",
                format!("found {}, expected more than 0 and less than 1", self.validation),
            ));
        }
        if let Some(folds) = self.folds.filter(|folds| !(2..=20).contains(folds)) {
            return Err(FieldError::new("folds", format!("found {folds}, expected 2 to 20")));
        }
        match self.images {
            Some(images) if images < 100 => {
                Err(FieldError::new("images", format!("found {images}, expected at least 100")))
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of splits.
    pub fn len(&self) -> usize {
        self.folds.unwrap_or(self.count)
    }

    /// Returns false: there is always a split.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Describes the division in words.
    pub(super) fn describe(&self) -> String {
        let of = self.images.map_or_else(String::new, |images| format!(" of {images} images"));
        match (self.folds, self.count) {
            (Some(folds), _) => format!("mean of {folds} folds{of}"),
            (None, 1) => format!("one split{of}"),
            (None, count) => format!("mean of {count} splits{of}"),
        }
    }
}

/// One split of the images.
pub(super) struct SplitData {
    /// Images to fit on.
    pub(super) train: Digits,
    /// Images that scores are measured on; no fit selects anything by them.
    pub(super) validation: Digits,
    /// Sample of the training images, for the training score.
    pub(super) train_sample: Digits,
    /// Intermediate results that the fits on `train` share.
    pub(super) shared: Shared,
    /// `train` divided once more, for learners that select an epoch or a number of trees by validation images.
    pub(super) selecting: Option<Box<SplitData>>,
}

impl SplitData {
    fn new(train: Digits, validation: Digits) -> Self {
        let count = TRAIN_SAMPLE.min(train.len());
        let indices: Vec<usize> = (0..count).map(|index| index * train.len() / count).collect();
        let train_sample = train.select(&indices);
        Self { train, validation, train_sample, shared: Shared::default(), selecting: None }
    }

    /// Returns the split with `count` of the training images, drawn stratified by class.
    ///
    /// # Errors
    /// [`DataError`] if they are too few to set a part aside for selection.
    pub(super) fn smaller(&self, count: usize, seed: Seed) -> Result<Self, DataError> {
        let smaller = Self::new(subset(&self.train, count, seed), self.validation.clone());
        if self.selecting.is_some() { smaller.with_selection(seed) } else { Ok(smaller) }
    }

    /// Returns the split with a part of the training images set aside for selection.
    fn with_selection(mut self, seed: Seed) -> Result<Self, DataError> {
        let (train, selection) = set_aside_for_selection(&self.train, seed)?;
        self.selecting = Some(Box::new(Self::new(train, selection)));
        Ok(self)
    }
}

/// Divides the images.
///
/// # Errors
/// [`TuningError::Data`] if a class has too few images.
pub(super) fn splits(
    config: &SplitsConfig,
    digits: &Digits,
    selects: bool,
    seed: Seed,
) -> Result<Vec<SplitData>, TuningError> {
    let chosen = config.images.map(|images| subset(digits, images, seed.derive("images")));
    let digits = chosen.as_ref().unwrap_or(digits);
    let make = |split: Split, seed: Seed| -> Result<SplitData, DataError> {
        let data = SplitData::new(digits.select(&split.train), digits.select(&split.validation));
        if selects { data.with_selection(seed) } else { Ok(data) }
    };
    let all: Result<Vec<_>, _> = match config.folds {
        Some(count) => {
            let folds = stratified_group_folds(&digits.labels, &digits.groups, count, seed.derive("folds"))?;
            let split = |fold| Split { train: folds.train_indices(fold), validation: folds.validation_indices(fold) };
            (0..count).map(|fold| make(split(fold), seed.index(fold as u64))).collect()
        }
        None => (0..config.count)
            .map(|index| {
                let seed = seed.derive("split").index(index as u64);
                make(stratified_group_split(&digits.labels, &digits.groups, config.validation, seed)?, seed)
            })
            .collect(),
    };
    Ok(all?)
}

/// Returns about `count` images: whole groups, stratified by class (a group has the class of its first image).
fn subset(digits: &Digits, count: usize, seed: Seed) -> Digits {
    if count >= digits.len() {
        return digits.clone();
    }
    let mut first: std::collections::BTreeMap<u32, u8> = std::collections::BTreeMap::new();
    for (group, label) in digits.groups.iter().zip(&digits.labels) {
        first.entry(*group).or_insert(*label);
    }
    let labels: Vec<u8> = first.values().copied().collect();
    let groups: Vec<u32> = first.keys().copied().collect();
    let wanted = (count * groups.len()).div_ceil(digits.len());
    let chosen: std::collections::HashSet<u32> =
        stratified_subset(&labels, wanted, seed).into_iter().map(|index| groups[index]).collect();
    let indices: Vec<usize> = (0..digits.len()).filter(|&index| chosen.contains(&digits.groups[index])).collect();
    digits.select(&indices)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::data::{Images, PIXELS};

    fn copies() -> Digits {
        let mut digits = Digits::new(
            Images::from_images((0..900).map(|i| [(i % 251) as u8; PIXELS])),
            (0..900).map(|i| (i / 3 % 10) as u8).collect(),
        );
        digits.groups = (0..900).map(|index| index / 3).collect();
        digits
    }

    fn groups(digits: &Digits) -> std::collections::HashSet<u32> {
        digits.groups.iter().copied().collect()
    }

    #[test]
    fn copies_of_a_digit_stay_on_one_side() {
        let digits = copies();
        for config in [
            SplitsConfig { count: 3, ..Default::default() },
            SplitsConfig { folds: Some(4), ..Default::default() },
            SplitsConfig { images: Some(450), ..Default::default() },
        ] {
            for split in splits(&config, &digits, true, Seed(1)).unwrap() {
                assert!(groups(&split.train).is_disjoint(&groups(&split.validation)));
                let inner = split.selecting.as_ref().unwrap();
                assert!(groups(&inner.train).is_disjoint(&groups(&inner.validation)));
                assert!(groups(&inner.validation).is_subset(&groups(&split.train)));
                let smaller = split.smaller(split.train.len() / 2, Seed(2)).unwrap();
                assert!(smaller.selecting.is_some());
                assert!(groups(&smaller.train).is_subset(&groups(&split.train)));
                assert!(smaller.train.len().abs_diff(split.train.len() / 2) <= 30);
            }
        }
        let few = splits(&SplitsConfig { images: Some(450), ..Default::default() }, &digits, false, Seed(1)).unwrap();
        assert_eq!(few[0].train.len() + few[0].validation.len(), 450);
    }

    #[test]
    fn impossible_divisions_are_named() {
        let field = |config: SplitsConfig| config.check().unwrap_err().field;
        assert_eq!(field(SplitsConfig { count: 0, ..Default::default() }), "count");
        assert_eq!(field(SplitsConfig { validation: 1.0, ..Default::default() }), "validation");
        assert_eq!(field(SplitsConfig { folds: Some(1), ..Default::default() }), "folds");
        assert_eq!(field(SplitsConfig { images: Some(3), ..Default::default() }), "images");
    }
}
