//! Completes what the decoder of PNM pictures (netpbm's PBM, PGM, PPM and PAM) leaves open.

use image::DynamicImage;

use super::super::error::DrawingError;

/// Scales a picture whose largest level is not 255, and checks that the last number of a picture in words is whole: a
/// cut `255` is a `25`.
///
/// # Errors
/// [`DrawingError::Damaged`] if nothing follows the last number.
pub(super) fn checked(bytes: &[u8], mut picture: DynamicImage) -> Result<DynamicImage, DrawingError> {
    let in_words = matches!(bytes, [b'P', b'2' | b'3', ..]);
    if in_words && !bytes.last().is_some_and(u8::is_ascii_whitespace) {
        let problem = "it ends early: no line end follows its last number (add one if it is whole)";
        return Err(DrawingError::damaged("PNM", problem));
    }
    if let Some(largest) = largest_level(bytes).filter(|largest| (1..255).contains(largest)) {
        let scale = |level: &mut u8| *level = (u32::from(*level) * 255 / largest).min(255) as u8;
        match &mut picture {
            DynamicImage::ImageLuma8(image) => image.iter_mut().for_each(scale),
            DynamicImage::ImageLumaA8(image) => image.iter_mut().for_each(scale),
            DynamicImage::ImageRgb8(image) => image.iter_mut().for_each(scale),
            DynamicImage::ImageRgba8(image) => image.iter_mut().for_each(scale),
            _ => {}
        }
    }
    Ok(picture)
}

/// The largest level that the header declares; none for pictures of bits, which the decoder scales.
fn largest_level(bytes: &[u8]) -> Option<u32> {
    let head = &bytes[..bytes.len().min(4096)];
    let lines = head.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b'#').next().unwrap_or(line));
    let mut words = lines.flat_map(|line| line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()));
    let word = match words.next()? {
        b"P2" | b"P3" | b"P5" | b"P6" => words.nth(2)?,
        b"P7" => {
            let is_of_bits = head.windows(13).any(|part| part == b"BLACKANDWHITE");
            words.find(|&word| word == b"MAXVAL").filter(|_| !is_of_bits)?;
            words.next()?
        }
        _ => return None,
    };
    std::str::from_utf8(word).ok()?.parse().ok()
}
