//! Checks that a WebP picture is whole (RFC 9649).

use super::super::error::DrawingError;

fn damaged(problem: impl Into<String>) -> DrawingError {
    DrawingError::damaged("WebP", problem)
}

/// Checks that the file and each of its chunks have the lengths that they say.
///
/// # Errors
/// [`DrawingError::Damaged`] with the chunk that is cut.
pub(super) fn check(bytes: &[u8]) -> Result<(), DrawingError> {
    let number = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let length = number(4).unwrap_or(0).saturating_add(8);
    // Some writers leave out the byte that makes the last chunk even.
    if bytes.len() + 1 < length || length < 12 {
        return Err(damaged(format!("it ends early: {} bytes of {length} are there", bytes.len())));
    }
    let end = length.min(bytes.len());
    let mut at = 12;
    let mut has_pixels = false;
    while let Some(contents) = number(at + 4).filter(|_| at + 8 <= end) {
        let name = &bytes[at..at + 4];
        if contents > end - at - 8 {
            let name = name.escape_ascii();
            return Err(damaged(format!("it ends early: chunk {name} of {contents} bytes has {}", end - at - 8)));
        }
        has_pixels |= matches!(name, b"VP8 " | b"VP8L" | b"ANMF");
        at += 8 + contents + contents % 2;
    }
    match has_pixels {
        true => Ok(()),
        false => Err(damaged("it ends early, before any pixels")),
    }
}
