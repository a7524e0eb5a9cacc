//! Numbers as JSON: the one form in which the command line and the service give them.

use serde::Serialize;
use utoipa::ToSchema;

use super::number::{DigitRefusal, Number, NumberRefusal, ReadDigit};
use crate::{data::CLASSES, imaging::InkBox};

/// Line of digits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NumberRecord {
    /// The number, with `?` for each refused digit.
    pub text: String,
    /// Probability that all its digits are right.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f32,
    /// Smallest box around its ink, in pixels of the upright picture.
    #[serde(rename = "box")]
    pub area: InkBox,
    /// Slope of the line in degrees, positive downwards to the right.
    pub degrees: f32,
    /// Reason not to rely on the number: `no-digits`, `refused-digits`, `pattern`, `unsure` or `left-out`.
    pub refusal: Option<RefusalRecord>,
    /// Its digits from left to right, refused ones included.
    pub digits: Vec<DigitRecord>,
    /// Boxes of ink beside the digits that was passed over.
    pub unread: Vec<InkBox>,
}

/// Digit of a number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DigitRecord {
    /// Most probable digit, also where it is refused.
    #[schema(minimum = 0, maximum = 9)]
    pub digit: u8,
    /// Probability that it is right where the others of its number are.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f32,
    /// Smallest box around its ink, in pixels of the upright picture.
    #[serde(rename = "box")]
    pub area: InkBox,
    /// Reason not to rely on the digit: `scribble`, `touching` or `unsure`.
    pub refusal: Option<RefusalRecord>,
    /// Calibrated probabilities of the digits 0 to 9 for its image alone.
    pub probabilities: [f32; CLASSES],
}

/// Reason not to rely on a number or a digit.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RefusalRecord {
    /// Name of the reason.
    pub reason: &'static str,
    /// The reason in words.
    pub message: &'static str,
}

impl From<&Number> for NumberRecord {
    fn from(number: &Number) -> Self {
        Self {
            text: number.text(),
            confidence: number.confidence,
            area: number.area,
            degrees: number.degrees,
            refusal: number.refusal.map(RefusalRecord::from),
            digits: number.digits.iter().map(DigitRecord::from).collect(),
            unread: number.unread.clone(),
        }
    }
}

impl From<&ReadDigit> for DigitRecord {
    fn from(digit: &ReadDigit) -> Self {
        Self {
            digit: digit.digit,
            confidence: digit.confidence,
            area: digit.area,
            refusal: digit.refusal.map(RefusalRecord::from),
            probabilities: digit.probabilities,
        }
    }
}

impl From<NumberRefusal> for RefusalRecord {
    fn from(refusal: NumberRefusal) -> Self {
        Self { reason: refusal.name(), message: refusal.message() }
    }
}

impl From<DigitRefusal> for RefusalRecord {
    fn from(refusal: DigitRefusal) -> Self {
        Self { reason: refusal.name(), message: refusal.message() }
    }
}
