//! Letters, symbols and doodles: shapes with a name, written by the hand that writes the built-in digits.

mod doodles;
mod letters;
mod symbols;

use rand::RngExt;

use super::sketch::Sketch;
use crate::{
    data::synthetic::{self, Shape},
    seed::Seed,
};

/// Kind of named shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeKind {
    /// Latin letters that no digit looks like.
    Letter,
    /// Signs that no digit looks like.
    Symbol,
    /// Small pictures.
    Doodle,
}

/// Part of the named shapes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapePart {
    /// Shapes that the detector is trained on.
    Trained,
    /// Shapes that it is never trained on, to measure what it makes of unknown ones.
    HeldOut,
}

/// A shape with its name.
pub(super) struct Named {
    name: &'static str,
    shape: Shape,
    part: ShapePart,
}

const fn trained(name: &'static str, shape: Shape) -> Named {
    Named { name, shape, part: ShapePart::Trained }
}

const fn held_out(name: &'static str, shape: Shape) -> Named {
    Named { name, shape, part: ShapePart::HeldOut }
}

impl ShapeKind {
    fn shapes(self) -> &'static [Named] {
        match self {
            Self::Letter => letters::LETTERS,
            Self::Symbol => symbols::SYMBOLS,
            Self::Doodle => doodles::DOODLES,
        }
    }
}

/// Draws one of the shapes of a kind, each as often as the others; returns its name, too.
pub fn draw_shape(kind: ShapeKind, part: ShapePart, seed: Seed) -> (&'static str, Sketch) {
    let all: Vec<&Named> = kind.shapes().iter().filter(|named| named.part == part).collect();
    let chosen = all[seed.derive("shape").rng().random_range(0..all.len())];
    (chosen.name, Sketch::of(synthetic::write_shape(chosen.shape, seed)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::imaging::{Centre, digit_from_ink, ink_box};

    const KINDS: [ShapeKind; 3] = [ShapeKind::Letter, ShapeKind::Symbol, ShapeKind::Doodle];

    fn names(kind: ShapeKind) -> BTreeSet<&'static str> {
        kind.shapes().iter().map(|named| named.name).collect()
    }

    #[test]
    fn every_named_shape_gives_framed_ink() {
        for named in KINDS.iter().flat_map(|kind| kind.shapes()) {
            for index in 0..20 {
                let sketch = Sketch::of(synthetic::write_shape(named.shape, Seed(index)));
                let drawn = digit_from_ink(sketch.paint(112, 100.0, 8.0), Centre::Mass).expect(named.name);
                let area = ink_box(&drawn.image).expect(named.name);
                assert!((18..=20).contains(&area.width.max(area.height)), "{}: {area:?}", named.name);
            }
        }
    }

    #[test]
    fn letters_that_look_like_digits_are_left_out() {
        let letters = names(ShapeKind::Letter);
        for letter in ["B", "b", "D", "G", "g", "I", "l", "O", "o", "Q", "q", "S", "s", "Y", "y", "Z", "z"] {
            assert!(!letters.contains(letter), "{letter}");
        }
        for symbol in [
            "|",
            "/",
            "\\",
            "(",
            ")",
            "question mark",
            "closing brace",
            "ampersand",
            "dollar",
            "circle",
            "diamond",
            "square",
        ] {
            assert!(!names(ShapeKind::Symbol).contains(symbol), "{symbol}");
        }
        assert_eq!((letters.len(), names(ShapeKind::Symbol).len(), names(ShapeKind::Doodle).len()), (31, 30, 16));
    }

    #[test]
    fn no_shape_is_both_trained_and_held_out() {
        for kind in KINDS {
            let of = |part| kind.shapes().iter().filter(move |named| named.part == part).map(|named| named.name);
            let (trained, held_out) =
                (of(ShapePart::Trained).collect::<BTreeSet<_>>(), of(ShapePart::HeldOut).collect());
            assert!(trained.is_disjoint(&held_out) && held_out.len() >= 3, "{kind:?}: {held_out:?}");
        }
    }
}
