//! Presets: recipes with a name.

use super::step::{AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, Step, StrokeStep};
use crate::imaging::{centering::Centre, resize::Filter};

/// Names of all presets.
pub const PRESETS: [&str; 5] = ["reference", "mnist", "deskewed", "light", "strong"];

/// Description of a preset in a sentence; `None` for an unknown name.
pub fn describe_preset(name: &str) -> Option<&'static str> {
    Some(match name {
        "reference" => "Noise, normalise-size and stretch, as in the stacked-ensemble reference.",
        "mnist" => "MNIST's own construction, for digits from elsewhere: longer side to 20 pixels, centred by mass.",
        "deskewed" => "Without slant.",
        "light" => "Random shifts, rotations, sizes and shears that keep every digit easy to read.",
        "strong" => "Random changes near the limit of legibility, for long training of large nets.",
        _ => return None,
    })
}

/// Steps of a preset; `None` for an unknown name.
pub(super) fn steps(name: &str) -> Option<Vec<Step>> {
    Some(match name {
        // The stacked-ensemble reference: subtract 32 and clip, crop to the ink box, longer side to 20 pixels, stretch,
        // centre by the box.
        "reference" => vec![
            Step::Noise(Noise { level: 32 }),
            Step::NormaliseSize(NormaliseSize { longest: 20, filter: Filter::Bicubic }),
            Step::Stretch {},
        ],
        // The construction of MNIST's images, for digits from elsewhere: longer side to 20 pixels, centre by mass.
        "mnist" => vec![
            Step::NormaliseSize(NormaliseSize { longest: 20, filter: Filter::Bilinear }),
            Step::Stretch {},
            Step::Centre(CentreStep { by: Centre::Mass }),
        ],
        "deskewed" => vec![Step::Deskew {}],
        // Augmentation that keeps every digit easy to read.
        "light" => vec![Step::Affine(AffineRange { rotate: 10.0, shift: 1.5, scale: 0.1, shear: 8.0 })],
        // Augmentation near the limit of legibility, for long training of large nets.
        "strong" => vec![
            Step::Stroke(StrokeStep { amount: 0.5 }),
            Step::Affine(AffineRange { rotate: 15.0, shift: 2.5, scale: 0.15, shear: 15.0 }),
            Step::Elastic(ElasticStep { alpha: 34.0, sigma: 4.0 }),
            Step::Erase(EraseStep { probability: 0.3, side: 6 }),
        ],
        _ => return None,
    })
}
