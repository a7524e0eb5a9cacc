//! Reads PNG pictures. Large ones are reduced while their rows come.

use std::io::Cursor;

use flate2::Crc;
use image::{
    DynamicImage, ImageError,
    error::{DecodingError, LimitError, LimitErrorKind},
    metadata::Orientation,
};
use png::{BitDepth, DecodeOptions, Decoder, Limits, Reader, Transformations};

use super::{
    super::error::{DrawingError, MAX_PIXELS, MAX_WHOLE_PIXELS},
    MAX_MEMORY, check_size,
    reduce::{self, Detail, Reducer},
};

/// Length of the signature.
const SIGNATURE: usize = 8;
/// The last chunk, which may be missing.
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

fn damaged(problem: impl Into<String>) -> DrawingError {
    DrawingError::damaged("PNG", problem)
}

fn refused(error: png::DecodingError) -> DrawingError {
    match error {
        png::DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            damaged("it ends early: pixels are missing")
        }
        png::DecodingError::LimitsExceeded => {
            ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)).into()
        }
        png::DecodingError::Format(error) => damaged(error.to_string()),
        error => ImageError::Decoding(DecodingError::new(image::ImageFormat::Png.into(), error)).into(),
    }
}

/// Decodes a picture, as it lies in its file, with the orientation that its EXIF block asks for.
///
/// # Errors
/// [`DrawingError::Damaged`] if anything but the end marker is missing, or a checksum is wrong;
/// [`DrawingError::TooLarge`]; [`DrawingError::Decode`] for what the decoder refuses.
pub(super) fn decode(bytes: &[u8], detail: Detail) -> Result<(DynamicImage, Orientation), DrawingError> {
    let mut decoder = decoder(bytes);
    let header = decoder.read_header_info().map_err(refused)?;
    let most = if header.interlaced { MAX_WHOLE_PIXELS } else { MAX_PIXELS };
    check_size((header.width, header.height), most)?;
    let exif = check(bytes)?;
    let picture = pixels(decoder.read_info().map_err(refused)?, detail)?;
    Ok((picture, exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)))
}

/// Memory that decoding takes, in bytes, by the header of the file; 0 if it is damaged or too large.
pub(super) fn decoding_memory(bytes: &[u8], detail: Detail) -> u64 {
    let mut decoder = decoder(bytes);
    let Ok(header) = decoder.read_header_info() else { return 0 };
    let most = if header.interlaced { MAX_WHOLE_PIXELS } else { MAX_PIXELS };
    if check_size((header.width, header.height), most).is_err() {
        return 0;
    }
    let (width, height) = (header.width as usize, header.height as usize);
    // A palette or a transparent colour makes up to four channels of one.
    let sample = if header.bit_depth == BitDepth::Sixteen { 2 } else { 1 };
    let left = reduce::pixels(width, height, detail);
    let decoded = if header.interlaced { (width * height) as u64 } else { left };
    4 * sample * decoded + super::working_memory(width, height, detail)
}

/// Decoder of a file whose checksums have been checked.
fn decoder(bytes: &[u8]) -> Decoder<Cursor<&[u8]>> {
    let mut options = DecodeOptions::default();
    options.set_ignore_crc(true);
    options.set_ignore_adler32(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: MAX_MEMORY as usize });
    decoder.set_transformations(Transformations::EXPAND);
    decoder
}

/// Checks every chunk up to the end marker, and returns the EXIF block.
fn check(bytes: &[u8]) -> Result<Option<&[u8]>, DrawingError> {
    let (mut at, mut exif, mut has_pixels) = (SIGNATURE, None, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if has_pixels && END.starts_with(rest) {
            return Ok(exif);
        }
        let Some((head, after)) = rest.split_first_chunk::<8>() else {
            return Err(damaged(if has_pixels { "it ends early" } else { "it ends early, before any pixels" }));
        };
        let (length, kind) = head.split_at(4);
        let name = kind.escape_ascii();
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let Some((contents, checksum)) =
            after.split_at_checked(length).and_then(|(contents, after)| Some((contents, after.first_chunk()?)))
        else {
            return Err(damaged(format!(
                "it ends early: chunk {name} should have {length} bytes and a checksum, {} bytes follow",
                after.len()
            )));
        };
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(contents);
        if crc.sum() != u32::from_be_bytes(*checksum) {
            return Err(damaged(format!("the checksum of chunk {name} at byte {at} is wrong")));
        }
        match kind {
            b"IEND" if has_pixels => return Ok(exif),
            b"IDAT" => has_pixels = true,
            b"eXIf" => exif = Some(contents),
            b"IHDR" | b"PLTE" | b"IEND" => {}
            b"CgBI" => {
                return Err(DrawingError::OtherFormat {
                    what: "a PNG picture in Apple's own form",
                    advice: "save it as plain PNG or JPEG",
                });
            }
            // Other chunks with a capital first letter are needed to understand the picture.
            [b'A'..=b'Z', ..] => return Err(damaged(format!("chunk {name} at byte {at} is not known"))),
            _ => {}
        }
        at += 12 + length;
    }
}

fn pixels(mut reader: Reader<Cursor<&[u8]>>, detail: Detail) -> Result<DynamicImage, DrawingError> {
    let info = reader.info();
    let (width, height, interlaced) = (info.width as usize, info.height as usize, info.interlaced);
    if let Some(frame) = info.frame_control
        && (frame.width, frame.height) != (info.width, info.height)
    {
        return Err(damaged("the first frame of the animation has another size than the picture"));
    }
    let (colour, depth) = reader.output_color_type();
    let (channels, is_wide) = (colour.samples(), depth == BitDepth::Sixteen);
    let factor = reduce::factor(width, height, detail);
    let picture = if factor == 1 || interlaced {
        let length = reader.output_buffer_size().ok_or(DrawingError::TooLarge {
            width: width as u32,
            height: height as u32,
            most_pixels: MAX_WHOLE_PIXELS,
        })?;
        let mut bytes = vec![0; length];
        reader.next_frame(&mut bytes).map_err(refused)?;
        let whole = match is_wide {
            true => reduce::of_words(width, height, channels, words(&bytes).collect()),
            false => reduce::of_bytes(width, height, channels, bytes),
        };
        whole.map(|picture| reduce::picture(picture, detail))
    } else {
        let (wide, high) = (width.div_ceil(factor), height.div_ceil(factor));
        if is_wide {
            let mut reducer = Reducer::new(width, channels, factor);
            let mut row = Vec::with_capacity(width * channels);
            while let Some(bytes) = reader.next_row().map_err(refused)? {
                row.clear();
                row.extend(words(bytes.data()));
                reducer.add(&row);
            }
            reduce::of_words(wide, high, channels, reducer.finish())
        } else {
            let mut reducer = Reducer::new(width, channels, factor);
            while let Some(row) = reader.next_row().map_err(refused)? {
                reducer.add(row.data());
            }
            reduce::of_bytes(wide, high, channels, reducer.finish())
        }
    };
    picture.ok_or_else(|| damaged("the number of its pixels is not that of its header"))
}

/// Sixteen-bit samples, which come with the high byte first.
fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair))
}
