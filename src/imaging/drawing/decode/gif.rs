//! Checks that a GIF picture is whole (GIF89a specification).

use super::super::error::DrawingError;

fn damaged(problem: impl Into<String>) -> DrawingError {
    DrawingError::damaged("GIF", problem)
}

/// Walks all blocks up to the trailer, which alone may be missing.
///
/// # Errors
/// [`DrawingError::Damaged`] with the block that is cut or not known.
pub(super) fn check(bytes: &[u8]) -> Result<(), DrawingError> {
    let mut walk = Walk { bytes, at: 6 };
    let screen = walk.take(7).ok_or_else(|| damaged("it ends early, in its header"))?;
    walk.table(screen[4]).ok_or_else(|| damaged("it ends early, in its colours"))?;
    let mut images = 0;
    loop {
        let block = walk.take(1).map(|byte| byte[0]);
        let whole = match block {
            Some(0x3b) | None => break,
            Some(0x21) => walk.take(1).and_then(|_| walk.parts()),
            Some(0x2c) => {
                images += 1;
                walk.image()
            }
            Some(other) => {
                return Err(damaged(format!("a block of the unknown kind {other:#04x} at byte {}", walk.at - 1)));
            }
        };
        whole.ok_or_else(|| damaged(format!("it ends early, in image {}", images.max(1))))?;
    }
    match images {
        0 => Err(damaged("it ends early, before any pixels")),
        _ => Ok(()),
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }

    /// Colours, if the flags say that there are any.
    fn table(&mut self, flags: u8) -> Option<()> {
        if flags & 0x80 != 0 {
            self.take(3 << ((flags & 7) + 1))?;
        }
        Some(())
    }

    fn image(&mut self) -> Option<()> {
        let flags = self.take(9)?[8];
        self.table(flags)?;
        self.take(1)?;
        self.parts()
    }

    /// Parts of a block up to the empty one.
    fn parts(&mut self) -> Option<()> {
        loop {
            match self.take(1)?[0] {
                0 => return Some(()),
                length => self.take(usize::from(length))?,
            };
        }
    }
}
