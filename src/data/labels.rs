//! Labels that cannot be right: one class alone, classes that are missing, a column that is taken for the label and is
//! none.

use super::{CLASSES, Digits, counted::counted};

/// Fewest rows from which anything is concluded about a column.
const FEWEST_ROWS: usize = 10;

/// Number of each digit among values; none if a value is no digit.
fn counts(values: impl Iterator<Item = u8>) -> Option<[usize; CLASSES]> {
    let mut counts = [0; CLASSES];
    for value in values {
        *counts.get_mut(usize::from(value))? += 1;
    }
    Some(counts)
}

/// Whether values are digits of several classes, of which none makes up more than half.
fn look_like_labels(counts: &[usize; CLASSES]) -> bool {
    let total: usize = counts.iter().sum();
    let most = counts.iter().copied().max().unwrap_or_default();
    total >= FEWEST_ROWS && 2 * most <= total
}

/// The problem of a table without a header whose first column cannot be the label while its last one looks like it.
pub(super) fn misplaced(first: impl Iterator<Item = u8>, last: impl Iterator<Item = u8>) -> Option<String> {
    let (first, last) = (counts(first)?, counts(last)?);
    if first == [0; CLASSES] || look_like_labels(&first) || !look_like_labels(&last) {
        return None;
    }
    let class = (0..CLASSES).max_by_key(|&class| first[class]).unwrap_or_default();
    let rows: usize = first.iter().sum();
    let classes = last.iter().filter(|&&count| count > 0).count();
    Some(format!(
        "of {} the first column is {class} in {}, which makes a poor label, while the last one looks like the label \
         ({classes} digits): put the label into the first column, or add a header that calls it `label`",
        counted(rows, "row"),
        first[class]
    ))
}

/// The problem of training digits of one class.
pub(super) fn one_class(digits: &Digits) -> Option<String> {
    let counts = digits.class_counts();
    let mut there = (0..CLASSES).filter(|&class| counts[class] > 0);
    match (there.next(), there.next()) {
        (Some(class), None) => Some(format!(
            "the only class of {} is {class}: a classifier needs at least two. Is the column or the folder that was \
             read really the label?",
            counted(digits.len(), "training digit")
        )),
        _ => None,
    }
}

/// Words about classes without a digit; none if every class has one.
pub(super) fn missing_classes(digits: &Digits, part: &str) -> Option<String> {
    let counts = digits.class_counts();
    let missing: Vec<String> =
        (0..CLASSES).filter(|&class| counts[class] == 0).map(|class| class.to_string()).collect();
    let what = if part == "train" { "the models can never answer it" } else { "nothing is said about it" };
    let (class, what) = match missing.len() {
        0 => return None,
        1 => ("class", what.to_owned()),
        _ => ("classes", what.replace(" it", " them")),
    };
    Some(format!("warning: the {part} part has no digit of {class} {}: {what}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, PIXELS};

    #[test]
    fn a_label_at_the_end_is_told_from_one_at_the_front() {
        let zeros = || std::iter::repeat_n(0u8, 40);
        let digits = || (0..40u8).map(|row| row % 10);
        assert!(misplaced(zeros(), digits()).unwrap().contains("put the label into the first column"));
        assert!(misplaced((0..40).map(|row| u8::from(row == 3)), digits()).is_some(), "a nearly blank corner");
        assert_eq!(misplaced(digits(), digits()), None, "a label at the front comes first");
        assert_eq!(misplaced(digits(), zeros()), None);
        assert_eq!(misplaced(zeros(), zeros()), None);
        assert_eq!(misplaced(std::iter::empty(), digits()), None, "a table without labels");
        assert_eq!(misplaced(zeros(), digits().map(|digit| 20 * digit)), None, "a pixel");
        assert_eq!(misplaced(zeros().take(5), digits().take(5)), None, "too few to tell");
    }

    #[test]
    fn one_class_and_missing_classes() {
        let digits = |labels: Vec<u8>| Digits::new(Images::from_images(labels.iter().map(|_| [1; PIXELS])), labels);
        assert!(one_class(&digits(vec![3; 20])).unwrap().starts_with("the only class of 20 training digits is 3:"));
        assert_eq!(one_class(&digits(vec![3, 4])), None);
        let all: Vec<u8> = (0..10).collect();
        assert_eq!(missing_classes(&digits(all.clone()), "train"), None);
        assert_eq!(
            missing_classes(&digits(all[1..].to_vec()), "train").unwrap(),
            "warning: the train part has no digit of class 0: the models can never answer it"
        );
        assert!(
            missing_classes(&digits(all[..8].to_vec()), "test").unwrap().ends_with("8, 9: nothing is said about them")
        );
    }
}
