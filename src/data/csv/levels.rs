//! Grey levels of a row, however they are written: whole numbers, decimal numbers up to 255, or shares up to 1.

use crate::data::PIXELS;

/// Values that are a little beyond the ends of the scale by rounding.
const TOLERANCE: f32 = 1e-3;

/// Scale of a table's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// 0 to 255.
    Levels,
    /// 0 to 1.
    Unit,
}

/// Pixels of a row as they are written.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every row is of whole numbers, which need no allocation")]
pub(super) enum Written {
    /// Whole numbers from 0 to 255.
    Whole([u8; PIXELS]),
    /// Decimal numbers from 0 to 255.
    Decimal(Box<[f32; PIXELS]>),
}

impl Written {
    /// The scale that this row shows; none if it may be both.
    pub(super) fn scale(&self) -> Option<Scale> {
        match self {
            Self::Whole(pixels) => pixels.iter().any(|&pixel| pixel > 1).then_some(Scale::Levels),
            Self::Decimal(pixels) => pixels.iter().any(|&pixel| pixel > 1.0 + TOLERANCE).then_some(Scale::Levels),
        }
    }

    /// Whether a row that shows no scale is one of shares: it has a 1, or a fraction of it.
    pub(super) fn may_be_unit(&self) -> bool {
        match self {
            Self::Whole(pixels) => pixels.contains(&1),
            Self::Decimal(pixels) => pixels.iter().any(|&pixel| pixel > 0.0),
        }
    }

    /// The pixels from 0 to 255; the index of the first that is beyond the scale.
    pub(super) fn pixels(&self, scale: Scale) -> Result<[u8; PIXELS], usize> {
        match (self, scale) {
            (Self::Whole(pixels), Scale::Levels) => Ok(*pixels),
            (Self::Whole(pixels), Scale::Unit) => match pixels.iter().position(|&pixel| pixel > 1) {
                Some(at) => Err(at),
                None => Ok(pixels.map(|pixel| 255 * pixel)),
            },
            (Self::Decimal(pixels), _) => {
                let (most, factor) = if scale == Scale::Unit { (1.0, 255.0) } else { (255.0, 1.0) };
                match pixels.iter().position(|&pixel| pixel > most + TOLERANCE) {
                    Some(at) => Err(at),
                    None => Ok(pixels.map(|pixel| (factor * pixel).round().clamp(0.0, 255.0) as u8)),
                }
            }
        }
    }
}

/// One to three decimal digits, at most 255.
pub(super) fn whole(field: &[u8]) -> Option<u8> {
    if field.is_empty() || field.len() > 3 {
        return None;
    }
    let value = field
        .iter()
        .try_fold(0u16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u16::from(byte - b'0')))?;
    u8::try_from(value).ok()
}

/// A decimal number from 0 to 255, with a point, or a comma if `comma` allows it.
pub(super) fn decimal(field: &[u8], comma: bool) -> Option<f32> {
    let allowed =
        |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') || (comma && *byte == b',');
    if field.is_empty() || field.len() > 32 || !field.iter().all(allowed) {
        return None;
    }
    let text = std::str::from_utf8(field).ok()?;
    let value: f32 = if comma { text.replace(',', ".").parse().ok()? } else { text.parse().ok()? };
    (-TOLERANCE..=255.0 + TOLERANCE).contains(&value).then_some(value.max(0.0))
}

/// A label from 0 to 9, perhaps written as `7.0`.
pub(super) fn label(field: &[u8], comma: bool) -> Option<u8> {
    let value = whole(field).or_else(|| {
        let value = decimal(field, comma)?;
        (value.fract() == 0.0).then_some(value as u8)
    })?;
    (value < 10).then_some(value)
}
