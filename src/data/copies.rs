//! Exact copies: the same pixels in more than one place.
//!
//! Copies inside a set share a group, so that nothing that keeps groups together can put one on either side. Copies in
//! a test set of what was trained on make its score too good: they are found and named.

use std::collections::HashMap;

use super::{Digits, PIXELS};

/// Copies inside a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copies {
    /// Images that equal an earlier one of another group.
    pub(super) count: usize,
    /// The first such image with its earlier one.
    pub(super) first: Option<(usize, usize)>,
    /// Pairs of a copy and the earlier image whose labels differ.
    pub(super) contradictions: Vec<(usize, usize)>,
}

/// Joins the groups of equal images. A set of one image alone is left as it is: nothing could be held out of it.
pub(super) fn join_groups(digits: &mut Digits) -> Copies {
    let mut copies = Copies::default();
    let mut first: HashMap<&[u8; PIXELS], usize> = HashMap::with_capacity(digits.len());
    let mut parents: HashMap<u32, u32> = HashMap::new();
    for (index, image) in digits.images.iter().enumerate() {
        let earlier = *first.entry(image).or_insert(index);
        if digits.groups[earlier] == digits.groups[index] {
            continue;
        }
        let (a, b) = (root(&parents, digits.groups[earlier]), root(&parents, digits.groups[index]));
        if a != b {
            parents.insert(a.max(b), a.min(b));
        }
        copies.count += 1;
        copies.first.get_or_insert((index, earlier));
        if digits.labels[earlier] != digits.labels[index] {
            copies.contradictions.push((index, earlier));
        }
    }
    if first.len() > 1 && !parents.is_empty() {
        for group in &mut digits.groups {
            *group = root(&parents, *group);
        }
    }
    copies
}

/// The least group that a group was joined with.
fn root(parents: &HashMap<u32, u32>, mut group: u32) -> u32 {
    while let Some(&parent) = parents.get(&group) {
        group = parent;
    }
    group
}

impl Copies {
    /// The copies in words; none if there are none.
    pub(super) fn describe(&self, digits: &Digits) -> Option<String> {
        let (copy, original) = self.first?;
        let pair = |(copy, original): (usize, usize)| format!("{} = {}", digits.name(copy), digits.name(original));
        let mut text = format!(
            "{} of {} training images are copies of others ({}{}): copies stay on one side of every fold",
            self.count,
            digits.len(),
            pair((copy, original)),
            if self.count > 1 { " …" } else { "" }
        );
        if let Some(&(copy, original)) = self.contradictions.first() {
            text += &format!(
                "; warning: {} of them have two labels ({}: {} and {})",
                self.contradictions.len(),
                pair((copy, original)),
                digits.labels[copy],
                digits.labels[original]
            );
        }
        Some(text)
    }
}

/// Test images that are training images too: index into the test digits and index of the first equal training digit.
pub fn shared_images(train: &Digits, test: &Digits) -> Vec<(usize, usize)> {
    let mut first: HashMap<&[u8; PIXELS], usize> = HashMap::with_capacity(train.len());
    for (index, image) in train.images.iter().enumerate() {
        first.entry(image).or_insert(index);
    }
    test.images.iter().enumerate().filter_map(|(index, image)| Some((index, *first.get(image)?))).collect()
}

/// A warning about test images that are training images too; none if there are none.
pub fn describe_shared(shared: &[(usize, usize)], train: &Digits, test: &Digits) -> Option<String> {
    let &(copy, original) = shared.first()?;
    let (are, more) = if shared.len() == 1 { ("is", "") } else { ("are", " …") };
    Some(format!(
        "warning: {} of {} test images {are} in the training set, too ({} = {}{more}): the test scores are too good by \
         what the models know by heart",
        shared.len(),
        test.len(),
        test.name(copy),
        train.name(original)
    ))
}

/// Test images that are training images too, as a CSV table: `test,test_label,training,training_label`.
pub fn shared_csv(shared: &[(usize, usize)], train: &Digits, test: &Digits) -> String {
    let mut table = "test,test_label,training,training_label\n".to_owned();
    for &(copy, original) in shared {
        let (name, of) = (super::folder::quoted(&test.name(copy)), super::folder::quoted(&train.name(original)));
        table += &format!("{name},{},{of},{}\n", test.labels[copy], train.labels[original]);
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        data::{HeldOut, Images, stratified_group_folds, stratified_group_hold_out},
        seed::Seed,
    };

    fn digits(values: &[u8], labels: Vec<u8>) -> Digits {
        Digits::new(Images::from_images(values.iter().map(|&value| [value; PIXELS])), labels)
    }

    #[test]
    fn copies_join_the_groups_of_everything_they_connect() {
        let mut set = digits(&[1, 2, 3, 1, 4, 2], vec![0, 1, 2, 0, 4, 5]);
        // 3 and 4 come from one original, as rotated copies do.
        set.groups = vec![0, 1, 2, 3, 3, 5];
        let copies = join_groups(&mut set);
        assert_eq!(set.groups, [0, 1, 2, 0, 0, 1]);
        assert_eq!((copies.count, copies.contradictions.as_slice()), (2, &[(5, 1)][..]));
        let said = copies.describe(&set).unwrap();
        assert!(said.contains("2 of 6") && said.contains("image 5 = image 1: 5 and 1"), "{said}");
        let mut same = digits(&[7; 4], vec![0, 1, 0, 1]);
        join_groups(&mut same);
        assert_eq!(same.groups, [0, 1, 2, 3]);
    }

    #[test]
    fn test_images_in_the_training_set_are_counted_and_named() {
        let (train, test) = (digits(&[1, 2, 3, 2], vec![1, 2, 3, 2]), digits(&[9, 2, 3], vec![9, 2, 4]));
        let shared = shared_images(&train, &test);
        assert_eq!(shared, [(1, 1), (2, 2)]);
        let said = describe_shared(&shared, &train, &test).unwrap();
        assert!(said.starts_with("warning: 2 of 3 test images are in the training set, too (image 1 = image 1 …)"));
        assert_eq!(
            shared_csv(&shared, &train, &test),
            "test,test_label,training,training_label\nimage 1,2,image 1,2\nimage 2,4,image 2,3\n"
        );
        assert_eq!(describe_shared(&[], &train, &test), None);
    }

    proptest! {
        #[test]
        fn copies_never_cross(values in proptest::collection::vec(0u8..60, 120..200), seed: u64) {
            let labels = values.iter().map(|value| value % 3).collect();
            let mut set = digits(&values, labels);
            join_groups(&mut set);
            let crosses = |a: &[usize], b: &[usize]| a.iter().any(|&a| b.iter().any(|&b| values[a] == values[b]));
            if let Ok(split) = stratified_group_hold_out(&set.labels, &set.groups, HeldOut::Share(0.2), Seed(seed)) {
                prop_assert!(!crosses(&split.train, &split.validation));
            }
            if let Ok(folds) = stratified_group_folds(&set.labels, &set.groups, 3, Seed(seed)) {
                prop_assert!((0..3).all(|fold| !crosses(&folds.train_indices(fold), &folds.validation_indices(fold))));
            }
        }
    }
}
