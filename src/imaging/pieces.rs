//! Connected pieces of ink.

use super::{Gray, InkBox};

/// Pixels at or above a level that touch one another, corners included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The smallest rectangle around it.
    pub area: InkBox,
    /// The sum of its levels.
    pub ink: u64,
}

/// For each pixel the number of the piece it belongs to, and the pieces in the order of their first pixels.
pub(super) fn label(ink: &Gray, solid: u8) -> (Vec<Option<usize>>, Vec<Piece>) {
    let (width, height, levels) = (ink.width(), ink.height(), ink.pixels());
    let mut piece_of = vec![None; levels.len()];
    let (mut pieces, mut open) = (Vec::new(), Vec::new());
    for start in 0..levels.len() {
        if levels[start] < solid || piece_of[start].is_some() {
            continue;
        }
        let number = pieces.len();
        let (mut sum, mut left, mut right, mut bottom) = (0, start % width, start % width, 0);
        piece_of[start] = Some(number);
        open.push(start);
        while let Some(place) = open.pop() {
            sum += u64::from(levels[place]);
            let (x, y) = (place % width, place / width);
            (left, right, bottom) = (left.min(x), right.max(x), bottom.max(y));
            for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let next = row * width + column;
                    if levels[next] >= solid && piece_of[next].is_none() {
                        piece_of[next] = Some(number);
                        open.push(next);
                    }
                }
            }
        }
        // The first pixel found is in the piece's highest row.
        let top = start / width;
        pieces.push(Piece { area: InkBox { left, top, width: right - left + 1, height: bottom - top + 1 }, ink: sum });
    }
    (piece_of, pieces)
}

/// The connected pieces of what is at or above `solid`.
pub fn pieces(ink: &Gray, solid: u8) -> Vec<Piece> {
    label(ink, solid).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_connect_and_boxes_fit() {
        let image = Gray::new(5, 3, vec![0, 0, 9, 0, 7, 0, 9, 0, 0, 7, 9, 0, 0, 0, 7]).unwrap();
        let found = pieces(&image, 5);
        let first = Piece { area: InkBox { left: 0, top: 0, width: 3, height: 3 }, ink: 27 };
        let second = Piece { area: InkBox { left: 4, top: 0, width: 1, height: 3 }, ink: 21 };
        assert_eq!(found, [first, second]);
        assert_eq!(pieces(&image, 8), [first]);
        assert_eq!(pieces(&image, 10), []);
    }
}
