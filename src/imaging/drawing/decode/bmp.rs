//! Checks that a BMP picture is whole.

use super::super::error::DrawingError;

/// Checks that run-length coded pixels have their end mark: a decoder leaves the rest of such a picture black. The
/// decoder itself finds other missing pixels.
///
/// # Errors
/// [`DrawingError::Damaged`] if the mark is missing.
pub(super) fn check(bytes: &[u8]) -> Result<(), DrawingError> {
    let number = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (Some(pixels), Some(header), Some(compression)) = (number(10), number(14), number(30)) else {
        return Err(DrawingError::damaged("BMP", "it ends early, in its header"));
    };
    let bits = bytes.get(28).copied().unwrap_or_default();
    if header < 40 || !matches!((compression, bits), (1, 8) | (2, 4)) {
        return Ok(());
    }
    let mut at = pixels as usize;
    loop {
        let Some(&[count, value]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return Err(DrawingError::damaged("BMP", "it ends early: its pixels have no end mark"));
        };
        at += match (count, value) {
            (0, 1) => return Ok(()),
            (0, 0) | (1.., _) => 2,
            (0, 2) => 4,
            // Values as they are, filled up to an even number of bytes.
            (0, values) => {
                let length = if bits == 8 { usize::from(values) } else { usize::from(values).div_ceil(2) };
                2 + length.next_multiple_of(2)
            }
        };
    }
}
