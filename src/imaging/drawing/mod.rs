//! A drawn or photographed picture of any size → a digit that looks as MNIST's do.
//!
//! 1. [`open_picture`] or [`decode_picture`]: sizes are checked before anything is decoded.
//! 2. Ink is found ([`InkSource`]): in the alpha channel of a drawing, or as what differs from the background of an
//!    opaque picture. The background is a smooth surface fitted to the picture, because paper is never lit evenly;
//!    whether ink is darker or lighter than it is told by which side has the stronger differences; Otsu's threshold
//!    separates ink from grain.
//! 3. Specks far smaller than the largest stroke are removed.
//! 4. Crop to the ink box, longer side to 20 pixels, stretch to 0–255, centre: the same steps for every source, so that
//!    what the page shows is what the models see.
//!
//! What it does not do: find a digit among other things. A picture should show one digit on one background.

mod background;
mod ink;
mod open;
mod specks;

use image::DynamicImage;
use serde::{Deserialize, Serialize};

pub use open::{MAX_SIDE, decode_picture, open_picture, picture_size};

use super::{Centre, Filter, Gray, InkBox, centre, place::fitted_size, stretch};
use crate::data::{FieldError, PIXELS, SIDE};

/// Why a picture gives no digit.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// Nothing stands out from the background.
    #[error("the picture is blank: nothing stands out from its background")]
    Blank,
    /// A side is too long.
    #[error("the picture is {width}×{height} pixels: at most {MAX_SIDE} a side are read; make it smaller")]
    TooLarge {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// A side is zero.
    #[error("the picture has no pixels ({width}×{height})")]
    Empty {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are no PNG or JPEG picture, or a damaged one.
    #[error("not a readable PNG or JPEG picture: {0}")]
    Decode(#[from] image::ImageError),
}

/// What counts as ink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InkSource {
    /// The alpha channel if at least half of the picture is transparent, otherwise dark or light, whichever stands out.
    #[default]
    Auto,
    /// The alpha channel, whatever the colours: a canvas.
    Alpha,
    /// What is darker than the background.
    Dark,
    /// What is lighter than the background.
    Light,
}

/// How a picture becomes a digit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrawingOptions {
    /// `"auto"` (the default), `"alpha"`, `"dark"` or `"light"`.
    pub ink: InkSource,
    /// What comes to lie in the middle: `"mass"` (the default, because MNIST's digits lie so and models are trained on
    /// them) or `"box"` (the stacked-ensemble reference).
    pub centre: Centre,
    /// Connected pieces of ink below this share of the ink of the largest one are removed; 0 keeps all, up to 1.
    /// Default 0.03.
    pub speck_share: f32,
}

impl Default for DrawingOptions {
    fn default() -> Self {
        Self { ink: InkSource::Auto, centre: Centre::Mass, speck_share: 0.03 }
    }
}

impl DrawingOptions {
    /// Refuses impossible values.
    pub fn check(&self) -> Result<(), FieldError> {
        if (0.0..=1.0).contains(&self.speck_share) {
            return Ok(());
        }
        Err(FieldError::new("speck_share", format!("found {}, expected 0 to 1", self.speck_share)))
    }
}

/// A digit and the stages it went through, to be shown beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedDigit {
    /// The ink of the whole picture, its longer side at most 512 pixels; 255 = full ink.
    pub ink: Gray,
    /// Where in `ink` the digit lies.
    pub ink_box: InkBox,
    /// `ink` inside the box.
    pub cropped: Gray,
    /// The digit: `[28, 28]`.
    pub image: [u8; PIXELS],
}

/// Longer side of a digit inside the 28×28 frame, as in MNIST.
const LONGEST: usize = 20;

/// Finds the ink of a picture and turns it into a 28×28 digit.
///
/// # Errors
/// [`DrawingError::Blank`] if nothing stands out; [`DrawingError::Empty`] for a picture without pixels.
pub fn digit_from_picture(picture: &DynamicImage, options: &DrawingOptions) -> Result<PreparedDigit, DrawingError> {
    if picture.width() == 0 || picture.height() == 0 {
        return Err(DrawingError::Empty { width: picture.width(), height: picture.height() });
    }
    let ink = ink::ink_of(picture, options.ink).ok_or(DrawingError::Blank)?;
    digit_from_ink(specks::without_specks(&ink, options.speck_share), options.centre).ok_or(DrawingError::Blank)
}

/// Step 4 of [`digit_from_picture`] alone: crop, reduce, stretch, centre. `None` without ink.
pub fn digit_from_ink(ink: Gray, by: Centre) -> Option<PreparedDigit> {
    let ink_box = ink.ink_box()?;
    let cropped = ink.crop(ink_box)?;
    let image = centre(&stretch(&reduced(&cropped)), by);
    Some(PreparedDigit { ink, ink_box, cropped, image })
}

/// The crop with its longer side at 20 pixels, in the middle of the frame.
fn reduced(cropped: &Gray) -> [u8; PIXELS] {
    let (width, height) = fitted_size(cropped.width(), cropped.height(), LONGEST);
    let small = cropped.resize(width, height, Filter::Bicubic);
    let mut image = [0; PIXELS];
    let (left, top) = ((SIDE - width) / 2, (SIDE - height) / 2);
    for (target, row) in image.as_chunks_mut::<SIDE>().0[top..].iter_mut().zip(small.rows()) {
        target[left..left + width].copy_from_slice(row);
    }
    image
}
