//! Checks that the pages of a TIFF file are whole (TIFF 6.0).

use super::super::error::DrawingError;

/// Tags of the places and lengths of strips and tiles.
const PLACES_AND_LENGTHS: [(u64, u64); 2] = [(273, 279), (324, 325)];

fn early(what: &str) -> DrawingError {
    DrawingError::damaged("TIFF", format!("it ends early: {what}"))
}

/// Pages that are checked; further ones are never read.
const MAX_PAGES: usize = 1000;

/// Checks that the directory of each page and all its strips or tiles lie in the file.
///
/// # Errors
/// [`DrawingError::Damaged`] with what lies behind its end.
pub(super) fn check(bytes: &[u8]) -> Result<(), DrawingError> {
    let file = File { bytes, big: bytes.starts_with(b"MM") };
    let mut directory = file.number(4, 4).ok_or_else(|| early("there is no directory"))? as usize;
    for _ in 0..MAX_PAGES {
        directory = file.check_page(directory)?;
        if directory == 0 {
            break;
        }
    }
    Ok(())
}

struct File<'a> {
    bytes: &'a [u8],
    /// Whether numbers begin with their high byte.
    big: bool,
}

impl File<'_> {
    /// Checks a page and returns the place of the next page's directory, or 0.
    fn check_page(&self, directory: usize) -> Result<usize, DrawingError> {
        let cut = || early("its directory is cut");
        let count = self.number(directory, 2).ok_or_else(cut)? as usize;
        let next = self.number(directory + 2 + 12 * count, 4).ok_or_else(cut)? as usize;
        let entries: Vec<(u64, usize)> = (0..count)
            .map(|index| directory + 2 + 12 * index)
            .map(|at| self.number(at, 2).map(|tag| (tag, at)))
            .collect::<Option<_>>()
            .ok_or_else(cut)?;
        let values = |tag: u64| -> Result<Option<Vec<u64>>, DrawingError> {
            let Some(&(_, at)) = entries.iter().find(|(found, _)| *found == tag) else { return Ok(None) };
            self.values(at).map(Some).ok_or_else(|| early(&format!("the values of tag {tag} lie behind its end")))
        };
        let end = self.bytes.len() as u64;
        for (places, lengths) in PLACES_AND_LENGTHS {
            if let (Some(places), Some(lengths)) = (values(places)?, values(lengths)?)
                && let Some(part) = places.iter().zip(&lengths).position(|(at, length)| at + length > end)
            {
                return Err(early(&format!("part {} of {} lies behind its end", part + 1, places.len())));
            }
        }
        Ok(next)
    }

    /// A number of at most eight bytes.
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let append = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) })
    }

    /// Whole numbers of an entry of the directory; none of another type.
    fn values(&self, entry: usize) -> Option<Vec<u64>> {
        let length = match self.number(entry + 2, 2)? {
            3 => 2,
            4 => 4,
            _ => return Some(Vec::new()),
        };
        let count = usize::try_from(self.number(entry + 4, 4)?).ok()?;
        let at = match count.checked_mul(length)? {
            ..=4 => entry + 8,
            _ => self.number(entry + 8, 4)? as usize,
        };
        // The last value tells whether there are so many.
        self.number(at.checked_add((count.checked_sub(1)?).checked_mul(length)?)?, length)?;
        (0..count).map(|index| self.number(at + index * length, length)).collect()
    }
}
