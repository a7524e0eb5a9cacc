//! Recipes with a name.

use super::step::{AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, Step, StrokeStep};
use crate::imaging::{Centre, Filter};

/// The names of all presets.
pub const PRESETS: [&str; 5] = ["reference", "mnist", "deskewed", "light", "strong"];

/// The steps of a preset.
pub(super) fn steps(name: &str) -> Option<Vec<Step>> {
    Some(match name {
        // The stacked-ensemble reference: subtract 32, clip, box, longer side 20, stretch, middle of the box in the
        // middle.
        "reference" => vec![
            Step::Noise(Noise { level: 32 }),
            Step::NormaliseSize(NormaliseSize { longest: 20, filter: Filter::Bicubic }),
            Step::Stretch {},
        ],
        // How MNIST's own images were made: longer side 20, centre of mass in the middle. For digits from elsewhere.
        "mnist" => vec![
            Step::NormaliseSize(NormaliseSize { longest: 20, filter: Filter::Bilinear }),
            Step::Stretch {},
            Step::Centre(CentreStep { by: Centre::Mass }),
        ],
        "deskewed" => vec![Step::Deskew {}],
        // Augmentation that leaves every digit easy to read.
        "light" => vec![Step::Affine(AffineRange { rotate: 10.0, shift: 1.5, scale: 0.1, shear: 8.0 })],
        // About as much as a reader can take; for long trainings of large nets.
        "strong" => vec![
            Step::Stroke(StrokeStep { amount: 0.5 }),
            Step::Affine(AffineRange { rotate: 15.0, shift: 2.5, scale: 0.15, shear: 15.0 }),
            Step::Elastic(ElasticStep { alpha: 34.0, sigma: 4.0 }),
            Step::Erase(EraseStep { probability: 0.3, side: 6 }),
        ],
        _ => return None,
    })
}
