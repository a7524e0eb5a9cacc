//! Why an image is not given a digit.

use serde::{Deserialize, Serialize};

use crate::imaging::{Gray, InkBox, pieces};

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

/// Ink at or above this level connects pixels of a drawing.
const SOLID: u8 = 128;
/// A digit of several is at least this long, as a share of all ink's longer side.
const LEAST_LENGTH: f32 = 0.45;
/// And has at least this share of the ink of the largest piece.
const LEAST_INK: f32 = 0.2;
/// Ranges that share less than this of the shorter one lie beside one another.
const MOST_SHARED: f32 = 0.15;

/// True if the ink of a drawing has two large pieces that lie beside one another, as the digits of a number do: the bar of a 5 and the
/// stroke of an open 4 are short or lie above and within.
pub fn digits_beside(ink: &Gray) -> bool {
    let pieces = pieces(ink, SOLID);
    let Some(whole) = ink.ink_box() else { return false };
    let most = pieces.iter().map(|piece| piece.ink).max().unwrap_or(0);
    let is_large = |area: &InkBox| area.height as f32 >= LEAST_LENGTH * whole.width.max(whole.height) as f32;
    let large: Vec<_> = pieces.iter().filter(|piece| piece.ink as f32 >= LEAST_INK * most as f32 && is_large(&piece.area)).collect();
    large.iter().enumerate().any(|(place, one)| large[place + 1..].iter().any(|other| are_beside(&one.area, &other.area)))
}

fn are_beside(one: &InkBox, other: &InkBox) -> bool {
    let shared = (one.left + one.width).min(other.left + other.width) as f32 - one.left.max(other.left) as f32;
    shared < MOST_SHARED * one.width.min(other.width) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(rows: &[&str]) -> Gray {
        Gray::new(rows[0].len(), rows.len(), rows.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 255 } else { 0 })).collect())
            .unwrap()
    }

    #[test]
    fn a_number_is_seen_and_parts_of_a_digit_are_not() {
        let eleven = ["#...#", "#...#", "#...#", "#...#", "#...#"];
        let five = [".###.", ".....", "#....", "###..", "..##.", "###.."];
        let speck = ["#....", "#....", "#....", "#...#", "#...#"];
        assert!(digits_beside(&ink(&eleven)));
        assert!(!digits_beside(&ink(&five)));
        assert!(!digits_beside(&ink(&speck)));
        assert!(!digits_beside(&ink(&["....."])));
    }

    #[test]
    fn names_are_those_of_json() {
        for refusal in Refusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.name());
            assert!(refusal.message().ends_with('.'));
        }
    }
}
