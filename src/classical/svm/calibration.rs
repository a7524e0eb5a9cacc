//! Calibration: from decisions to probabilities.
//!
//! A decision function gives the side of a margin on which an image lies, not the probability of a class. A multinomial
//! logistic regression on the decisions of all pairs does: Platt's idea (*Probabilistic Outputs for Support Vector
//! Machines*, 1999) for ten classes at once, where LIBSVM fits a sigmoid for each pair and couples them. It is fitted
//! to out-of-fold decisions: those for each part of the training images come from a machine that was fitted to the
//! other parts. Only training images are used.

use serde::{Deserialize, Serialize};

use super::super::files::check_numbers;
use super::machine::MOST_PAIRS;
use crate::{
    data::CLASSES,
    optimize::{LogLoss, Penalty, Unsolved, minimise, softmax},
};

/// Inverse strength of the L2 penalty, which keeps the probabilities below 1 where every decision is right.
const C: f64 = 1.0;

/// Multinomial logistic regression on decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calibration {
    /// `[classes, pairs]`
    weights: Vec<Vec<f64>>,
    /// `[classes]`
    intercepts: Vec<f64>,
}

impl Calibration {
    /// Fits the regression on out-of-fold `decisions`, `[n, pairs]`. `classes`: those that occur among the `labels`,
    /// `[n]`.
    pub(super) fn fit(decisions: Vec<f64>, labels: &[u8], classes: &[u8]) -> Result<Self, Unsolved> {
        if let [_] = classes {
            return Ok(Self { weights: vec![Vec::new()], intercepts: vec![0.0] });
        }
        let problem = LogLoss::new(decisions, labels, classes, C, Penalty::Zero);
        let solution = minimise("calibration of a support-vector machine", &problem, vec![0.0; problem.parameters()])?;
        let (weights, intercepts) = problem.into_model(&solution);
        Ok(Self { weights, intercepts })
    }

    /// Probabilities of the ten digits, which sum to 1; those of digits that are not among `classes` are 0.
    pub(super) fn probabilities(&self, classes: &[u8], decisions: &[f64; MOST_PAIRS]) -> [f32; CLASSES] {
        let mut logits = [f64::NEG_INFINITY; CLASSES];
        for ((&class, weights), intercept) in classes.iter().zip(&self.weights).zip(&self.intercepts) {
            logits[usize::from(class)] =
                intercept + weights.iter().zip(decisions).map(|(weight, decision)| weight * decision).sum::<f64>();
        }
        softmax(logits).map(|value| value as f32)
    }

    /// Checks the shapes for so many classes and pairs, and the range of the numbers.
    pub(super) fn check(&self, classes: usize, pairs: usize) -> Result<(), String> {
        let shaped = self.weights.len() == classes && self.intercepts.len() == classes;
        if !shaped || self.weights.iter().any(|row| row.len() != pairs) {
            return Err(format!(
                "is described with a calibration that does not fit {classes} classes and {pairs} pairs"
            ));
        }
        check_numbers("calibration", self.weights.iter().flatten().chain(&self.intercepts).copied())
    }
}
