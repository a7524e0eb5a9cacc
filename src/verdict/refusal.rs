//! Why an image is not given a digit.

use serde::{Deserialize, Serialize};

/// Why an image is not given a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no ink.
    Blank,
    /// There is more than one digit.
    SeveralDigits,
    /// The ink is no digit's.
    Scribble,
    /// No digit is probable enough.
    Unsure,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Blank, Self::SeveralDigits, Self::Scribble, Self::Unsure];

    /// One word, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::SeveralDigits => "several-digits",
            Self::Scribble => "scribble",
            Self::Unsure => "unsure",
        }
    }

    /// A sentence for whoever drew it.
    pub fn message(self) -> &'static str {
        match self {
            Self::Blank => "There is nothing here yet: draw a digit.",
            Self::SeveralDigits => "This looks like more than one digit: draw one at a time.",
            Self::Scribble => "This does not look like a digit.",
            Self::Unsure => "No digit fits well enough to say which it is.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for refusal in Refusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.name());
            assert!(refusal.message().ends_with('.'));
        }
    }
}
