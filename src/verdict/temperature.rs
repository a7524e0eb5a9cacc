//! Temperature scaling.

use serde::{Deserialize, Serialize};

use crate::{
    data::{CLASSES, Probabilities},
    evaluation::top_class,
    optimize::softmax_in_place,
};

/// Lower bound of probabilities before their logarithm is taken.
const MIN_PROBABILITY: f32 = 1e-12;

/// Range of fitted sharpnesses. At the lower end all digits are about equally probable, but still in their order.
const RANGE: [f64; 2] = [1e-3, 1e3];
/// Halvings of the range that the minimum is looked for in: more than double precision tells apart.
const HALVINGS: usize = 64;

/// Temperature scaling (Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017): probabilities are raised to
/// the power `sharpness`, the inverse of the temperature, and normalised. The order of the classes does not change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Temperature {
    sharpness: f64,
}

/// A temperature as it is in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    sharpness: f64,
}

impl TryFrom<Unchecked> for Temperature {
    type Error = String;

    fn try_from(Unchecked { sharpness }: Unchecked) -> Result<Self, String> {
        if sharpness.is_finite() && sharpness >= 0.0 {
            return Ok(Self { sharpness });
        }
        Err(format!("sharpness: found {sharpness}, expected a finite number of at least 0"))
    }
}

impl Default for Temperature {
    /// The identity: a sharpness of 1.
    fn default() -> Self {
        Self { sharpness: 1.0 }
    }
}

impl Temperature {
    /// Minimises the mean log-loss on out-of-fold rows `[n, 10]` with their labels `[n]`. The loss is convex in the
    /// sharpness: the minimum is found by halving the range around the zero of its slope, which always ends. If every
    /// prediction is correct it has no minimum, and the result is the identity.
    pub fn fit(rows: &Probabilities, labels: &[u8]) -> Self {
        if rows.iter().zip(labels).all(|(row, &label)| top_class(row) == usize::from(label)) {
            return Self::default();
        }
        let logs: Vec<[f64; CLASSES]> = rows.iter().map(logarithms).collect();
        let falls_at = |sharpness: f64| slope(&logs, labels, sharpness) < 0.0;
        // Halved on a logarithmic scale, which the range is too wide for otherwise.
        let [mut low, mut high] = RANGE.map(f64::ln);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if falls_at(middle.exp()) { low = middle } else { high = middle }
        }
        Self { sharpness: f64::midpoint(low, high).exp() }
    }

    /// Scales a row; the result sums to 1.
    pub fn apply(&self, row: &[f32; CLASSES]) -> [f32; CLASSES] {
        scaled(&logarithms(row), self.sharpness).map(|value| value as f32)
    }
}

fn logarithms(row: &[f32; CLASSES]) -> [f64; CLASSES] {
    row.map(|value| f64::from(value.max(MIN_PROBABILITY)).ln())
}

fn scaled(logs: &[f64; CLASSES], sharpness: f64) -> [f64; CLASSES] {
    let mut row = *logs;
    softmax_in_place(&mut row, sharpness);
    row
}

/// Slope of the mean log-loss at a sharpness: it rises with the sharpness.
fn slope(logs: &[[f64; CLASSES]], labels: &[u8], sharpness: f64) -> f64 {
    let of_row = |(logs, &label): (&[f64; CLASSES], &u8)| {
        let row = scaled(logs, sharpness);
        row.iter().zip(logs).map(|(value, log)| value * log).sum::<f64>() - logs[usize::from(label)]
    };
    logs.iter().zip(labels).map(of_row).sum::<f64>() / logs.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten rows with a confidence of 90 %, `right` of which are correct.
    fn rows(right: usize) -> (Probabilities, Vec<u8>) {
        let row = std::array::from_fn(|class| if class == 3 { 0.9 } else { 0.1 / 9.0 });
        (vec![row; 10], (0..10).map(|case| if case < right { 3 } else { (case % 3) as u8 }).collect())
    }

    #[test]
    fn scaled_confidence_equals_the_accuracy() {
        for right in [5, 7, 9] {
            let (rows, labels) = rows(right);
            let scaled = Temperature::fit(&rows, &labels).apply(&rows[0]);
            assert!((f64::from(scaled[3]) - right as f64 / 10.0).abs() < 1e-4, "{right}: {scaled:?}");
        }
    }

    #[test]
    fn rows_without_errors_are_not_scaled() {
        let (rows, _) = rows(10);
        assert_eq!(Temperature::fit(&rows, &[3; 10]), Temperature::default());
    }

    #[test]
    fn rows_of_a_useless_model_get_a_temperature_that_keeps_the_order() {
        let (rows, _) = rows(10);
        for labels in [vec![4; 10], (0..10).collect()] {
            let fitted = Temperature::fit(&rows, &labels);
            let scaled = fitted.apply(&rows[0]);
            assert!(fitted.sharpness < 0.01 && scaled[3] > scaled[4] && scaled[3] < 0.11, "{fitted:?} {scaled:?}");
        }
        // Labels that the model nearly always excludes, rows that say nothing, no rows.
        let sure: [f32; CLASSES] = std::array::from_fn(|class| if class == 3 { 1.0 } else { 0.0 });
        for rows in [vec![sure; 10], vec![[0.1; CLASSES]; 10], vec![]] {
            assert!(Temperature::fit(&rows, &[4; 10][..rows.len()]).sharpness.is_finite());
        }
    }

    #[test]
    fn the_default_is_the_identity() {
        let row = rows(1).0[0];
        let scaled = Temperature::default().apply(&row);
        assert!(row.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    /// `tests/reference/verdict_vectors.py`: SciPy's `minimize_scalar` on the same rows.
    #[test]
    fn the_minimum_equals_that_of_scipy() {
        #[derive(Deserialize)]
        struct Recorded {
            rows: Probabilities,
            labels: Vec<u8>,
            sharpness: f64,
        }
        let text = include_str!("../../tests/data/verdict/temperature.json");
        let recorded: Recorded = serde_json::from_str(text).unwrap();
        let found = Temperature::fit(&recorded.rows, &recorded.labels);
        assert!((found.sharpness / recorded.sharpness - 1.0).abs() < 1e-5, "{found:?}, {}", recorded.sharpness);
    }

    proptest! {
        #[test]
        fn scaling_keeps_the_order_of_classes_and_normalises(
            row in prop::array::uniform10(0.0_f32..1.0),
            sharpness in 0.1..5.0,
        ) {
            let scaled = Temperature { sharpness }.apply(&row);
            prop_assert!((scaled.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for (a, b) in (0..CLASSES).flat_map(|a| (0..CLASSES).map(move |b| (a, b))) {
                prop_assert!(row[a] > row[b] || scaled[a] <= scaled[b] + 1e-7);
            }
        }
    }
}
