//! A line of digits that was read.

use serde::{Deserialize, Serialize};

use crate::{data::CLASSES, imaging::InkBox};

/// A line of digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its digits, from left to right; those that are refused, too.
    pub digits: Vec<ReadDigit>,
    /// Probability that all its digits are right, 0 to 1.
    pub confidence: f32,
    /// Smallest box around its ink in the upright picture.
    pub area: InkBox,
    /// Slope of the line, in degrees, positive downwards to the right.
    pub degrees: f32,
    /// Boxes of ink beside its digits that was passed over.
    pub unread: Vec<InkBox>,
    /// Reason not to rely on the number.
    pub refusal: Option<NumberRefusal>,
}

impl Number {
    /// The number, with `?` for each refused digit.
    pub fn text(&self) -> String {
        let symbol = |digit: &ReadDigit| if digit.refusal.is_some() { '?' } else { char::from(b'0' + digit.digit) };
        self.digits.iter().map(symbol).collect()
    }
}

/// A digit of a number.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadDigit {
    /// Most probable digit, also where it is refused.
    pub digit: u8,
    /// Probability that it is right where the others of its number are, 0 to 1.
    pub confidence: f32,
    /// Calibrated probabilities of the digits 0 to 9 for its image.
    pub probabilities: [f32; CLASSES],
    /// Smallest box around its ink in the upright picture.
    pub area: InkBox,
    /// Reason not to rely on it.
    pub refusal: Option<DigitRefusal>,
}

/// Reason not to rely on a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigitRefusal {
    /// The ink does not look like a digit.
    Scribble,
    /// The ink is wider than a digit, and no way was found to divide it.
    Touching,
    /// Its confidence is below the minimum.
    Unsure,
}

impl DigitRefusal {
    /// Name of the reason, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scribble => "scribble",
            Self::Touching => "touching",
            Self::Unsure => "unsure",
        }
    }

    /// The reason in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Scribble => "this ink does not look like a digit",
            Self::Touching => "these digits touch and could not be divided",
            Self::Unsure => "no digit fits well enough to be sure",
        }
    }
}

/// Reason not to rely on a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberRefusal {
    /// Nothing in the line looks like a digit.
    NoDigits,
    /// Some of its digits are refused.
    RefusedDigits,
    /// No reading of the line has the expected digits.
    Pattern,
    /// Its confidence is below the minimum.
    Unsure,
    /// The page has more ink than is read at a time.
    LeftOut,
}

impl NumberRefusal {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::NoDigits, Self::RefusedDigits, Self::Pattern, Self::Unsure, Self::LeftOut];

    /// Name of the reason, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoDigits => "no-digits",
            Self::RefusedDigits => "refused-digits",
            Self::Pattern => "pattern",
            Self::Unsure => "unsure",
            Self::LeftOut => "left-out",
        }
    }

    /// The reason in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::NoDigits => "nothing in this line looks like a digit",
            Self::RefusedDigits => "not every digit of this line could be read",
            Self::Pattern => "no reading of this line has the expected digits",
            Self::Unsure => "the number is not certain enough",
            Self::LeftOut => "there is more ink than is read at a time: crop the picture to its numbers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_equal_the_json_values() {
        for refusal in [DigitRefusal::Scribble, DigitRefusal::Touching, DigitRefusal::Unsure] {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.name());
        }
        for refusal in NumberRefusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.name());
        }
    }
}
