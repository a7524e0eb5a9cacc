//! Options for converting a picture to a digit.

use serde::{Deserialize, Serialize};

use crate::{data::FieldError, imaging::centering::Centre};

/// Property of a pixel that makes it ink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InkSource {
    /// The alpha channel if parts of the picture are transparent and the opaque ones show no ink of their own; otherwise
    /// dark or light, whichever stands out from the background.
    #[default]
    Auto,
    /// Opacity, whatever the colours, as on a canvas.
    Alpha,
    /// Darker than the background.
    Dark,
    /// Lighter than the background.
    Light,
}

/// Options for converting a picture to a digit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrawingOptions {
    /// Source of the ink: `"auto"` (the default), `"alpha"`, `"dark"` or `"light"`.
    pub ink: InkSource,
    /// Point to centre: `"mass"` (the default, as in MNIST) or `"box"` (as in the stacked-ensemble reference).
    pub centre: Centre,
    /// Connected pieces with less than this fraction of the ink of the largest piece are removed, 0 to 1; 0 keeps all.
    /// Default 0.03.
    pub speck_share: f32,
}

impl Default for DrawingOptions {
    fn default() -> Self {
        Self { ink: InkSource::Auto, centre: Centre::Mass, speck_share: 0.03 }
    }
}

impl DrawingOptions {
    /// Checks the ranges of the options.
    ///
    /// # Errors
    /// The first option outside its range.
    pub fn check(&self) -> Result<(), FieldError> {
        if (0.0..=1.0).contains(&self.speck_share) {
            return Ok(());
        }
        Err(FieldError::new("speck_share", format!("found {}, expected 0 to 1", self.speck_share)))
    }
}
