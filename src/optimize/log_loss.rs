//! The objective of multinomial logistic regression: (Σ log-loss + ½‖W‖² / c) / n.
//!
//! The features are standardised first, which makes the function better conditioned. The minimum stays the same:
//! centring moves only the intercepts, which are not penalised, and the penalty is that of the weights before the
//! division. A column is divided by its standard deviation or, where that is less, by 1 / √(c n): so the penalty never
//! bends the function by more than 1 along a parameter, however little a column varies, and its minimum can be found.
//! Constant columns become zero.
//!
//! The pass over the data is cut into chunks of fixed size, which run in parallel; their sums are added in the order of
//! the chunks, so that the result has the same bits on any number of threads.

use rayon::prelude::*;

use super::lbfgs::Objective;
use crate::data::CLASSES;

/// Rows of one chunk.
const CHUNK: usize = 1024;
/// Rows whose contributions are added to the gradient in one pass over it.
const BLOCK: usize = 4;
/// Intercept of a class without training images, in place of −∞.
pub(crate) const NEVER: f64 = -1e300;

/// Standard deviation below which a column counts as constant: such a column varies by rounding alone.
const CONSTANT: f64 = 1e-9;

/// Penalised log-loss of standardised features.
pub(crate) struct LogLoss<'a> {
    /// Standardised features, `[n, width]`.
    standardised: Vec<f64>,
    means: Vec<f64>,
    /// Divisor of each column.
    spreads: Vec<f64>,
    labels: &'a [u8],
    classes: &'a [u8],
    c: f64,
    penalty: Penalty,
}

/// Quadratic penalty on the weights; ½ of it, divided by `c`, is added to the summed log-loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Penalty {
    /// Σ w²: every weight is drawn towards 0.
    Zero,
    /// The features are groups of ten, one group a model, one feature a class. The weights of a group's features in the
    /// logits of their own classes are drawn towards one weight `a` that they share, all others towards 0:
    /// Σ (w − a)² + a² over the former, with the `a` that makes it least, Σ w² over the latter.
    Shared,
}

/// Weights of each feature for all classes (or their gradient), the intercepts last: `[width + 1, 10]`.
type Table = Vec<[f64; CLASSES]>;

impl<'a> LogLoss<'a> {
    /// Standardises `features`, `[n, width]`. `classes`: those that occur among the `labels`, `[n]`; only they have
    /// parameters. `c`: inverse strength of the penalty.
    pub(crate) fn new(features: Vec<f64>, labels: &'a [u8], classes: &'a [u8], c: f64, penalty: Penalty) -> Self {
        let mut standardised = features;
        let width = standardised.len() / labels.len().max(1);
        let mean_of = |rows: &[f64], term: fn(f64) -> f64| {
            let mut sums = vec![0.0; width];
            for row in rows.chunks_exact(width) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += term(value);
                }
            }
            sums.into_iter().map(|sum| sum / labels.len() as f64).collect::<Vec<_>>()
        };
        let means = mean_of(&standardised, |value| value);
        for row in standardised.chunks_exact_mut(width) {
            for (value, mean) in row.iter_mut().zip(&means) {
                *value -= mean;
            }
        }
        let deviations: Vec<f64> =
            mean_of(&standardised, |value| value * value).into_iter().map(|variance| variance.sqrt()).collect();
        let least = (c * labels.len().max(1) as f64).sqrt().recip();
        let spreads: Vec<f64> = deviations.iter().map(|deviation| deviation.max(least)).collect();
        for row in standardised.chunks_exact_mut(width) {
            for ((value, spread), deviation) in row.iter_mut().zip(&spreads).zip(&deviations) {
                *value = if *deviation > CONSTANT { *value / spread } else { 0.0 };
            }
        }
        Self { standardised, means, spreads, labels, classes, c, penalty }
    }

    /// Number of parameters: for each class its weights, then its intercept.
    pub(crate) fn parameters(&self) -> usize {
        self.classes.len() * (self.means.len() + 1)
    }

    /// Weights `[classes, width]` and intercepts `[classes]` for features that are not standardised.
    pub(crate) fn into_model(self, parameters: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let width = self.means.len();
        parameters
            .chunks_exact(width + 1)
            .map(|row| {
                let weights: Vec<f64> = row.iter().zip(&self.spreads).map(|(weight, spread)| weight / spread).collect();
                let shift: f64 = weights.iter().zip(&self.means).map(|(weight, mean)| weight * mean).sum();
                (weights, row[width] - shift)
            })
            .unzip()
    }

    fn table(&self, parameters: &[f64]) -> Table {
        let width = self.means.len();
        let mut table = vec![[0.0; CLASSES]; width + 1];
        table[width] = [NEVER; CLASSES];
        for (row, &class) in parameters.chunks_exact(width + 1).zip(self.classes) {
            for (cell, &value) in table.iter_mut().zip(row) {
                cell[usize::from(class)] = value;
            }
        }
        table
    }

    /// Summed log-loss of one chunk and its gradient.
    fn chunk(&self, table: &Table, rows: &[f64], labels: &[u8]) -> (f64, Table) {
        let width = self.means.len();
        let mut gradient = vec![[0.0; CLASSES]; width + 1];
        let mut loss = 0.0;
        for (rows, labels) in rows.chunks(BLOCK * width).zip(labels.chunks(BLOCK)) {
            let mut block = [0.0; BLOCK * (CLASSES)];
            let residuals = block.as_chunks_mut::<CLASSES>().0;
            for ((row, &label), residual) in rows.chunks_exact(width).zip(labels).zip(residuals.iter_mut()) {
                loss += residuals_of(table, row, usize::from(label), residual);
            }
            let features: [&[f64]; BLOCK] =
                std::array::from_fn(|index| rows.get(index * width..(index + 1) * width).unwrap_or(&rows[..width]));
            for (feature, sums) in gradient[..width].iter_mut().enumerate() {
                for (row, residual) in features.iter().zip(residuals.iter()) {
                    let value = row[feature];
                    for (sum, residual) in sums.iter_mut().zip(residual) {
                        *sum += value * residual;
                    }
                }
            }
            for residual in residuals.iter() {
                for (sum, residual) in gradient[width].iter_mut().zip(residual) {
                    *sum += residual;
                }
            }
        }
        (loss, gradient)
    }
}

/// Writes probabilities minus targets and returns the log-loss of one row.
fn residuals_of(table: &Table, row: &[f64], label: usize, residual: &mut [f64; CLASSES]) -> f64 {
    let mut logits = table[row.len()];
    for (value, weights) in row.iter().zip(table) {
        for (logit, weight) in logits.iter_mut().zip(weights) {
            *logit += value * weight;
        }
    }
    residuals(&logits, label, residual)
}

/// Writes probabilities minus targets and returns the log-loss of one row of logits.
#[inline(always)]
pub(crate) fn residuals(logits: &[f64; CLASSES], label: usize, residual: &mut [f64; CLASSES]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (residual, logit) in residual.iter_mut().zip(logits) {
        *residual = (logit - largest).exp();
        sum += *residual;
    }
    for residual in residual.iter_mut() {
        *residual /= sum;
    }
    residual[label] -= 1.0;
    sum.ln() + largest - logits[label]
}

impl Objective for LogLoss<'_> {
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let (width, n) = (self.means.len(), self.labels.len() as f64);
        let table = self.table(at);
        let chunks: Vec<(f64, Table)> = self
            .standardised
            .par_chunks(CHUNK * width)
            .zip(self.labels.par_chunks(CHUNK))
            .map(|(rows, labels)| self.chunk(&table, rows, labels))
            .collect();
        let mut loss = 0.0;
        let mut sums = vec![[0.0; CLASSES]; width + 1];
        for (chunk_loss, chunk) in chunks {
            loss += chunk_loss;
            for (sum, value) in sums.as_flattened_mut().iter_mut().zip(chunk.as_flattened()) {
                *sum += value;
            }
        }
        let mut gradient = Vec::with_capacity(at.len());
        let mut penalty = 0.0;
        let shared = self.shared(at);
        for (row, &class) in at.chunks_exact(width + 1).zip(self.classes) {
            for (feature, &parameter) in row.iter().enumerate() {
                let pull = self.spreads.get(feature).map_or(0.0, |spread| {
                    let weight = parameter / spread;
                    let towards = if feature % CLASSES == usize::from(class) { shared[feature / CLASSES] } else { 0.0 };
                    // Half of Σ (w − a)² + a² is half of Σ w (w − a), as a is the one that makes it least.
                    penalty += 0.5 * weight * (weight - towards) / self.c;
                    (weight - towards) / (spread * self.c)
                });
                gradient.push((sums[feature][usize::from(class)] + pull) / n);
            }
        }
        ((loss + penalty) / n, gradient)
    }
}

impl LogLoss<'_> {
    /// Weight that each group of ten features is drawn towards, by the parameters: Σ w / (classes + 1).
    fn shared(&self, at: &[f64]) -> Vec<f64> {
        let width = self.means.len();
        let mut shared = vec![0.0; width / CLASSES + 1];
        if self.penalty == Penalty::Shared {
            for (row, &class) in at.chunks_exact(width + 1).zip(self.classes) {
                for feature in (usize::from(class)..width).step_by(CLASSES) {
                    shared[feature / CLASSES] += row[feature] / self.spreads[feature];
                }
            }
            let count = self.classes.len() as f64 + 1.0;
            shared.iter_mut().for_each(|sum| *sum /= count);
        }
        shared
    }
}
