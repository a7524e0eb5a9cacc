//! The steps and their settings.

use serde::{
    Deserialize, Serialize, Serializer,
    de::{
        Error, MapAccess, Visitor,
        value::{MapAccessDeserializer, MapDeserializer},
    },
};

use super::presets;
use crate::{
    data::{FieldError, SIDE},
    imaging::{Centre, Filter},
};

/// One step of a recipe: a 28×28 image in, a 28×28 image out. An empty image stays empty under every step.
///
/// A net that is trained on a device other than the CPU has it do a recipe of `affine`, `elastic`, or `affine` with
/// `elastic` right behind it ([`Processor::single_warp`](super::Processor::single_warp)); all other recipes are the
/// CPU's work everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// `noise`: subtracts a grey level and clips at 0.
    Noise(Noise),
    /// `normalise-size`: crops to the ink box, resizes, puts the box in the middle.
    NormaliseSize(NormaliseSize),
    /// `stretch`: makes the strongest ink 255.
    Stretch {},
    /// `centre`: moves the digit to the middle by whole pixels.
    Centre(CentreStep),
    /// `deskew`: removes the slant, puts the centre of mass in the middle, stretches.
    Deskew {},
    /// `rotate`: turns by a fixed angle about the middle of the ink box, which comes to lie in the middle.
    Rotate(RotateStep),
    /// `affine`: turns, moves, resizes and shears at random about the middle of the frame, in one resampling pass. An
    /// `elastic` step right behind it shares that pass.
    Affine(AffineRange),
    /// `elastic`: elastic distortion at random.
    Elastic(ElasticStep),
    /// `stroke`: makes strokes wider or narrower at random.
    Stroke(StrokeStep),
    /// `erase`: blanks a square at random.
    Erase(EraseStep),
}

/// Settings of `noise`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// Grey levels subtracted, 0 to 255. Default 32.
    pub level: u8,
}

impl Default for Noise {
    fn default() -> Self {
        Self { level: 32 }
    }
}

/// Settings of `normalise-size`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NormaliseSize {
    /// Length of the longer side afterwards, in pixels, 1 to 28. Default 20.
    pub longest: usize,
    /// `"bicubic"` (the default) or `"bilinear"`.
    pub filter: Filter,
}

impl Default for NormaliseSize {
    fn default() -> Self {
        Self { longest: 20, filter: Filter::default() }
    }
}

/// Settings of `centre`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CentreStep {
    /// `"mass"` (the default) or `"box"`.
    pub by: Centre,
}

/// Settings of `rotate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotateStep {
    /// Counter-clockwise, in degrees. Default 0.
    pub degrees: f32,
}

/// Settings of `affine`; all draws are uniform.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AffineRange {
    /// Largest turn either way, in degrees. Default 10.
    pub rotate: f32,
    /// Largest shift along either axis, in pixels, 0 to 28. Default 1.5.
    pub shift: f32,
    /// Largest change of size: the factor lies between 1 − scale and 1 + scale; 0 to 0.9. Default 0.1.
    pub scale: f32,
    /// Largest lean either way, in degrees, 0 to 60. Default 8.
    pub shear: f32,
}

impl Default for AffineRange {
    fn default() -> Self {
        Self { rotate: 10.0, shift: 1.5, scale: 0.1, shear: 8.0 }
    }
}

/// Settings of `elastic`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StrokeStep {
    /// Largest change either way, 0 to 1: 1 is a whole pixel on each side. Default 0.5.
    pub amount: f32,
}

impl Default for StrokeStep {
    fn default() -> Self {
        Self { amount: 0.5 }
    }
}

/// Settings of `erase`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EraseStep {
    /// Share of the images it happens to, 0 to 1. Default 0.3.
    pub probability: f32,
    /// Side of the square, in pixels, 0 to 28. Default 6.
    pub side: usize,
}

impl Default for EraseStep {
    fn default() -> Self {
        Self { probability: 0.3, side: 6 }
    }
}

impl Step {
    /// The step of this name with its defaults.
    pub(super) fn named<E: Error>(name: &str) -> Result<Self, E> {
        let table = MapDeserializer::<_, serde::de::value::Error>::new(std::iter::once(("step", name)));
        Self::deserialize(table)
            .map_err(|error| E::custom(format!("{error}, or a preset: {}", presets::PRESETS.join(", "))))
    }

    /// Its name in a configuration.
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

    /// True if its result depends on the seed.
    pub fn is_random(&self) -> bool {
        match self {
            Self::Affine(range) => *range != AffineRange { rotate: 0.0, shift: 0.0, scale: 0.0, shear: 0.0 },
            Self::Elastic(step) => step.alpha != 0.0,
            Self::Stroke(step) => step.amount != 0.0,
            Self::Erase(step) => step.probability != 0.0 && step.side != 0,
            _ => false,
        }
    }

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

/// A bare name if every setting has its default, else a table with all settings.
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

/// Reads one entry of a recipe: a preset, a step's name, or a step's table.
pub(super) struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Vec<Step>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("the name of a step or preset, or a table like { step = \"noise\", level = 32 }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Vec<Step>, E> {
        match presets::steps(name) {
            Some(steps) => Ok(steps),
            None => Ok(vec![Step::named(name)?]),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Step>, A::Error> {
        Step::deserialize(MapAccessDeserializer::new(map)).map(|step| vec![step])
    }
}
