//! Dividing a set so that every part has each class's share and no group is on both sides.
//!
//! One greedy rule serves all: groups are taken largest first, groups of the same size class by class and, within that,
//! in an order drawn from the seed; each goes where it leaves the class shares most even. This is the rule of
//! scikit-learn's `StratifiedGroupKFold` (`sklearn/model_selection/_split.py`) with the variance of the shares in place
//! of the mean of their standard deviations, so that what a group adds depends on its own classes only. With groups of
//! one image it becomes plain stratification: the folds' counts of a class differ by at most one, and so do their
//! sizes.

use std::collections::HashSet;

use rand::seq::SliceRandom;

use super::{
    CLASSES, HeldOut,
    counted::counted,
    error::{DataError, Result},
};
use crate::seed::Seed;

/// Most folds.
const MAX_FOLDS: usize = 1000;

/// A division into folds: each image is validated on in exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    fold_of: Vec<u16>,
    count: usize,
}

impl Folds {
    /// Number of folds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The fold, from 0, that each image is validated on in: `[n]`.
    pub fn fold_of(&self) -> &[u16] {
        &self.fold_of
    }

    /// The images outside fold `fold`, in their order. Panics unless `fold < count()`.
    pub fn train_indices(&self, fold: usize) -> Vec<usize> {
        self.indices(fold, false)
    }

    /// The images of fold `fold`, in their order. Panics unless `fold < count()`.
    pub fn validation_indices(&self, fold: usize) -> Vec<usize> {
        self.indices(fold, true)
    }

    fn indices(&self, fold: usize, inside: bool) -> Vec<usize> {
        assert!(fold < self.count, "fold {fold} of {}", self.count);
        let images = self.fold_of.iter().enumerate();
        images.filter(|&(_, &of)| (usize::from(of) == fold) == inside).map(|(index, _)| index).collect()
    }
}

/// A division in two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The images to fit on, in their order.
    pub train: Vec<usize>,
    /// The images held out, in their order.
    pub validation: Vec<usize>,
}

/// Divides images into `k` folds. `labels` and `groups`: `[n]`.
///
/// # Errors
/// [`DataError::Division`] if `k` is not 2 to 1000, if there are no images or not as many labels as groups, if a label
/// is above 9, or if a class that occurs has fewer groups than there are folds.
pub fn stratified_group_folds(labels: &[u8], groups: &[u32], k: usize, seed: Seed) -> Result<Folds> {
    if !(2..=MAX_FOLDS).contains(&k) {
        return Err(DataError::Division(format!("{k} folds, expected 2 to {MAX_FOLDS}")));
    }
    let set = Groups::collect(labels, groups, seed)?;
    for class in 0..CLASSES {
        let holders = set.groups.iter().filter(|group| group.counts[class] > 0).count();
        if (1..k).contains(&holders) {
            return Err(DataError::Division(format!(
                "class {class} has {} of images, too few for {k} folds",
                counted(holders, "group")
            )));
        }
    }
    let mut counts = vec![[0; CLASSES]; k];
    let mut sizes = vec![0; k];
    let mut fold_of = vec![0; labels.len()];
    for group in &set.groups {
        let added = |fold: usize| set.share_change(group, |class| f64::from(counts[fold][class]));
        let best =
            (0..k).min_by(|&a, &b| added(a).total_cmp(&added(b)).then(sizes[a].cmp(&sizes[b]))).unwrap_or_default();
        for (count, more) in counts[best].iter_mut().zip(group.counts) {
            *count += more;
        }
        sizes[best] += group.images.len();
        for &image in &group.images {
            fold_of[image] = best as u16;
        }
    }
    Ok(Folds { fold_of, count: k })
}

/// Holds out about `fraction` of each class: with groups of one image, the nearest whole number, but at least one on
/// either side.
///
/// # Errors
/// [`DataError::Division`] if `fraction` is not between 0 and 1, for labels and groups as in
/// [`stratified_group_folds`], or if a class that occurs would be missing on one side.
pub fn stratified_group_split(labels: &[u8], groups: &[u32], fraction: f64, seed: Seed) -> Result<Split> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(DataError::Division(format!(
            "a held-out share of {fraction}, expected more than 0 and less than 1"
        )));
    }
    let set = Groups::collect(labels, groups, seed)?;
    let wanted = set.totals.map(|total| (f64::from(total) * fraction).min(f64::from(total) - 1.0).max(1.0));
    let mut counts = [0; CLASSES];
    let mut held_out = vec![false; labels.len()];
    for group in &set.groups {
        if set.share_change(group, |class| f64::from(counts[class]) - wanted[class]) < 0.0 {
            for (count, more) in counts.iter_mut().zip(group.counts) {
                *count += more;
            }
            for &image in &group.images {
                held_out[image] = true;
            }
        }
    }
    for class in (0..CLASSES).filter(|&class| set.totals[class] > 0) {
        if counts[class] == 0 || counts[class] == set.totals[class] {
            let (found, side) = (set.totals[class], if counts[class] == 0 { "held-out" } else { "training" });
            let problem = format!(
                "class {class}, {}, cannot be divided by groups: none would be left on the {side} side",
                counted(found as usize, "image")
            );
            return Err(DataError::Division(problem));
        }
    }
    let side = |inside: bool| {
        held_out.iter().enumerate().filter(|&(_, &held)| held == inside).map(|(index, _)| index).collect()
    };
    Ok(Split { train: side(false), validation: side(true) })
}

/// Holds out a share as [`stratified_group_split`] does, or exactly so many groups with each class's share of them.
/// `labels` and `groups`: `[n]`; a group counts under its first image's label.
///
/// # Errors
/// As [`stratified_group_split`]; [`DataError::Division`] if nothing of a class would be left to fit on.
pub fn stratified_group_hold_out(labels: &[u8], groups: &[u32], held_out: HeldOut, seed: Seed) -> Result<Split> {
    let count = match held_out {
        HeldOut::Share(share) => return stratified_group_split(labels, groups, share, seed),
        HeldOut::Count(count) => count,
    };
    if labels.len() != groups.len() {
        return Err(DataError::Division(format!("{} labels but {} group numbers", labels.len(), groups.len())));
    }
    let mut seen = HashSet::new();
    let firsts: Vec<usize> = (0..groups.len()).filter(|&image| seen.insert(groups[image])).collect();
    let labels_of_groups: Vec<u8> = firsts.iter().map(|&image| labels[image]).collect();
    if count == 0 || count >= firsts.len() {
        return Err(DataError::Division(format!(
            "{count} of {} digits to hold out, expected at least 1 and fewer than all",
            firsts.len()
        )));
    }
    let drawn: HashSet<u32> =
        stratified_subset(&labels_of_groups, count, seed).into_iter().map(|index| groups[firsts[index]]).collect();
    let side = |inside: bool| -> Vec<usize> {
        (0..groups.len()).filter(|&image| drawn.contains(&groups[image]) == inside).collect()
    };
    let split = Split { train: side(false), validation: side(true) };
    let classes = |images: &[usize]| images.iter().map(|&image| labels[image]).collect::<HashSet<u8>>();
    match classes(&split.validation).difference(&classes(&split.train)).min() {
        Some(class) => Err(DataError::Division(format!(
            "holding out {count} of {} digits would leave none of class {class}",
            firsts.len()
        ))),
        None => Ok(split),
    }
}

/// Draws `count` images with each class's share (by largest remainder), in their order; all if there are no more than
/// that.
///
/// For sets in which each image is its own group.
pub fn stratified_subset(labels: &[u8], count: usize, seed: Seed) -> Vec<usize> {
    if count >= labels.len() {
        return (0..labels.len()).collect();
    }
    let mut of_class: [Vec<usize>; CLASSES] = Default::default();
    for (index, &label) in labels.iter().enumerate() {
        of_class[usize::from(label)].push(index);
    }
    let mut taken = of_class.each_ref().map(|images| images.len() * count / labels.len());
    let mut by_remainder: Vec<usize> = (0..CLASSES).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(of_class[class].len() * count % labels.len()));
    let missing = count - taken.iter().sum::<usize>();
    for &class in by_remainder.iter().take(missing) {
        taken[class] += 1;
    }
    let mut drawn = Vec::with_capacity(count);
    for (class, mut images) in of_class.into_iter().enumerate() {
        images.shuffle(&mut seed.index(class as u64).rng());
        drawn.extend(&images[..taken[class]]);
    }
    drawn.sort_unstable();
    drawn
}

/// All images of one group.
struct Group {
    images: Vec<usize>,
    counts: [u32; CLASSES],
}

impl Group {
    /// The class that most of its images have; the lowest of several.
    fn main_class(&self) -> usize {
        (0..CLASSES).rev().max_by_key(|&class| self.counts[class]).unwrap_or_default()
    }
}

/// The groups in the order in which they are placed.
struct Groups {
    groups: Vec<Group>,
    totals: [u32; CLASSES],
}

impl Groups {
    fn collect(labels: &[u8], groups: &[u32], seed: Seed) -> Result<Self> {
        if labels.len() != groups.len() {
            return Err(DataError::Division(format!("{} labels but {} group numbers", labels.len(), groups.len())));
        }
        if labels.is_empty() {
            return Err(DataError::Division("no images to divide".into()));
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            return Err(DataError::Division(format!("label {index} is {}, expected 0 to 9", labels[index])));
        }
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&image| groups[image]);
        let mut collected = Vec::new();
        let mut totals = [0; CLASSES];
        for images in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
            let mut counts = [0; CLASSES];
            for &image in images {
                counts[usize::from(labels[image])] += 1;
                totals[usize::from(labels[image])] += 1;
            }
            collected.push(Group { images: images.to_vec(), counts });
        }
        collected.shuffle(&mut seed.rng());
        collected.sort_by_key(|group| (std::cmp::Reverse(group.images.len()), group.main_class()));
        Ok(Self { groups: collected, totals })
    }

    /// Σ over classes of ((x + c)² − x²) / total², where c is the group's count of the class and x is `before`: by how
    /// much the squared class shares grow if the group is added.
    fn share_change(&self, group: &Group, before: impl Fn(usize) -> f64) -> f64 {
        let classes = (0..CLASSES).filter(|&class| group.counts[class] > 0);
        let changes = classes.map(|class| {
            let (count, total) = (f64::from(group.counts[class]), f64::from(self.totals[class]));
            count * (2.0 * before(class) + count) / (total * total)
        });
        changes.sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(labels: &[u8], indices: &[usize]) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        for &index in indices {
            counts[usize::from(labels[index])] += 1;
        }
        counts
    }

    #[test]
    fn the_seed_decides() {
        let labels: Vec<u8> = (0..200).map(|index| (index % 10) as u8).collect();
        let groups: Vec<u32> = (0..200).collect();
        let folds = |seed| stratified_group_folds(&labels, &groups, 4, Seed(seed)).unwrap();
        assert_eq!(folds(1), folds(1));
        assert_ne!(folds(1), folds(2));
        let split = |seed| stratified_group_split(&labels, &groups, 0.25, Seed(seed)).unwrap();
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
        assert_eq!(split(1).validation.len(), 50);
        assert_ne!(stratified_subset(&labels, 50, Seed(1)), stratified_subset(&labels, 50, Seed(2)));
    }

    #[test]
    fn a_count_is_held_out_exactly_with_all_copies() {
        let labels: Vec<u8> = (0..207).map(|index| (index % 10) as u8).collect();
        let groups: Vec<u32> = (0..207).collect();
        let split = stratified_group_hold_out(&labels, &groups, HeldOut::Count(33), Seed(1)).unwrap();
        assert_eq!((split.train.len(), split.validation.len()), (174, 33));
        assert!(counts(&labels, &split.validation).iter().all(|&count| (3..=4).contains(&count)));
        // Three copies of each digit, one behind the other.
        let (labels, groups) = (labels.repeat(3), groups.repeat(3));
        let copies = stratified_group_hold_out(&labels, &groups, HeldOut::Count(33), Seed(1)).unwrap();
        assert_eq!(
            copies.validation,
            [0, 207, 414]
                .map(|start| split.validation.iter().map(move |image| start + image))
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        );
        let share = |seed| stratified_group_hold_out(&labels, &groups, HeldOut::Share(0.25), Seed(seed)).unwrap();
        assert_eq!(share(2), stratified_group_split(&labels, &groups, 0.25, Seed(2)).unwrap());
    }

    #[test]
    fn a_count_that_leaves_nothing_is_refused() {
        let (labels, groups) = ([0, 0, 1, 1, 1], [0, 1, 2, 3, 3]);
        let refuse = |count| {
            stratified_group_hold_out(&labels, &groups, HeldOut::Count(count), Seed(0)).unwrap_err().to_string()
        };
        assert_eq!(refuse(0), "0 of 4 digits to hold out, expected at least 1 and fewer than all");
        assert_eq!(refuse(4), "4 of 4 digits to hold out, expected at least 1 and fewer than all");
        assert!(refuse(3).contains("would leave none of class"), "{}", refuse(3));
    }

    #[test]
    fn impossible_divisions_say_why() {
        let refuse = |result: Result<Folds>| result.unwrap_err().to_string();
        let (labels, groups) = ([0, 0, 0, 1, 1], [0, 1, 2, 3, 3]);
        assert_eq!(
            refuse(stratified_group_folds(&labels, &groups, 2, Seed(0))),
            "class 1 has 1 group of images, too few for 2 folds"
        );
        assert_eq!(refuse(stratified_group_folds(&labels, &groups, 1, Seed(0))), "1 folds, expected 2 to 1000");
        assert_eq!(refuse(stratified_group_folds(&[], &[], 2, Seed(0))), "no images to divide");
        assert_eq!(refuse(stratified_group_folds(&labels, &groups[1..], 2, Seed(0))), "5 labels but 4 group numbers");
        assert_eq!(refuse(stratified_group_folds(&[0, 10], &[0, 1], 2, Seed(0))), "label 1 is 10, expected 0 to 9");
        let refuse = |fraction| stratified_group_split(&labels, &groups, fraction, Seed(0)).unwrap_err().to_string();
        assert_eq!(
            refuse(0.5),
            "class 1, 2 images, cannot be divided by groups: none would be left on the held-out side"
        );
        assert!(refuse(f64::NAN).contains("NaN") && refuse(1.0).contains("less than 1"));
        let small = stratified_group_split(&[0, 0, 1, 1], &[0, 1, 2, 3], 0.01, Seed(0)).unwrap();
        assert_eq!((small.train.len(), small.validation.len()), (2, 2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn single_images_are_stratified_evenly(
            labels in proptest::collection::vec(0u8..10, 100..400), k in 2usize..6, seed: u64,
        ) {
            let groups: Vec<u32> = (0..labels.len() as u32).collect();
            let Ok(folds) = stratified_group_folds(&labels, &groups, k, Seed(seed)) else { return Ok(()) };
            let per_fold: Vec<_> = (0..k).map(|fold| counts(&labels, &folds.validation_indices(fold))).collect();
            for class in 0..CLASSES {
                let column = per_fold.iter().map(|counts| counts[class]);
                prop_assert!(column.clone().max().unwrap() - column.min().unwrap() <= 1);
            }
            let sizes = per_fold.iter().map(|counts| counts.iter().sum::<usize>());
            prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }

        #[test]
        fn groups_stay_together_and_everything_is_covered_once(
            members in proptest::collection::vec((0u32..60, 0u8..10), 60..400),
            k in 2usize..6,
            fraction in 0.1f64..0.9,
            seed: u64,
        ) {
            let (groups, labels): (Vec<u32>, Vec<u8>) = members.into_iter().unzip();
            let apart = |train: &[usize], validation: &[usize]| {
                let inside: std::collections::HashSet<_> = validation.iter().map(|&index| groups[index]).collect();
                let mut all = [train, validation].concat();
                all.sort_unstable();
                all == (0..labels.len()).collect::<Vec<_>>()
                    && !train.iter().any(|&index| inside.contains(&groups[index]))
            };
            if let Ok(folds) = stratified_group_folds(&labels, &groups, k, Seed(seed)) {
                let mut validated: Vec<usize> = Vec::new();
                for fold in 0..k {
                    prop_assert!(apart(&folds.train_indices(fold), &folds.validation_indices(fold)));
                    validated.extend(folds.validation_indices(fold));
                }
                validated.sort_unstable();
                prop_assert_eq!(validated, (0..labels.len()).collect::<Vec<_>>());
            }
            if let Ok(split) = stratified_group_split(&labels, &groups, fraction, Seed(seed)) {
                prop_assert!(apart(&split.train, &split.validation));
                let (train, validation) = (counts(&labels, &split.train), counts(&labels, &split.validation));
                prop_assert!(train.iter().zip(validation).all(|(&a, b)| (a == 0) == (b == 0)));
            }
        }

        #[test]
        fn a_subset_has_the_shares_of_the_whole(
            labels in proptest::collection::vec(0u8..10, 1..400), count in 0usize..500, seed: u64,
        ) {
            let drawn = stratified_subset(&labels, count, Seed(seed));
            prop_assert_eq!(drawn.len(), count.min(labels.len()));
            prop_assert!(drawn.is_sorted_by(|a, b| a < b));
            let all: Vec<usize> = (0..labels.len()).collect();
            for (whole, part) in counts(&labels, &all).into_iter().zip(counts(&labels, &drawn)) {
                let share = whole as f64 * drawn.len() as f64 / labels.len() as f64;
                prop_assert!((part as f64 - share).abs() < 1.0);
            }
        }
    }
}
