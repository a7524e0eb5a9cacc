//! Fitted parameters of the judge.

use serde::{Deserialize, Serialize};

use super::temperature::Temperature;
use crate::{data::Probabilities, evaluation};

/// Fraction of the training digits, rotated copies included, whose out-of-fold confidence is below the minimum.
pub const CONFIDENCE_REFUSAL_RATE: f64 = 0.0005;

/// Fitted parameters of a [`Judge`](super::Judge): the temperature and the minimum confidence of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct JudgeParameters {
    temperature: Temperature,
    least_confidence: f32,
}

/// Parameters as they are in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    temperature: Temperature,
    least_confidence: f32,
}

impl TryFrom<Unchecked> for JudgeParameters {
    type Error = String;

    fn try_from(Unchecked { temperature, least_confidence }: Unchecked) -> Result<Self, String> {
        if (0.0..=1.0).contains(&least_confidence) {
            return Ok(Self { temperature, least_confidence });
        }
        Err(format!("least_confidence: found {least_confidence}, expected 0 to 1"))
    }
}

impl Default for JudgeParameters {
    /// Parameters of models without calibration data: probabilities stay unchanged, and no confidence is too low.
    fn default() -> Self {
        Self { temperature: Temperature::default(), least_confidence: 0.0 }
    }
}

impl JudgeParameters {
    /// Fits temperature and minimum confidence on out-of-fold rows of the answering model `[n, 10]` with their labels `[n]`.
    pub fn fit(rows: &Probabilities, labels: &[u8]) -> Self {
        let temperature = Temperature::fit(rows, labels);
        let mut confidences: Vec<f32> =
            rows.iter().map(|row| evaluation::rank(&temperature.apply(row)).probability).collect();
        let index = (confidences.len() as f64 * CONFIDENCE_REFUSAL_RATE) as usize;
        let least_confidence =
            if confidences.is_empty() { 0.0 } else { *confidences.select_nth_unstable_by(index, f32::total_cmp).1 };
        Self { temperature, least_confidence }
    }

    /// Scaling of the probabilities.
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// Probability of the top class below which no answer is given.
    pub(super) fn least_confidence(&self) -> f32 {
        self.least_confidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_outside_their_range_are_refused() {
        let read = |text: &str| serde_json::from_str::<JudgeParameters>(text).map_err(|error| error.to_string());
        assert!(read(r#"{"temperature":{"sharpness":1.5},"least_confidence":0.3}"#).is_ok());
        for (text, expected) in [
            (r#"{"temperature":{"sharpness":-1.5},"least_confidence":0.3}"#, "sharpness: found -1.5, expected"),
            (
                r#"{"temperature":{"sharpness":1.5},"least_confidence":1.3}"#,
                "least_confidence: found 1.3, expected 0 to 1",
            ),
            (r#"{"temperature":{"sharpness":1.5},"least_confidence":-0.3}"#, "least_confidence: found -0.3"),
            (r#"{"temperature":{"sharpness":1.5},"least_confidence":0.3,"more":1}"#, "unknown field `more`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
