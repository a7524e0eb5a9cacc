//! Signs that no digit looks like, in the box 0 to 64 × 0 to 100 of the built-in digits.
//!
//! Left out, with the digit that they look like: `|`, `/`, `\`, `(` and `)` 1, `?` 2, `}` 3, `&` and `$` 8, a circle, a
//! diamond and a square 0.

use super::{Named, held_out, trained};
use crate::data::synthetic::{c, s};

pub(super) const SYMBOLS: &[Named] = &[
    trained("plus", &[&[s(32, 20), s(32, 84)], &[s(0, 52), s(64, 52)]]),
    trained("dash", &[&[s(0, 50), s(32, 49), s(64, 50)]]),
    trained("equals", &[&[s(0, 36), s(64, 36)], &[s(0, 64), s(64, 64)]]),
    trained("exclamation mark", &[&[s(10, 0), s(10, 66)], &[s(10, 92), s(10, 98)]]),
    trained(
        "hash",
        &[&[s(24, 0), s(14, 100)], &[s(56, 0), s(46, 100)], &[s(0, 34), s(70, 34)], &[s(0, 68), s(66, 68)]],
    ),
    held_out(
        "per cent",
        &[
            &[s(14, 2), s(2, 18), s(14, 34), s(26, 18), s(14, 2)],
            &[s(62, 0), s(6, 100)],
            &[s(56, 66), s(44, 82), s(56, 98), s(68, 82), s(56, 66)],
        ],
    ),
    trained(
        "at",
        &[&[
            s(48, 40),
            s(30, 34),
            s(22, 54),
            s(32, 68),
            s(46, 58),
            s(48, 38),
            s(52, 66),
            s(68, 62),
            s(66, 22),
            s(38, 4),
            s(6, 30),
            s(6, 74),
            s(34, 98),
            s(62, 90),
        ]],
    ),
    trained("asterisk", &[&[s(32, 10), s(32, 90)], &[s(0, 30), s(64, 70)], &[s(64, 30), s(0, 70)]]),
    trained("arrow to the right", &[&[s(0, 50), s(80, 50)], &[c(54, 28), c(80, 50), c(54, 72)]]),
    trained("arrow upwards", &[&[s(32, 0), s(32, 100)], &[c(4, 28), c(32, 0), c(60, 28)]]),
    held_out("arrow downwards", &[&[s(32, 0), s(32, 100)], &[c(4, 72), c(32, 100), c(60, 72)]]),
    trained("tick", &[&[c(0, 60), c(24, 100), c(78, 0)]]),
    trained("opening bracket", &[&[c(44, 0), c(8, 0), c(8, 100), c(44, 100)]]),
    trained("closing bracket", &[&[c(0, 0), c(36, 0), c(36, 100), c(0, 100)]]),
    trained("opening brace", &[&[s(44, 0), s(26, 8), s(24, 36), c(4, 50), s(24, 64), s(26, 92), s(44, 100)]]),
    held_out("less than", &[&[c(60, 10), c(2, 50), c(60, 90)]]),
    trained("greater than", &[&[c(2, 10), c(60, 50), c(2, 90)]]),
    held_out("tilde", &[&[s(0, 60), s(20, 36), s(44, 58), s(66, 34)]]),
    trained("caret", &[&[c(0, 60), c(30, 10), c(60, 60)]]),
    trained(
        "euro",
        &[
            &[s(66, 14), s(40, 2), s(14, 30), s(14, 70), s(42, 98), s(66, 86)],
            &[s(0, 40), s(46, 40)],
            &[s(0, 60), s(44, 60)],
        ],
    ),
    trained("division sign", &[&[s(0, 50), s(64, 50)], &[s(32, 20), s(32, 24)], &[s(32, 76), s(32, 80)]]),
    trained("colon", &[&[s(10, 10), s(11, 14)], &[s(10, 86), s(11, 90)]]),
    trained("ellipsis", &[&[s(0, 50), s(4, 50)], &[s(36, 50), s(40, 50)], &[s(72, 50), s(76, 50)]]),
    trained("quotation mark", &[&[s(6, 0), s(4, 34)], &[s(36, 0), s(34, 34)]]),
    trained("sum", &[&[c(60, 0), c(4, 0), c(36, 50), c(4, 100), c(62, 100)]]),
    held_out("pi", &[&[s(0, 6), s(72, 2)], &[s(18, 6), s(14, 100)], &[s(52, 6), s(54, 100)]]),
    trained("triangle", &[&[c(32, 0), c(0, 100), c(70, 100), c(32, 0)]]),
    trained("omega", &[&[c(0, 98), s(20, 96), s(4, 44), s(34, 4), s(66, 44), s(48, 96), c(70, 98)]]),
    trained(
        "infinity",
        &[&[s(40, 50), s(16, 28), s(0, 50), s(16, 72), s(40, 50), s(64, 28), s(80, 50), s(64, 72), s(40, 50)]],
    ),
    trained("root", &[&[c(0, 56), c(10, 52), c(26, 100), c(48, 4), c(96, 4)]]),
];
