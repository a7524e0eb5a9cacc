//! Settings of a support-vector machine.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::data::{FieldError, Images};

/// Coefficient of the kernel `exp(−γ ‖x − y‖²)`, for pixels from 0 to 1: a number, or `"scale"`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gamma {
    /// `1 / (784 · variance of the training pixels)`, scikit-learn's default; 0.0134 on MNIST.
    #[default]
    Scale,
    /// A given γ.
    Value(f64),
}

impl Gamma {
    /// Computes γ for training images. If all pixels are equal, their variance counts as 1.
    pub(super) fn resolve(self, images: &Images) -> f64 {
        let Self::Scale = self else {
            return if let Self::Value(gamma) = self { gamma } else { 1.0 };
        };
        // Integers: exact in any order.
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for &pixel in images.pixels() {
            sum += u64::from(pixel);
            squares += u64::from(pixel) * u64::from(pixel);
        }
        let count = images.pixels().len().max(1) as f64;
        let mean = sum as f64 / count;
        let variance = (squares as f64 / count - mean * mean) / (255.0 * 255.0);
        1.0 / (crate::data::PIXELS as f64 * if variance > 0.0 { variance } else { 1.0 })
    }
}

impl Serialize for Gamma {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scale => serializer.serialize_str("scale"),
            Self::Value(gamma) => serializer.serialize_f64(*gamma),
        }
    }
}

impl<'de> Deserialize<'de> for Gamma {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Gamma;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a number or \"scale\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Gamma, E> {
                if text == "scale" { Ok(Gamma::Scale) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Gamma, E> {
                Ok(Gamma::Value(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Gamma, E> {
                Ok(Gamma::Value(value as f64))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Gamma, E> {
                Ok(Gamma::Value(value as f64))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Gamma {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Gamma".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {
                    "const": "scale",
                    "description": "1 / (784 · variance of the training pixels), scikit-learn's default.",
                },
                { "type": "number", "minimum": 1e-6, "maximum": 1e3, "description": "A given γ." },
            ]
        })
    }
}

/// Settings of a support-vector machine with an RBF kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SvmConfig {
    /// Regularisation parameter C, the cost of an image on the wrong side of its margin, 1e-6 to 1e6. Default 5.
    pub c: f64,
    /// Coefficient γ of the kernel: `"scale"` or a number, 1e-6 to 1e3. Default `"scale"`.
    pub gamma: Gamma,
    /// Greatest violation of the optimality conditions at which a pair of classes counts as solved, 1e-9 to 0.1.
    /// Default 1e-3, as in LIBSVM.
    pub tolerance: f64,
    /// Number of folds for the calibration of the probabilities, 2 to 10. Default 3.
    pub calibration_folds: usize,
    /// Memory for rows of the kernel matrix, in MiB per thread, 1 to 65536. Rows that do not fit are computed again;
    /// the result is the same. Default 256.
    pub cache_mib: usize,
}

impl Default for SvmConfig {
    fn default() -> Self {
        Self { c: 5.0, gamma: Gamma::Scale, tolerance: 1e-3, calibration_folds: 3, cache_mib: 256 }
    }
}

impl SvmConfig {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        let range = |field: &str, value: f64, least: f64, most: f64| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(FieldError::new(field, format!("found {value}, expected {least} to {most}"))),
        };
        range("c", self.c, 1e-6, 1e6)?;
        if let Gamma::Value(gamma) = self.gamma {
            range("gamma", gamma, 1e-6, 1e3)?;
        }
        range("tolerance", self.tolerance, 1e-9, 0.1)?;
        range("calibration_folds", self.calibration_folds as f64, 2.0, 10.0)?;
        range("cache_mib", self.cache_mib as f64, 1.0, 65_536.0)
    }
}
