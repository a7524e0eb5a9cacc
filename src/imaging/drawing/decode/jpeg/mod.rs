//! Reads JPEG pictures. Every scan is walked first, because decoders draw the rest of a picture that ends early in grey
//! without a word. Of a large picture the walk keeps the mean of each block of 8×8 pixels, which is the picture at an
//! eighth of its size.

mod eighth;
mod entropy;
mod scan;
mod walk;

use std::io::Cursor;

use image::{DynamicImage, metadata::Orientation};

use super::{super::error::DrawingError, MAX_MEMORY, reduce::Detail};
use walk::{Stop, Walk};

/// Longer side from which on the picture is made at an eighth of its size: seven pixels or more are left for each eight
/// that are worked with.
const LARGE_SIDE: usize = 3584;
/// Number of pixels above which the picture of a page is made at an eighth of its size: 33 megapixels.
const LARGE_PAGE: usize = 1 << 25;

/// Decodes a picture, as it lies in its file, with the orientation that its EXIF block asks for.
///
/// # Errors
/// [`DrawingError::Damaged`] if anything but the end marker is missing; [`DrawingError::TooLarge`];
/// [`DrawingError::Decode`] for what the decoder refuses.
pub(super) fn decode(bytes: &[u8], detail: Detail) -> Result<(DynamicImage, Orientation), DrawingError> {
    let mut walk = Walk::new(bytes, detail);
    let walked = match walk.run() {
        Ok(()) => true,
        // The decoder says what it is.
        Err(Stop::NotWalked) => false,
        Err(Stop::Refused(error)) => return Err(error),
    };
    let orientation = walk.exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    if walked && let Some(picture) = walk.frame.as_ref().and_then(|frame| eighth::picture(frame, &walk)) {
        return Ok((picture, orientation));
    }
    let decoder = image::codecs::jpeg::JpegDecoder::new(Cursor::new(bytes))?;
    Ok((super::whole(decoder, MAX_MEMORY, detail)?, orientation))
}

/// Memory that decoding takes, in bytes, by the header of the file; 0 if it has none.
pub(super) fn decoding_memory(bytes: &[u8], detail: Detail) -> u64 {
    let mut walk = Walk::new(bytes, detail);
    let Some(header) = walk.header() else { return 0 };
    let (width, height) = (header.width, header.height);
    let (pixels, channels) = ((width * height) as u64, header.components.len() as u64);
    let decoding = match header.is_large(detail) {
        // The mean of each block, the marks of its coefficients, and the small picture.
        true => pixels * channels * 10 / 64 + 8 * pixels / 64,
        false => pixels * channels * if header.progressive { 3 } else { 1 },
    };
    let working = match (detail, header.is_large(detail)) {
        (Detail::Digit, true) => 0,
        (Detail::Digit, false) => super::WORKING_BYTES * pixels,
        (Detail::Page, true) => super::working_memory(width / 8, height / 8, detail),
        (Detail::Page, false) => super::working_memory(width, height, detail),
    };
    decoding + working
}
