//! Digits that are mirrored or turned until they are none.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::data::{Digits, PIXELS, SIDE};

/// Way to alter a digit.
#[derive(Clone, Copy)]
enum Alteration {
    Mirror,
    QuarterTurn,
    ThreeQuarterTurn,
    HalfTurn,
}

/// Alterations after which a digit of each class, 0 to 9, looks like none. A mirrored 2 is a 5; half turned, a 6 is a 9.
const ALTERATIONS: [&[Alteration]; 10] = {
    use Alteration::{HalfTurn, Mirror, QuarterTurn, ThreeQuarterTurn};
    [
        &[],
        &[QuarterTurn],
        &[QuarterTurn, ThreeQuarterTurn],
        &[Mirror, QuarterTurn, ThreeQuarterTurn, HalfTurn],
        &[Mirror, QuarterTurn, ThreeQuarterTurn, HalfTurn],
        &[QuarterTurn, ThreeQuarterTurn],
        &[Mirror, QuarterTurn, ThreeQuarterTurn],
        &[Mirror, QuarterTurn, ThreeQuarterTurn, HalfTurn],
        &[QuarterTurn],
        &[Mirror, QuarterTurn, ThreeQuarterTurn],
    ]
};

/// One of `digits`, altered. `None` if there is no alteration for its class.
pub(super) fn altered(draw: &mut ChaCha8Rng, digits: &Digits) -> Option<[u8; PIXELS]> {
    let index = draw.random_range(0..digits.len());
    let choices = ALTERATIONS[usize::from(digits.labels[index])];
    let choice = draw.random_range(0..choices.len().max(1));
    let alteration = *choices.get(choice)?;
    let image = digits.images.get(index);
    let end = SIDE - 1;
    Some(std::array::from_fn(|pixel| {
        let (y, x) = (pixel / SIDE, pixel % SIDE);
        let (y, x) = match alteration {
            Alteration::Mirror => (y, end - x),
            Alteration::QuarterTurn => (x, end - y),
            Alteration::ThreeQuarterTurn => (end - x, y),
            Alteration::HalfTurn => (end - y, end - x),
        };
        image[y * SIDE + x]
    }))
}
