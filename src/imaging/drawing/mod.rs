//! Converts a drawn or photographed picture of any size to a digit framed like those of MNIST.
//!
//! 1. [`open_picture`] or [`decode_picture`] reads the picture; its size is checked before anything is decoded, and a
//!    file that is not whole is refused.
//! 2. The ink is extracted ([`InkSource`]): from the alpha channel of a drawing, or as the difference from the
//!    background of an opaque picture. The background is a smooth surface fitted to the picture, because paper is never
//!    lit evenly. Ink is darker or lighter than the background, whichever side has the larger differences; in a crop
//!    along the digit's own box, whichever class of pixels has the shapes of ink. Otsu's threshold separates ink from
//!    grain.
//! 3. Connected pieces of ink much smaller than the largest one are removed.
//! 4. The ink is cropped to its box, scaled to 20 pixels on the longer side, stretched to 0–255 and centred. These
//!    steps are the same for every source, so that the page shows the image that the models see.
//!
//! Not supported: finding a digit among other objects. A picture should show one digit on one background; many digits
//! are found by [`find_numbers`](super::find_numbers), which shares steps 1, 2 and 4.

mod alpha;
mod background;
mod contrast;
mod decode;
mod depth;
mod error;
mod ink;
mod options;
mod paper;
mod specks;

use image::DynamicImage;

pub use decode::{
    MAX_PICTURE_BYTES, PagePicture, decode_page, decode_picture, decoding_memory, is_picture, open_picture, page_memory,
};
pub use error::{DrawingError, MAX_PIXELS, MAX_SIDE, MAX_WHOLE_PIXELS, PICTURE_FORMATS};
pub use options::{DrawingOptions, InkSource};

pub(super) use contrast::darker_side;
pub(super) use ink::{Levels, levels_of};

use super::{
    centering::{Centre, centre, fitted_size},
    gray::Gray,
    ink::InkBox,
    intensity::stretch,
    resize::Filter,
};
use crate::data::{PIXELS, SIDE};

/// A digit with the intermediate images of its conversion.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtractedDigit {
    /// Ink of the whole picture, at most 512 pixels on the longer side; 255 = full ink.
    pub ink: Gray,
    /// Ink box of the digit in `ink`.
    pub ink_box: InkBox,
    /// `ink` cropped to `ink_box`.
    pub cropped: Gray,
    /// The digit, `[28, 28]`.
    pub image: [u8; PIXELS],
    /// Side of the background on which the ink lies, [`InkSource::Dark`] or [`InkSource::Light`]; where opacity is the
    /// ink, dark.
    pub polarity: InkSource,
}

/// Longer side of a digit inside the 28×28 frame, in pixels, as in MNIST.
const LONGEST: usize = 20;

/// Reads a picture file and converts it to a 28×28 digit: the one reader of folders, commands and the service.
///
/// # Errors
/// The errors of [`decode_picture`] and of [`digit_from_picture`].
pub fn read_picture(bytes: &[u8], options: &DrawingOptions) -> Result<ExtractedDigit, DrawingError> {
    digit_from_picture(&decode_picture(bytes)?, options)
}

/// Extracts the ink of a picture and converts it to a 28×28 digit.
///
/// # Errors
/// [`DrawingError::Blank`] if no ink stands out from the background; [`DrawingError::Empty`] for a picture without
/// pixels.
pub fn digit_from_picture(picture: &DynamicImage, options: &DrawingOptions) -> Result<ExtractedDigit, DrawingError> {
    if picture.width() == 0 || picture.height() == 0 {
        return Err(DrawingError::Empty { width: picture.width(), height: picture.height() });
    }
    let (ink, polarity) = ink::ink_of(picture, options.ink).ok_or(DrawingError::Blank)?;
    let digit = digit_from_ink(specks::without_specks(&ink, options.speck_share), options.centre);
    digit.map(|digit| ExtractedDigit { polarity, ..digit }).ok_or(DrawingError::Blank)
}

/// Converts ink to a digit, step 4 of [`digit_from_picture`]: crop, scale, stretch, centre. `None` without ink.
pub fn digit_from_ink(ink: Gray, by: Centre) -> Option<ExtractedDigit> {
    let ink_box = ink.ink_box()?;
    let cropped = ink.crop(ink_box)?;
    let image = centre(&stretch(&scaled_into_frame(&cropped)), by);
    Some(ExtractedDigit { ink, ink_box, cropped, image, polarity: InkSource::Dark })
}

/// Scales the crop to 20 pixels on its longer side, in the middle of the frame.
fn scaled_into_frame(cropped: &Gray) -> [u8; PIXELS] {
    let (width, height) = fitted_size(cropped.width(), cropped.height(), LONGEST);
    let small = cropped.resize(width, height, Filter::Bicubic);
    let mut image = [0; PIXELS];
    let (left, top) = ((SIDE - width) / 2, (SIDE - height) / 2);
    for (target, row) in image.as_chunks_mut::<SIDE>().0[top..].iter_mut().zip(small.rows()) {
        target[left..left + width].copy_from_slice(row);
    }
    image
}
