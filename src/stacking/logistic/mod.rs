//! Multinomial logistic regression over the members' probabilities: the stack.
//!
//! The model is softmax of `W x + b` with a quadratic penalty on W against `c` times the summed log-loss, intercepts
//! without penalty; with [`Shrinkage::Zero`] it is scikit-learn's `LogisticRegression`. It is linear on purpose: with 30
//! features and tens of thousands of out-of-fold rows it cannot overfit, and its minimum is unique, so that a result
//! does not depend on a starting point or on the number of threads. The minimum is found to a gradient of 1e-8; at
//! scikit-learn's default tolerance the probabilities still differ by up to 5e-2. Where rounding keeps the solver from
//! it, a stronger penalty is used, and recorded.

use serde::{Deserialize, Serialize};

use super::{error::StackingError, metafeatures::Metafeatures, scale::FeatureScale};
use crate::{
    data::{CLASSES, FieldError},
    optimize::{LogLoss, Penalty, Unsolved, minimise, softmax},
};

/// Settings of the logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticConfig {
    /// Inverse strength of the L2 penalty on the weights, 1e-6 to 1e6. Default 1.
    pub c: f64,
    /// Point that the penalty draws the weights towards. Default shared.
    pub shrinkage: Shrinkage,
}

/// Point that the penalty draws the weights of a logistic regression towards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shrinkage {
    // Out of fold, on six sets of 300 to 1,200 MNIST images with the quickstart's members, the stack had 85.99 % and a
    // log-loss of 0.465 with it, 85.18 % and 0.531 with `zero`; the best member had 83.90 % (c = 1;
    // `tests/reference/stacking_shrinkage_trial.py`).
    /// One weight for each member, which its ten probabilities share, each in the logit of its own class; the others
    /// towards 0.
    #[default]
    Shared,
    /// 0, as in scikit-learn.
    Zero,
}

impl Shrinkage {
    fn penalty(self) -> Penalty {
        match self {
            Self::Shared => Penalty::Shared,
            Self::Zero => Penalty::Zero,
        }
    }
}

/// Factor between two penalties that are tried.
const STRONGER: f64 = 0.1;
/// Penalties that are tried.
const TRIALS: usize = 7;

impl Default for LogisticConfig {
    fn default() -> Self {
        Self { c: 1.0, shrinkage: Shrinkage::default() }
    }
}

impl LogisticConfig {
    /// Checks the range of every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        if (1e-6..=1e6).contains(&self.c) {
            Ok(())
        } else {
            Err(FieldError::new("c", format!("found {}, expected 1e-6 to 1e6", self.c)))
        }
    }

    pub(super) fn fit(&self, features: &Metafeatures, labels: &[u8]) -> Result<Logistic, StackingError> {
        self.check()?;
        let classes: Vec<u8> = (0..CLASSES as u8).filter(|class| labels.contains(class)).collect();
        let (mut c, mut problem) = (self.c, None);
        for _ in 0..TRIALS {
            match self.solve(features, labels, &classes, c) {
                Ok((weights, intercepts)) => {
                    let stronger_c = (c < self.c).then_some(c);
                    return Ok(Logistic { scale: features.scale(), classes, stronger_c, weights, intercepts });
                }
                Err(unsolved) => problem = problem.or(Some(unsolved)),
            }
            c *= STRONGER;
        }
        Err(problem.map_or(StackingError::NoImages, StackingError::from))
    }

    /// Weights and intercepts at the minimum for one penalty.
    fn solve(
        &self,
        features: &Metafeatures,
        labels: &[u8],
        classes: &[u8],
        c: f64,
    ) -> Result<(Vec<Vec<f64>>, Vec<f64>), Unsolved> {
        let problem = LogLoss::new(scaled(features), labels, classes, c, self.shrinkage.penalty());
        let solution = minimise("logistic regression", &problem, vec![0.0; problem.parameters()])?;
        Ok(problem.into_model(&solution))
    }
}

/// Fitted logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    scale: FeatureScale,
    /// Classes among the training images, ascending; the others get probability 0.
    classes: Vec<u8>,
    /// Inverse strength of the penalty, if it is stronger than the configured one, at which there was no minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stronger_c: Option<f64>,
    /// Weights, `[classes, 10 · members]`.
    weights: Vec<Vec<f64>>,
    /// Intercepts, `[classes]`.
    intercepts: Vec<f64>,
}

impl Logistic {
    /// Scale of the features that it was fitted on.
    pub fn scale(&self) -> FeatureScale {
        self.scale
    }

    /// Inverse strength of the penalty that was used in place of the configured one, at which no minimum was found; none
    /// if it was found.
    pub fn stronger_c(&self) -> Option<f64> {
        self.stronger_c
    }

    /// Weights of each member's ten probabilities in the logit of a digit, `[10 · members]`. None if the digit was not
    /// among the training images.
    pub fn weights(&self, digit: u8) -> Option<&[f64]> {
        self.classes.iter().position(|&class| class == digit).map(|index| self.weights[index].as_slice())
    }

    pub(super) fn members(&self) -> usize {
        self.weights.first().map_or(0, Vec::len) / CLASSES
    }

    /// Class probabilities from the members' probabilities of one image, `[10 · members]`.
    pub(super) fn distribution(&self, row: &[f32]) -> [f64; CLASSES] {
        let mut sums = [0.0; CLASSES];
        for (feature, &probability) in row.iter().enumerate() {
            // A logarithm costs more than all products of a feature, so it is taken once and not once per class.
            let value = self.scale.apply(probability);
            for (sum, weights) in sums.iter_mut().zip(&self.weights) {
                *sum += weights[feature] * value;
            }
        }
        let mut logits = [f64::NEG_INFINITY; CLASSES];
        for ((&class, sum), intercept) in self.classes.iter().zip(sums).zip(&self.intercepts) {
            logits[usize::from(class)] = sum + intercept;
        }
        softmax(logits)
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        let ascending = self.classes.windows(2).all(|pair| pair[0] < pair[1]);
        if self.classes.is_empty() || !ascending || self.classes.iter().any(|&class| usize::from(class) >= CLASSES) {
            return Err(format!("classes: found {:?}, expected digits in ascending order", self.classes));
        }
        let (classes, width) = (self.classes.len(), self.weights.first().map_or(0, Vec::len));
        if self.weights.len() != classes || self.intercepts.len() != classes {
            let (weights, intercepts) = (self.weights.len(), self.intercepts.len());
            return Err(format!(
                "found {weights} rows of weights and {intercepts} intercepts, expected {classes} of both, one a class"
            ));
        }
        if width == 0 || !width.is_multiple_of(CLASSES) {
            return Err(format!("weights[0]: found {width} numbers, expected ten for each member"));
        }
        if let Some(row) = self.weights.iter().position(|row| row.len() != width) {
            return Err(format!("weights[{row}]: found {} numbers, expected {width}", self.weights[row].len()));
        }
        let numbers = self.weights.iter().flatten().chain(&self.intercepts);
        match numbers.copied().find(|number| number.abs() > LARGEST || !number.is_finite()) {
            Some(number) => {
                Err(format!("found the weight or intercept {number}, expected a number within ±{LARGEST:e}"))
            }
            None => Ok(()),
        }
    }
}

/// Greatest weight that is accepted: no fit gives a larger one, and no logit overflows.
const LARGEST: f64 = 1e12;

/// Features on their scale, `[n, 10 · members]`.
fn scaled(features: &Metafeatures) -> Vec<f64> {
    features.rows().flatten().map(|&value| features.scale().apply(value)).collect()
}

#[cfg(test)]
mod tests;
