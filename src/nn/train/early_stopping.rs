//! Early stopping: the best epoch, and the number of epochs since the last improvement.
//!
//! Both are functions of the history alone, so that a resumed training decides as an uninterrupted one.

use super::config::Monitor;
use crate::fit::HistoryPoint;

/// Best epoch and epochs since it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BestEpoch {
    /// Epoch with the best validation result, the first of equals.
    pub epoch: Option<u32>,
    /// Epochs since the last improvement by more than the minimum improvement.
    pub without_improvement: u32,
}

impl BestEpoch {
    /// Computes it from the epochs so far.
    pub fn of(points: &[HistoryPoint], monitor: Monitor, minimum_improvement: f64) -> Self {
        let mut found = Self::default();
        let (mut best, mut reference) = (f64::INFINITY, f64::INFINITY);
        for point in points {
            // Lower is better for both.
            let figure = match monitor {
                Monitor::Loss => point.validation_loss,
                Monitor::Accuracy => point.validation_accuracy.map(|accuracy| -accuracy),
            };
            let Some(figure) = figure else { continue };
            if figure < best {
                best = figure;
                found.epoch = Some(point.step);
            }
            if figure < reference - minimum_improvement || reference.is_infinite() {
                reference = figure;
                found.without_improvement = 0;
            } else {
                found.without_improvement += 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best_epoch(losses: &[f64], least: f64) -> (Option<u32>, u32) {
        let points: Vec<_> = losses
            .iter()
            .zip(1..)
            .map(|(&loss, step)| HistoryPoint {
                step,
                train_loss: None,
                train_accuracy: None,
                validation_loss: Some(loss),
                validation_accuracy: Some(1.0 - loss),
                learning_rate: None,
            })
            .collect();
        let by_loss = BestEpoch::of(&points, Monitor::Loss, least);
        assert_eq!(by_loss, BestEpoch::of(&points, Monitor::Accuracy, least));
        (by_loss.epoch, by_loss.without_improvement)
    }

    #[test]
    fn counts_epochs_without_improvement() {
        assert_eq!(best_epoch(&[], 0.0), (None, 0));
        assert_eq!(best_epoch(&[0.5], 0.0), (Some(1), 0));
        assert_eq!(best_epoch(&[0.5, 0.25, 0.375, 0.25], 0.0), (Some(2), 2));
        assert_eq!(best_epoch(&[0.5, 0.4375, 0.375], 0.0), (Some(3), 0));
        // The best epoch moves by any improvement, patience only by one that counts.
        assert_eq!(best_epoch(&[0.5, 0.4375, 0.375], 0.25), (Some(3), 2));
        assert_eq!(best_epoch(&[0.5, 0.4375, 0.125], 0.25), (Some(3), 0));
    }
}
