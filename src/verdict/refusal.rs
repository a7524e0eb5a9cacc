//! Reasons for refusing an image.

use serde::{Deserialize, Serialize};

/// Reason why no digit is given for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no ink.
    Blank,
    /// There is more than one digit.
    SeveralDigits,
    /// The ink does not look like a digit.
    Scribble,
    /// The confidence is below the minimum.
    Unsure,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Blank, Self::SeveralDigits, Self::Scribble, Self::Unsure];

    /// Name of the reason, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::SeveralDigits => "several-digits",
            Self::Scribble => "scribble",
            Self::Unsure => "unsure",
        }
    }

    /// Message for the user who drew the image.
    pub fn message(self) -> &'static str {
        match self {
            Self::Blank => "There is nothing here yet: draw a digit.",
            Self::SeveralDigits => "This looks like more than one digit: draw one at a time.",
            Self::Scribble => "This does not look like a digit.",
            Self::Unsure => "No digit fits well enough to be sure.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_equal_the_json_values() {
        for refusal in Refusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.name());
            assert!(refusal.message().ends_with('.'));
        }
    }
}
