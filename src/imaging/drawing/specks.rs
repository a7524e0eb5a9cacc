//! Removes small connected pieces of ink.

use crate::imaging::{components::components, gray::Gray};

/// Minimum level of ink that connects pixels; weaker ink is an edge or grain.
const SOLID: u8 = 128;
/// Maximum distance of weaker ink from a remaining piece, in pixels.
const FRINGE: usize = 2;

/// Removes the connected pieces (8-neighbourhood) with less than `share` of the ink of the largest piece, and weak ink
/// that is not near a remaining piece. The image is unchanged if `share` is 0 or no pixel is solid.
pub(super) fn without_specks(ink: &Gray, share: f32) -> Gray {
    let (pieces, sums) = pieces(ink);
    let Some(&largest) = sums.iter().max().filter(|_| share > 0.0) else { return ink.clone() };
    let remains: Vec<bool> = sums.iter().map(|&sum| sum as f32 >= share * largest as f32).collect();
    let (width, height) = (ink.width(), ink.height());
    let mut near = vec![false; width * height];
    for (index, piece) in pieces.iter().enumerate() {
        if *piece != 0 && remains[*piece as usize - 1] {
            let (x, y) = (index % width, index / width);
            for row in y.saturating_sub(FRINGE)..=(y + FRINGE).min(height - 1) {
                near[row * width + x.saturating_sub(FRINGE)..=row * width + (x + FRINGE).min(width - 1)].fill(true);
            }
        }
    }
    let belongs = |index: usize| near[index] && (pieces[index] == 0 || remains[pieces[index] as usize - 1]);
    let pixels =
        ink.pixels().iter().enumerate().map(|(index, &level)| if belongs(index) { level } else { 0 }).collect();
    Gray::new(width, height, pixels).unwrap_or_else(|| ink.clone())
}

/// Labels connected components: for each pixel the number of its solid piece, from 1, or 0; and the sum of the levels
/// of each piece.
fn pieces(ink: &Gray) -> (Vec<u32>, Vec<u64>) {
    let (width, levels) = (ink.width(), ink.pixels());
    let mut piece = vec![0; levels.len()];
    let mut sums = Vec::new();
    for component in components(ink, SOLID) {
        // The count fits: a picture at working size has at most 512 × 512 pixels.
        let number = sums.len() as u32 + 1;
        let mut sum = 0;
        for run in component.runs {
            let pixels = run.y * width + run.start..run.y * width + run.end;
            piece[pixels.clone()].fill(number);
            sum += levels[pixels].iter().map(|&level| u64::from(level)).sum::<u64>();
        }
        sums.push(sum);
    }
    (piece, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specks_and_distant_grain_are_removed_and_edges_kept() {
        let before =
            Gray::drawn(&["+.........+", ".+###+.....", "...###....#", "....###....", ".........#.", "#.........."]);
        let after =
            Gray::drawn(&["+..........", ".+###+.....", "...###.....", "....###....", "...........", "..........."]);
        assert_eq!(without_specks(&before, 0.3), after);
        assert_eq!(without_specks(&before, 0.0), before);
        assert_eq!(without_specks(&after, 0.3), after);
    }

    #[test]
    fn diagonal_neighbours_are_connected() {
        let line = Gray::drawn(&["#..", ".#.", "..#"]);
        assert_eq!(without_specks(&line, 0.9), line);
    }

    #[test]
    fn images_without_solid_ink_are_unchanged() {
        for faint in [Gray::drawn(&["+..+"]), Gray::drawn(&["."])] {
            assert_eq!(without_specks(&faint, 0.5), faint);
        }
    }
}
