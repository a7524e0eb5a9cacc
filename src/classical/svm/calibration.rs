//! From decisions to probabilities.
//!
//! A decision function says on which side of a margin an image lies, not how probable a class is. A multinomial
//! logistic regression on the decisions of all pairs does: Platt's idea (*Probabilistic Outputs for Support Vector
//! Machines*, 1999) for ten classes at once, where LIBSVM fits a sigmoid for each pair and couples them. It is fitted
//! to decisions about images that the deciding functions have not seen: each part of the training images is decided by
//! a machine that was fitted to the others. Only training images serve.

use serde::{Deserialize, Serialize};

use super::super::files::check_numbers;
use super::machine::MOST_PAIRS;
use crate::{
    data::CLASSES,
    optimize::{LogLoss, Unsolved, minimise, softmax},
};

/// The inverse strength of the penalty, which keeps the probabilities short of certainty where nothing is ever decided
/// wrong.
const C: f64 = 1.0;

/// A multinomial logistic regression on decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calibration {
    /// `[classes, pairs]`
    weights: Vec<Vec<f64>>,
    /// `[classes]`
    intercepts: Vec<f64>,
}

impl Calibration {
    /// `decisions`: `[n, pairs]`, about images that the functions were not fitted to. `classes`: those that occur among
    /// the `labels`, `[n]`.
    pub(super) fn fit(decisions: Vec<f64>, labels: &[u8], classes: &[u8]) -> Result<Self, Unsolved> {
        if let [_] = classes {
            return Ok(Self { weights: vec![Vec::new()], intercepts: vec![0.0] });
        }
        let problem = LogLoss::new(decisions, labels, classes, C);
        let solution = minimise("calibration of a support-vector machine", &problem, vec![0.0; problem.parameters()])?;
        let (weights, intercepts) = problem.into_model(&solution);
        Ok(Self { weights, intercepts })
    }

    /// Ten probabilities that sum to 1; those of other classes are 0.
    pub(super) fn probabilities(&self, classes: &[u8], decisions: &[f64; MOST_PAIRS]) -> [f32; CLASSES] {
        let mut logits = [f64::NEG_INFINITY; CLASSES];
        for ((&class, weights), intercept) in classes.iter().zip(&self.weights).zip(&self.intercepts) {
            logits[usize::from(class)] =
                intercept + weights.iter().zip(decisions).map(|(weight, decision)| weight * decision).sum::<f64>();
        }
        softmax(logits).map(|value| value as f32)
    }

    /// Refuses what no fit gives for so many classes and pairs.
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
