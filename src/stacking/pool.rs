//! Logarithmic opinion pool of the members, by which labels are doubted.
//!
//! A linear meta-model on probabilities cannot say how improbable a label is: its logits are bounded by its weights,
//! whatever the members' logarithms are. The pool multiplies the members' probabilities, each to the power of a weight:
//! p ∝ Π pₘ^wₘ (Genest and Zidek, *Combining Probability Distributions*, Statistical Science 1, 1986). With one weight a
//! member it is fitted in an instant and cannot overfit.

use super::{error::StackingError, out_of_fold::assemble_out_of_fold};
use crate::{
    data::{CLASSES, Probabilities},
    optimize::{Objective, minimise, softmax_in_place},
};

/// Lower bound of probabilities before their logarithm is taken: what a net says below it is not to be relied on.
const SMALLEST: f32 = 1e-4;
/// Strength of the penalty ½ Σ (w − 1 / members)² on the mean log-loss; it gives a fit without mistakes a minimum.
const PENALTY: f64 = 1e-4;

/// Out-of-fold predictions `[n, 10]` of a pool: for each fold its weights are fitted on the other folds' rows.
/// `members`: their out-of-fold predictions; `fold_of` `[n]`: the folds that these came from.
///
/// # Errors
/// If there is no member, or the lengths or folds do not fit.
pub fn pooled(members: &[&Probabilities], labels: &[u8], fold_of: &[u16]) -> Result<Probabilities, StackingError> {
    if members.is_empty() {
        return Err(StackingError::NoMembers);
    }
    if fold_of.len() != labels.len() || members.iter().any(|rows| rows.len() != labels.len()) {
        let found = format!("found folds for {} images, expected {}", fold_of.len(), labels.len());
        return Err(StackingError::Folds(found));
    }
    let logs: Vec<Vec<[f64; CLASSES]>> = members.iter().map(|rows| rows.iter().map(logarithms).collect()).collect();
    let folds = fold_of.iter().max().map_or(0, |&last| usize::from(last) + 1);
    let part = |fold: usize| {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..labels.len()).partition(|&image| usize::from(fold_of[image]) == fold);
        let weights = weights(&logs, &outside, labels);
        let row = |&image: &usize| mixed(&logs, image, &weights).map(|value| value as f32);
        let rows: Probabilities = inside.iter().map(row).collect();
        (inside, rows)
    };
    assemble_out_of_fold(labels.len(), &(0..folds).map(part).collect::<Vec<_>>())
}

fn logarithms(row: &[f32; CLASSES]) -> [f64; CLASSES] {
    row.map(|value| f64::from(value.max(SMALLEST)).ln())
}

/// Probabilities of the pool for one image.
fn mixed(logs: &[Vec<[f64; CLASSES]>], image: usize, weights: &[f64]) -> [f64; CLASSES] {
    let mut row = [0.0; CLASSES];
    for (logs, weight) in logs.iter().zip(weights) {
        for (sum, log) in row.iter_mut().zip(&logs[image]) {
            *sum += weight * log;
        }
    }
    softmax_in_place(&mut row, 1.0);
    row
}

/// Weights of least log-loss on some images, none of them below 0; equal ones if there are none.
fn weights(logs: &[Vec<[f64; CLASSES]>], images: &[usize], labels: &[u8]) -> Vec<f64> {
    let equal = vec![1.0 / logs.len() as f64; logs.len()];
    let mut used = vec![true; logs.len()];
    loop {
        let loss = PoolLoss { logs, images, labels, used: &used };
        let Ok(found) = minimise("log-linear pool", &loss, equal.clone()) else { return equal };
        let least = (0..found.len()).filter(|&member| used[member]).min_by(|&a, &b| found[a].total_cmp(&found[b]));
        match least {
            // A member that would count against what it says does not count.
            Some(member) if found[member] < 0.0 => used[member] = false,
            Some(_) => {
                return found.iter().zip(&used).map(|(weight, used)| if *used { *weight } else { 0.0 }).collect();
            }
            None => return equal,
        }
    }
}

struct PoolLoss<'a> {
    logs: &'a [Vec<[f64; CLASSES]>],
    images: &'a [usize],
    labels: &'a [u8],
    used: &'a [bool],
}

impl Objective for PoolLoss<'_> {
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let weights: Vec<f64> =
            at.iter().zip(self.used).map(|(weight, used)| if *used { *weight } else { 0.0 }).collect();
        let (mut loss, mut slopes) = (0.0, vec![0.0; weights.len()]);
        for &image in self.images {
            let (row, label) = (mixed(self.logs, image, &weights), usize::from(self.labels[image]));
            loss -= row[label].max(f64::MIN_POSITIVE).ln();
            for (slope, logs) in slopes.iter_mut().zip(self.logs) {
                let expected: f64 = row.iter().zip(&logs[image]).map(|(value, log)| value * log).sum();
                *slope += expected - logs[image][label];
            }
        }
        let (count, equal) = (self.images.len().max(1) as f64, 1.0 / weights.len() as f64);
        let mut penalty = 0.0;
        for ((slope, weight), used) in slopes.iter_mut().zip(at).zip(self.used) {
            let pull = PENALTY * (weight - equal);
            penalty += 0.5 * pull * (weight - equal);
            *slope = if *used { *slope / count } else { 0.0 } + pull;
        }
        (loss / count + penalty, slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::RngExt;

    /// Rows that are right for a share of the labels.
    fn rows(labels: &[u8], right: f64, top: f32, seed: u64) -> Probabilities {
        let mut rng = Seed(seed).rng();
        let row = |&label: &u8| {
            let digit = if rng.random_bool(right) { label } else { rng.random_range(0..10) };
            std::array::from_fn(|class| if class == usize::from(digit) { top } else { (1.0 - top) / 9.0 })
        };
        labels.iter().map(row).collect()
    }

    #[test]
    fn better_members_weigh_more_and_useless_ones_nothing() {
        let labels: Vec<u8> = (0..600).map(|image| (image % 10) as u8).collect();
        let members = [rows(&labels, 0.95, 0.9, 1), rows(&labels, 0.7, 0.9, 2), rows(&labels, 0.0, 0.9, 3)];
        let logs: Vec<Vec<_>> = members.iter().map(|rows| rows.iter().map(logarithms).collect()).collect();
        let images: Vec<usize> = (0..600).collect();
        let found = weights(&logs, &images, &labels);
        assert!(found[0] > 1.3 * found[1] && found[1] > 0.1 && (0.0..0.1).contains(&found[2]), "{found:?}");
        let loss = PoolLoss { logs: &logs, images: &images, labels: &labels, used: &[true; 3] };
        let at = [0.3, 0.6, -0.1];
        for member in 0..3 {
            let moved = |by: f64| {
                loss.evaluate(&std::array::from_fn::<f64, 3, _>(|m| at[m] + if m == member { by } else { 0.0 })).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - loss.evaluate(&at).1[member]).abs() < 1e-8, "member {member}");
        }
    }

    #[test]
    fn a_fold_is_predicted_without_its_labels_and_any_members_can_be_pooled() {
        let labels: Vec<u8> = (0..200).map(|image| (image % 10) as u8).collect();
        let fold_of: Vec<u16> = (0..200).map(|image| u16::from(image >= 100)).collect();
        let members = [rows(&labels, 0.9, 0.8, 4), rows(&labels, 0.6, 0.8, 5)];
        let members = [&members[0], &members[1]];
        let mut changed = labels.clone();
        changed[..100].fill(7);
        let before = pooled(&members, &labels, &fold_of).unwrap();
        let after = pooled(&members, &changed, &fold_of).unwrap();
        assert_eq!(before[..100], after[..100]);
        assert_ne!(before[100..], after[100..]);
        crate::evaluation::check_rows(&before).unwrap();
        // All right, all equal, all wrong.
        for (right, top) in [(1.0, 1.0), (0.5, 0.1), (0.0, 1.0)] {
            let rows = rows(&labels, right, top, 6);
            crate::evaluation::check_rows(&pooled(&[&rows, &rows], &labels, &fold_of).unwrap()).unwrap();
        }
        assert_eq!(pooled(&[], &labels, &fold_of), Err(StackingError::NoMembers));
        assert!(pooled(&members, &labels[1..], &fold_of).is_err());
    }
}
