//! Reads untrusted picture files.

use std::{
    io::{BufRead, BufReader, Cursor, Seek},
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};

use super::error::{DrawingError, MAX_SIDE};
use crate::storage::open_regular;

/// Memory limit of a decoder in addition to the pixels, whose number [`MAX_SIDE`] limits, in bytes. A colour profile or
/// text in the file that unpacks to more is skipped.
const MAX_MEMORY: u64 = 16 << 20;

/// Reads a PNG or JPEG file; see [`decode_picture`].
///
/// # Errors
/// The errors of [`decode_picture`], and [`DrawingError::Read`] if the file cannot be opened.
pub fn open_picture(path: &Path) -> Result<DynamicImage, DrawingError> {
    let file = open_regular(path).map_err(|source| DrawingError::Read { path: path.to_owned(), source })?;
    decode(BufReader::new(file))
}

/// Decodes a PNG or JPEG picture, recognised by its content, and applies its EXIF orientation. The size in the header
/// is checked, at most [`MAX_SIDE`] a side, before memory for pixels is allocated.
///
/// # Errors
/// [`DrawingError::TooLarge`]; [`DrawingError::Decode`] for anything else that is not a complete picture.
pub fn decode_picture(bytes: &[u8]) -> Result<DynamicImage, DrawingError> {
    decode(Cursor::new(bytes))
}

/// Reads width and height from the header of a PNG or JPEG picture without decoding it; `None` if it is neither.
pub fn picture_size(bytes: &[u8]) -> Option<(u32, u32)> {
    limited(Cursor::new(bytes)).ok()?.into_dimensions().ok()
}

/// Estimates the memory that decoding a picture file takes, in bytes, from its header; 0 if it is none or is too large
/// to be decoded.
pub fn decoding_memory(bytes: &[u8]) -> u64 {
    let decoder = limited(Cursor::new(bytes)).ok().and_then(|reader| reader.into_decoder().ok());
    decoder.filter(|decoder| decoder.dimensions().0.max(decoder.dimensions().1) <= MAX_SIDE).map_or(0, |decoder| {
        let (width, height) = decoder.dimensions();
        // Beside the pixels as they are stored, those of four bytes that are worked with, and one channel of them.
        decoder.total_bytes() + 5 * u64::from(width) * u64::from(height)
    })
}

/// Makes a reader that allocates at most [`MAX_MEMORY`].
fn limited<R: BufRead + Seek>(source: R) -> Result<ImageReader<R>, DrawingError> {
    let mut reader = ImageReader::new(source).with_guessed_format().map_err(image::ImageError::IoError)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    Ok(reader)
}

fn decode(source: impl BufRead + Seek) -> Result<DynamicImage, DrawingError> {
    let mut decoder = limited(source)?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(DrawingError::TooLarge { width, height });
    }
    // A damaged EXIF block is ignored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageFormat};
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::from(GrayImage::new(width, height))
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        bytes
    }

    #[test]
    fn png_and_jpeg_pictures_are_decoded() {
        assert_eq!(decode_picture(&png(3, 5)).unwrap().width(), 3);
        let mut jpeg = Vec::new();
        DynamicImage::from(GrayImage::new(9, 7)).write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        assert_eq!(decode_picture(&jpeg).unwrap().height(), 7);
    }

    #[test]
    fn too_large_pictures_are_refused_by_their_header() {
        let mut bytes = png(1, 1);
        // Width in the IHDR chunk, and the checksum of that chunk.
        bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        let checksum = crc(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(matches!(decode_picture(&bytes), Err(DrawingError::TooLarge { width: 60_000, height: 1 })));
        assert_eq!(
            (picture_size(&bytes), picture_size(&png(3, 5)), picture_size(b"GIF89a...")),
            (Some((60_000, 1)), Some((3, 5)), None)
        );
        assert!(matches!(decode_picture(&png(4097, 1)), Err(DrawingError::TooLarge { width: 4097, height: 1 })));
    }

    /// The checksum of PNG chunks.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }

    #[test]
    fn files_of_other_formats_are_refused() {
        for bytes in [&b""[..], b"GIF89a........", &png(20, 20)[..50]] {
            assert!(matches!(decode_picture(bytes), Err(DrawingError::Decode(_))));
        }
        let missing = open_picture(Path::new("no-such-file.png")).unwrap_err();
        assert!(missing.to_string().contains("no-such-file.png"));
    }

    proptest! {
        #[test]
        fn damaged_pictures_never_panic(at in 0usize..80, value: u8, cut in 0usize..90) {
            let mut bytes = png(16, 16);
            let length = bytes.len();
            bytes[at % length] = value;
            bytes.truncate(length.saturating_sub(cut % length));
            let _ = decode_picture(&bytes);
        }
    }
}
