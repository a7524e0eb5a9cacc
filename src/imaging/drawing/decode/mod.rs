//! Reads untrusted picture files: by their content, whole or not at all, within limits of memory and time.
//!
//! Decoders fill what is missing with grey or zeros and pass over wrong checksums. So each format has its own check of
//! the whole file before the decoder sees it; only the marker that ends a file may be missing. Large pictures are
//! reduced while they are decoded, where the format allows, because only some 500 pixels a side are worked with.

mod bmp;
mod format;
mod gif;
mod jpeg;
mod png;
mod pnm;
mod reduce;
mod tiff;
mod webp;

use std::{io::Cursor, path::Path};

use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits, Luma,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, pnm::PnmDecoder, tiff::TiffDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use format::Format;
use reduce::Detail;

use super::error::{DrawingError, MAX_SIDE, MAX_WHOLE_PIXELS};
use crate::{
    data::{PIXELS, SIDE},
    storage::read_limited,
};

/// Longest picture file, in bytes: 67 megapixels of RGB without compression.
pub const MAX_PICTURE_BYTES: u64 = 224 << 20;
/// Memory limit of a decoder beside the pixels, in bytes.
const MAX_MEMORY: u64 = 16 << 20;
/// Memory for each pixel that is worked with, in bytes: four of its own and one of a channel.
const WORKING_BYTES: u64 = 5;
/// Memory for each pixel of a page: four of its own, and levels, paper, contrast, ink, components and lines.
const PAGE_BYTES: u64 = 24;

/// Reads a picture file; see [`decode_picture`].
///
/// # Errors
/// The errors of [`decode_picture`], and [`DrawingError::Read`] if the file cannot be read.
pub fn open_picture(path: &Path) -> Result<DynamicImage, DrawingError> {
    let bytes =
        read_limited(path, MAX_PICTURE_BYTES).map_err(|source| DrawingError::Read { path: path.to_owned(), source })?;
    decode_picture(&bytes)
}

/// Decodes a picture (PNG, JPEG, GIF, BMP, WebP, TIFF, PNM), recognised by its content, and applies its EXIF
/// orientation. Of an animation or several pages the first is decoded. Pictures of 2048 pixels a side and more are
/// reduced by a whole number to 1024 or more; JPEG pictures of 3584 and more to an eighth.
///
/// # Errors
/// [`DrawingError::TooLarge`], by the header of the file; [`DrawingError::Damaged`] if anything but the end marker is
/// missing; [`DrawingError::OtherFormat`] and [`DrawingError::NotAPicture`] for other contents;
/// [`DrawingError::Decode`] for anything else that is not a complete picture.
pub fn decode_picture(bytes: &[u8]) -> Result<DynamicImage, DrawingError> {
    let (mut picture, orientation) = decode(bytes, Detail::Digit)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Decodes a picture as [`decode_picture`] does, but keeps more of its pixels, for many digits: pictures of more than
/// 2400 pixels a side are reduced by a whole number to at most that; JPEG pictures of more than 33 megapixels to an
/// eighth.
///
/// # Errors
/// The errors of [`decode_picture`].
pub fn decode_page(bytes: &[u8]) -> Result<PagePicture, DrawingError> {
    let (mut picture, orientation) = decode(bytes, Detail::Page)?;
    let whole = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok();
    let size = whole.and_then(|reader| reader.into_dimensions().ok());
    let (width, height) = size.unwrap_or((picture.width(), picture.height()));
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    picture.apply_orientation(orientation);
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    Ok(PagePicture { picture, width, height })
}

/// A picture of a page, and its size before it was reduced.
#[derive(Clone, Debug)]
pub struct PagePicture {
    /// The upright picture, reduced if it was large.
    pub picture: DynamicImage,
    /// Width of the upright picture, in pixels of its file.
    pub width: u32,
    /// Height of the upright picture, in pixels of its file.
    pub height: u32,
}

impl PagePicture {
    /// A digit of 28×28 levels as a page, light ink on dark ground.
    pub fn of_digit(image: &[u8; PIXELS]) -> Self {
        let side = SIDE as u32;
        let pixel = |x: u32, y: u32| Luma([image[(y * side + x) as usize]]);
        Self::from(DynamicImage::from(GrayImage::from_fn(side, side, pixel)))
    }
}

impl From<DynamicImage> for PagePicture {
    /// A picture that was not reduced.
    fn from(picture: DynamicImage) -> Self {
        let (width, height) = (picture.width(), picture.height());
        Self { picture, width, height }
    }
}

/// Decodes a picture as it lies in its file, and finds its orientation.
fn decode(bytes: &[u8], detail: Detail) -> Result<(DynamicImage, Orientation), DrawingError> {
    let source = Cursor::new(bytes);
    Ok(match Format::of(bytes).ok_or_else(|| format::foreign(bytes))? {
        Format::Png => png::decode(bytes, detail)?,
        Format::Jpeg => jpeg::decode(bytes, detail)?,
        Format::Gif => {
            gif::check(bytes)?;
            oriented(GifDecoder::new(source)?, detail)?
        }
        Format::Bmp => {
            bmp::check(bytes)?;
            oriented(BmpDecoder::new(source)?, detail)?
        }
        Format::WebP => {
            webp::check(bytes)?;
            oriented(WebPDecoder::new(source)?, detail)?
        }
        Format::Tiff => {
            tiff::check(bytes)?;
            oriented(TiffDecoder::new(source)?, detail)?
        }
        Format::Pnm => {
            pnm::check(bytes)?;
            oriented(PnmDecoder::new(source)?, detail)?
        }
    })
}

/// Tells by their first bytes whether bytes are a picture of a format that is read.
pub fn is_picture(bytes: &[u8]) -> bool {
    Format::of(bytes).is_some()
}

/// Estimates the memory that [`decode_picture`] takes, in bytes, from the file's header; 0 if it is none or is too
/// large to be decoded.
pub fn decoding_memory(bytes: &[u8]) -> u64 {
    memory(bytes, Detail::Digit)
}

/// Estimates the memory that [`decode_page`] and [`find_numbers`](crate::imaging::find_numbers) take, in bytes, from the
/// file's header; 0 if it is none or is too large to be decoded.
pub fn page_memory(bytes: &[u8]) -> u64 {
    memory(bytes, Detail::Page)
}

fn memory(bytes: &[u8], detail: Detail) -> u64 {
    let source = Cursor::new(bytes);
    match Format::of(bytes) {
        None => 0,
        Some(Format::Png) => png::decoding_memory(bytes, detail),
        Some(Format::Jpeg) => jpeg::decoding_memory(bytes, detail),
        // A frame of its own size is drawn on the canvas.
        Some(Format::Gif) => GifDecoder::new(source).map_or(0, |decoder| 2 * whole_memory(&decoder, detail)),
        Some(Format::Bmp) => BmpDecoder::new(source).map_or(0, |decoder| whole_memory(&decoder, detail)),
        Some(Format::WebP) => WebPDecoder::new(source).map_or(0, |decoder| 2 * whole_memory(&decoder, detail)),
        Some(Format::Tiff) => TiffDecoder::new(source).map_or(0, |decoder| whole_memory(&decoder, detail)),
        Some(Format::Pnm) => PnmDecoder::new(source).map_or(0, |decoder| whole_memory(&decoder, detail)),
    }
}

/// Memory for a picture that is decoded as a whole and then reduced.
fn whole_memory(decoder: &impl ImageDecoder, detail: Detail) -> u64 {
    let (width, height) = decoder.dimensions();
    match check_size((width, height), MAX_WHOLE_PIXELS) {
        Ok(()) => decoder.total_bytes() + working_memory(width as usize, height as usize, detail),
        Err(_) => 0,
    }
}

/// Memory for working with what is left of a picture of this size.
fn working_memory(width: usize, height: usize, detail: Detail) -> u64 {
    let each = match detail {
        Detail::Digit => WORKING_BYTES,
        Detail::Page => PAGE_BYTES,
    };
    each * reduce::pixels(width, height, detail)
}

/// Checks a size before memory for pixels is allocated.
fn check_size((width, height): (u32, u32), most_pixels: u64) -> Result<(), DrawingError> {
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > most_pixels {
        return Err(DrawingError::TooLarge { width, height, most_pixels });
    }
    match width == 0 || height == 0 {
        true => Err(DrawingError::Empty { width, height }),
        false => Ok(()),
    }
}

/// Decodes a whole picture, and finds its orientation.
fn oriented(mut decoder: impl ImageDecoder, detail: Detail) -> Result<(DynamicImage, Orientation), DrawingError> {
    // A damaged EXIF block is ignored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let memory = 2 * decoder.total_bytes().min(8 * MAX_WHOLE_PIXELS) + MAX_MEMORY;
    Ok((whole(decoder, memory, detail)?, orientation))
}

/// Decodes a whole picture within its limits, and reduces it if it is large.
fn whole(mut decoder: impl ImageDecoder, memory: u64, detail: Detail) -> Result<DynamicImage, DrawingError> {
    check_size(decoder.dimensions(), MAX_WHOLE_PIXELS)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory);
    decoder.set_limits(limits)?;
    Ok(reduce::picture(DynamicImage::from_decoder(decoder)?, detail))
}

#[cfg(test)]
mod tests;
