//! Processing steps and their settings.

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    data::{FieldError, SIDE},
    imaging::{centering::Centre, resize::Filter},
};

/// One step of a recipe: a 28×28 image in, a 28×28 image out. An empty image stays empty under every step.
///
/// A net that is trained on a device other than the CPU computes a recipe of `affine`, `elastic`, or `affine` directly
/// followed by `elastic` on that device ([`Processor::single_warp`](super::Processor::single_warp)); all other recipes
/// run on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// `noise`: subtracts a grey level and clips at 0.
    Noise(Noise),
    /// `normalise-size`: crops to the ink box, resizes, centres the box.
    NormaliseSize(NormaliseSize),
    /// `stretch`: rescales grey levels so that the strongest ink is 255.
    Stretch {},
    /// `centre`: moves the digit to the middle of the frame by whole pixels.
    Centre(CentreStep),
    /// `deskew`: removes the slant, centres by mass, stretches.
    Deskew {},
    /// `rotate`: rotates by a fixed angle about the middle of the ink box and centres that point.
    Rotate(RotateStep),
    /// `affine`: random rotation, shift, scaling and shear about the middle of the frame, in one resampling pass. An
    /// `elastic` step directly after it shares that pass.
    Affine(AffineRange),
    /// `elastic`: random elastic distortion.
    Elastic(ElasticStep),
    /// `stroke`: randomly widens or narrows strokes.
    Stroke(StrokeStep),
    /// `erase`: erases a square at a random position, with a given probability.
    Erase(EraseStep),
}

/// Settings of `noise`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// Grey level to subtract, 0 to 255. Default 32.
    pub level: u8,
}

impl Default for Noise {
    fn default() -> Self {
        Self { level: 32 }
    }
}

/// Settings of `normalise-size`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NormaliseSize {
    /// Longer side of the resized digit, in pixels, 1 to 28. Default 20.
    pub longest: usize,
    /// Resampling filter: `"bicubic"` (the default) or `"bilinear"`.
    pub filter: Filter,
}

impl Default for NormaliseSize {
    fn default() -> Self {
        Self { longest: 20, filter: Filter::default() }
    }
}

/// Settings of `centre`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CentreStep {
    /// Point to centre: `"mass"` (the default) or `"box"`.
    pub by: Centre,
}

/// Settings of `rotate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateStep {
    /// Counter-clockwise angle, in degrees, −360 to 360. Default 0.
    pub degrees: f32,
}

/// Settings of `affine`; every draw is uniform.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AffineRange {
    /// Maximum rotation in either direction, in degrees, 0 to 180. Default 10.
    pub rotate: f32,
    /// Maximum shift along each axis, in pixels, 0 to 28. Default 1.5.
    pub shift: f32,
    /// Maximum relative change of size, 0 to 0.9: the factor lies between 1 − scale and 1 + scale. Default 0.1.
    pub scale: f32,
    /// Maximum shear in either direction, in degrees, 0 to 60. Default 8.
    pub shear: f32,
}

impl Default for AffineRange {
    fn default() -> Self {
        Self { rotate: 10.0, shift: 1.5, scale: 0.1, shear: 8.0 }
    }
}

/// Settings of `elastic`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticStep {
    /// Displacement before smoothing, in pixels, 0 to 10,000. Default 34.
    pub alpha: f32,
    /// Standard deviation of the smoothing, in pixels, 0.1 to 100. Default 4.
    pub sigma: f32,
}

impl Default for ElasticStep {
    fn default() -> Self {
        Self { alpha: 34.0, sigma: 4.0 }
    }
}

/// Settings of `stroke`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StrokeStep {
    /// Maximum change in either direction, 0 to 1, where 1 is one pixel on each side of a stroke. Default 0.5.
    pub amount: f32,
}

impl Default for StrokeStep {
    fn default() -> Self {
        Self { amount: 0.5 }
    }
}

/// Settings of `erase`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EraseStep {
    /// Probability that an image is erased in part, 0 to 1. Default 0.3.
    pub probability: f32,
    /// Side of the erased square, in pixels, 0 to 28. Default 6.
    pub side: usize,
}

impl Default for EraseStep {
    fn default() -> Self {
        Self { probability: 0.3, side: 6 }
    }
}

impl Step {
    /// Names of all steps in a configuration.
    pub const NAMES: [&str; 10] =
        ["noise", "normalise-size", "stretch", "centre", "deskew", "rotate", "affine", "elastic", "stroke", "erase"];

    /// Name of the step in a configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Noise(_) => "noise",
            Self::NormaliseSize(_) => "normalise-size",
            Self::Stretch {} => "stretch",
            Self::Centre(_) => "centre",
            Self::Deskew {} => "deskew",
            Self::Rotate(_) => "rotate",
            Self::Affine(_) => "affine",
            Self::Elastic(_) => "elastic",
            Self::Stroke(_) => "stroke",
            Self::Erase(_) => "erase",
        }
    }

    /// True if the result depends on the seed.
    pub fn is_random(&self) -> bool {
        match self {
            Self::Affine(range) => *range != AffineRange { rotate: 0.0, shift: 0.0, scale: 0.0, shear: 0.0 },
            Self::Elastic(step) => step.alpha != 0.0,
            Self::Stroke(step) => step.amount != 0.0,
            Self::Erase(step) => step.probability != 0.0 && step.side != 0,
            _ => false,
        }
    }

    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// The first setting outside its range.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let within = |field: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(FieldError::new(field, format!("step \"{}\": found {value}, expected {low} to {high}", self.name())))
        };
        match self {
            Self::NormaliseSize(step) => within("longest", step.longest as f32, 1.0, SIDE as f32),
            Self::Rotate(step) => within("degrees", step.degrees, -360.0, 360.0),
            Self::Affine(range) => {
                within("rotate", range.rotate, 0.0, 180.0)?;
                within("shift", range.shift, 0.0, SIDE as f32)?;
                within("scale", range.scale, 0.0, 0.9)?;
                within("shear", range.shear, 0.0, 60.0)
            }
            Self::Elastic(step) => {
                within("alpha", step.alpha, 0.0, 10_000.0)?;
                within("sigma", step.sigma, 0.1, 100.0)
            }
            Self::Stroke(step) => within("amount", step.amount, 0.0, 1.0),
            Self::Erase(step) => {
                within("probability", step.probability, 0.0, 1.0)?;
                within("side", step.side as f32, 0.0, SIDE as f32)
            }
            Self::Noise(_) | Self::Stretch {} | Self::Centre(_) | Self::Deskew {} => Ok(()),
        }
    }
}

/// Writes the bare name if every setting has its default, otherwise a table with all settings.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a, T> {
            step: &'a str,
            #[serde(flatten)]
            settings: &'a T,
        }
        fn write<S: Serializer, T: Serialize + Default + PartialEq>(
            serializer: S,
            step: &str,
            settings: &T,
        ) -> Result<S::Ok, S::Error> {
            if *settings == T::default() {
                serializer.serialize_str(step)
            } else {
                Table { step, settings }.serialize(serializer)
            }
        }
        let name = self.name();
        match self {
            Self::Stretch {} | Self::Deskew {} => serializer.serialize_str(name),
            Self::Noise(settings) => write(serializer, name, settings),
            Self::NormaliseSize(settings) => write(serializer, name, settings),
            Self::Centre(settings) => write(serializer, name, settings),
            Self::Rotate(settings) => write(serializer, name, settings),
            Self::Affine(settings) => write(serializer, name, settings),
            Self::Elastic(settings) => write(serializer, name, settings),
            Self::Stroke(settings) => write(serializer, name, settings),
            Self::Erase(settings) => write(serializer, name, settings),
        }
    }
}
