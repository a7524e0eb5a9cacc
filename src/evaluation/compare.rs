//! Paired comparison of two classifiers on the same images.

use serde::{Deserialize, Serialize};

use super::{
    error::EvaluationError,
    interval::Z,
    rows::{check_labelled, top_class},
};
use crate::data::CLASSES;

/// Paired comparison of two classifiers. Only images that exactly one of them classifies correctly are informative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Number of images.
    pub images: usize,
    /// Number of images that only the first classifies correctly.
    pub only_first: usize,
    /// Number of images that only the second classifies correctly.
    pub only_second: usize,
    /// Accuracy of the first minus that of the second.
    pub difference: Difference,
    /// Two-sided p-value of McNemar's exact test of equal accuracy.
    pub exact_p: f64,
    /// Two-sided p-value with the mid-p correction, which is less conservative (Fagerland, Lydersen and Laake, 2013).
    pub mid_p: f64,
}

/// Difference of two paired proportions with a 95 % interval by Bonett and Price (2012): Wald's interval with one
/// pseudo-count for each kind of disagreement, so that it keeps its coverage when they are few.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Difference, −1 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Comparison {
    /// True if the interval of the difference lies entirely below 0.
    pub fn first_is_worse(&self) -> bool {
        self.difference.high < 0.0
    }

    /// True if the interval of the difference lies entirely above 0.
    pub fn first_is_better(&self) -> bool {
        self.difference.low > 0.0
    }

    fn from_counts(images: usize, only_first: usize, only_second: usize) -> Self {
        let (exact_p, mid_p) = mcnemar(only_first, only_second);
        Self {
            images,
            only_first,
            only_second,
            difference: difference(images, only_first, only_second),
            exact_p,
            mid_p,
        }
    }
}

/// Compares two classifiers' predictions `[n, 10]` for the same images with labels `[n]`.
///
/// # Errors
/// The errors of [`super::score`], for either classifier.
pub fn compare(
    first: &[[f32; CLASSES]],
    second: &[[f32; CLASSES]],
    labels: &[u8],
) -> Result<Comparison, EvaluationError> {
    check_labelled(first, labels)?;
    check_labelled(second, labels)?;
    let (mut only_first, mut only_second) = (0, 0);
    for ((first, second), &label) in first.iter().zip(second).zip(labels) {
        match (top_class(first) == usize::from(label), top_class(second) == usize::from(label)) {
            (true, false) => only_first += 1,
            (false, true) => only_second += 1,
            _ => {}
        }
    }
    Ok(Comparison::from_counts(labels.len(), only_first, only_second))
}

fn difference(images: usize, only_first: usize, only_second: usize) -> Difference {
    let value = (only_first as f64 - only_second as f64) / images as f64;
    let n = images as f64 + 2.0;
    let (first, second) = ((only_first as f64 + 1.0) / n, (only_second as f64 + 1.0) / n);
    let half = Z * ((first + second - (first - second).powi(2)) / n).sqrt();
    Difference { value, low: (first - second - half).max(-1.0), high: (first - second + half).min(1.0) }
}

/// McNemar's exact and mid-p p-values: under equal accuracy, disagreements are tosses of a fair coin.
fn mcnemar(only_first: usize, only_second: usize) -> (f64, f64) {
    let (tosses, heads) = ((only_first + only_second) as f64, only_first.min(only_second));
    if tosses == 0.0 {
        return (1.0, 1.0);
    }
    let log_mass =
        (1..=heads).map(|k| ((tosses - k as f64 + 1.0) / k as f64).ln()).sum::<f64>() - tosses * std::f64::consts::LN_2;
    let mass = log_mass.exp();
    let (mut tail, mut term) = (0.0, mass);
    for k in (0..=heads).rev() {
        tail += term;
        term *= k as f64 / (tosses - k as f64 + 1.0);
    }
    ((2.0 * tail).min(1.0), (2.0 * tail - mass).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_predictions_show_no_difference() {
        let rows = vec![[0.1; CLASSES]; 50];
        let result = compare(&rows, &rows, &[0; 50]).unwrap();
        assert_eq!((result.only_first, result.only_second, result.exact_p, result.mid_p), (0, 0, 1.0, 1.0));
        assert!(!result.first_is_worse() && !result.first_is_better());
    }

    #[test]
    fn a_difference_needs_enough_disagreements() {
        assert!(!Comparison::from_counts(10_000, 40, 41).first_is_worse());
        let clear = Comparison::from_counts(10_000, 40, 140);
        assert!(clear.first_is_worse() && clear.mid_p < 1e-10);
        assert!(Comparison::from_counts(10_000, 140, 40).first_is_better());
    }

    proptest! {
        #[test]
        fn swapping_the_classifiers_mirrors_the_comparison(
            first in 0_usize..500,
            second in 0_usize..500,
            more in 0_usize..1000,
        ) {
            let images = first + second + more + 1;
            let one = Comparison::from_counts(images, first, second);
            let other = Comparison::from_counts(images, second, first);
            prop_assert_eq!((one.exact_p, one.mid_p), (other.exact_p, other.mid_p));
            prop_assert!(0.0 < one.mid_p && one.mid_p <= one.exact_p && one.exact_p <= 1.0);
            prop_assert!((one.difference.low + other.difference.high).abs() < 1e-12);
        }
    }
}
