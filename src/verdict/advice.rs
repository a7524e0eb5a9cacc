//! Advice to a person whose image is refused.

use super::refusal::Refusal;
use crate::{
    data::PIXELS,
    imaging::{thicken, thin},
};

/// Advice on a refused image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Digit that it would have been, where it may well be one.
    pub guess: Option<u8>,
    /// Improvement to the drawing.
    pub hint: Option<&'static str>,
}

/// Share of the ink in lines at least five pixels wide, from which on a line is thick. It is less for nine of ten
/// training digits of MNIST, and for a digit of 70 pixels or more in the page's default brush.
const THICK: f32 = 0.6;

impl Advice {
    /// Advice on an image `[28, 28]` that is refused for `refusal`. `digit` is the most probable one; `is_in_doubt` says
    /// that the image is nearly enough like a digit.
    pub(super) fn new(refusal: Refusal, image: &[u8; PIXELS], digit: u8, is_in_doubt: bool) -> Self {
        match refusal {
            Refusal::Blank | Refusal::SeveralDigits => Self::default(),
            Refusal::Scribble | Refusal::Unsure => Self {
                guess: (is_in_doubt || refusal == Refusal::Unsure).then_some(digit),
                hint: (thick_share(image) >= THICK)
                    .then_some("The line is thick for its size: draw larger, or with a thinner line."),
            },
        }
    }

    /// The guess and the hint in words; empty if there is neither.
    pub fn sentences(&self) -> String {
        let guess = self.guess.map(|digit| format!("My guess would be {digit}."));
        [guess, self.hint.map(str::to_owned)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Share of the ink in lines at least five pixels wide, 0 to 1.
fn thick_share(image: &[u8; PIXELS]) -> f32 {
    let sum = |image: &[u8; PIXELS]| image.iter().map(|&level| u32::from(level)).sum::<u32>() as f32;
    let core = thin(&thin(image, 1.0), 1.0);
    let opened = thicken(&thicken(&core, 1.0), 1.0);
    sum(&opened) / sum(image).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SIDE;

    /// A horizontal line of this many pixels' width.
    fn line(width: usize) -> [u8; PIXELS] {
        std::array::from_fn(|pixel| if (10..10 + width).contains(&(pixel / SIDE)) { 255 } else { 0 })
    }

    #[test]
    fn thick_lines_are_told_from_thin_ones() {
        assert_eq!([1, 2, 4].map(|width| thick_share(&line(width))), [0.0; 3]);
        assert!([5, 8].iter().all(|&width| thick_share(&line(width)) > 0.8));
        assert_eq!(thick_share(&[0; PIXELS]), 0.0);
    }

    #[test]
    fn each_reason_has_its_advice() {
        let advice = |refusal, width, is_in_doubt| Advice::new(refusal, &line(width), 2, is_in_doubt).sentences();
        let thick = "The line is thick for its size: draw larger, or with a thinner line.";
        assert_eq!(advice(Refusal::Unsure, 2, false), "My guess would be 2.");
        assert_eq!(advice(Refusal::Unsure, 8, false), format!("My guess would be 2. {thick}"));
        assert_eq!(advice(Refusal::Scribble, 8, true), format!("My guess would be 2. {thick}"));
        assert_eq!(advice(Refusal::Scribble, 8, false), thick);
        assert_eq!(advice(Refusal::Scribble, 2, false), "");
        for refusal in [Refusal::Blank, Refusal::SeveralDigits] {
            assert_eq!(advice(refusal, 8, true), "");
        }
    }
}
