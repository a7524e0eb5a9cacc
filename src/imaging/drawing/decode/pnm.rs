//! Checks what the decoder of PNM pictures (netpbm's PBM, PGM, PPM and PAM) leaves open.

use super::super::error::DrawingError;

/// Checks that the last number of a picture in words is whole: a cut `255` is a `25`.
///
/// # Errors
/// [`DrawingError::Damaged`] if nothing follows the last number.
pub(super) fn check(bytes: &[u8]) -> Result<(), DrawingError> {
    let in_words = matches!(bytes, [b'P', b'2' | b'3', ..]);
    if in_words && !bytes.last().is_some_and(u8::is_ascii_whitespace) {
        let problem = "it ends early: no line end follows its last number (add one if it is whole)";
        return Err(DrawingError::damaged("PNM", problem));
    }
    Ok(())
}
