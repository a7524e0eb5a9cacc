//! Seams through a component: paths from top to bottom that cross as little ink as possible.
//!
//! A seam of least cost is found by dynamic programming around each of many columns (as for seam carving: Avidan,
//! Shamir, 2007). Where the cost has a local minimum, two digits may touch. A seam may lean and bend, so that it also
//! divides slanted digits and those that reach over one another.

use crate::imaging::Gray;

/// Half of the width of the band in which a seam lies, relative to the height of the digits.
const BAND: f32 = 0.22;
/// Distance of the columns around which seams are looked for, relative to the height of the digits.
const STEP: f32 = 0.05;
/// Cost of a step aside, and of each pixel's distance from the middle of the band, in full pixels of ink.
const ASIDE: f32 = 0.08;
/// See [`ASIDE`].
const DISTANCE: f32 = 0.002;
/// Greatest ink that a seam crosses, in widths of a stroke.
const MAX_COST: f32 = 3.5;
/// Least share of the ink of the component on each side of a seam.
const MIN_SHARE: f32 = 0.04;
/// Least difference of the ink on the left of two seams, relative to a digit's: nearer ones are the same cut.
const APART: f32 = 0.1;
/// Most seams for each height of a digit that the component is wide.
const DENSITY: f32 = 6.0;

/// A seam.
#[derive(Clone, Debug)]
pub(super) struct Seam {
    /// For each row, the first column to the right of it.
    pub(super) columns: Vec<u16>,
    /// Ink that it crosses, in widths of a stroke.
    pub(super) cost: f32,
    /// Ink on its left, in full pixels.
    left: f32,
}

/// Finds the seams of a component, from left to right, that do not cross. `stroke`: width of a stroke; `height`: height
/// of the digits, in pixels.
pub(super) fn seams(ink: &Gray, stroke: f32, height: f32) -> Vec<Seam> {
    let (band, step) = ((BAND * height).ceil().max(1.0) as usize, (STEP * height).round().max(1.0) as usize);
    let all: f32 = ink.pixels().iter().map(|&level| f32::from(level) / 255.0).sum();
    let mut found: Vec<Seam> = (step..ink.width())
        .step_by(step)
        .map(|column| seam(ink, column, band, stroke))
        .filter(|seam| seam.left >= MIN_SHARE * all && seam.left <= (1.0 - MIN_SHARE) * all)
        .collect();
    let minima = |index: usize| {
        let cost = |index: usize| found.get(index).map_or(f32::INFINITY, |seam| seam.cost);
        cost(index) <= cost(index.wrapping_sub(1)) && cost(index) <= cost(index + 1)
    };
    let is_kept: Vec<bool> = (0..found.len()).map(|index| minima(index) && found[index].cost <= MAX_COST).collect();
    let mut kept = is_kept.iter();
    found.retain(|_| kept.next().copied().unwrap_or(false));
    found.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let most = (DENSITY * ink.width() as f32 / height).ceil() as usize;
    // Of a digit as high as the line, about as much ink as its outline is long.
    let apart = APART * 2.5 * height * stroke;
    let mut chosen: Vec<Seam> = Vec::new();
    for seam in found {
        if chosen.len() < most && chosen.iter().all(|other| (other.left - seam.left).abs() >= apart) {
            chosen.push(seam);
        }
    }
    chosen.sort_by(|a, b| a.left.total_cmp(&b.left));
    for index in 1..chosen.len() {
        let (before, rest) = chosen.split_at_mut(index);
        for (column, &least) in rest[0].columns.iter_mut().zip(&before[index - 1].columns) {
            *column = (*column).max(least);
        }
    }
    chosen
}

/// The seam of least cost within a band around a column.
fn seam(ink: &Gray, column: usize, band: usize, stroke: f32) -> Seam {
    let (first, end) = (column.saturating_sub(band), (column + band + 1).min(ink.width()));
    let width = end - first;
    let price = |level: u8, x: usize| f32::from(level) / 255.0 + DISTANCE * (first + x).abs_diff(column) as f32;
    let mut costs = vec![0.0f32; width];
    let mut froms: Vec<i8> = Vec::with_capacity(width * ink.height());
    for row in ink.rows() {
        let before = costs.clone();
        for x in 0..width {
            let mut best = (before[x], 0i8);
            for (aside, from) in [(-1i8, x.checked_sub(1)), (1, Some(x + 1).filter(|&from| from < width))] {
                if let Some(cost) = from.map(|from| before[from] + ASIDE).filter(|&cost| cost < best.0) {
                    best = (cost, aside);
                }
            }
            costs[x] = best.0 + price(row[first + x], x);
            froms.push(best.1);
        }
    }
    let mut x = (0..width).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0);
    let mut columns = vec![0; ink.height()];
    let (mut crossed, mut left) = (0.0, 0.0);
    for (y, row) in ink.rows().enumerate().rev() {
        // The pixel on the seam goes to the side on which more of its row's ink near it lies.
        let level = |x: usize| row.get(x).map_or(0, |&level| u32::from(level));
        let at = first + x;
        let is_left = at > 0 && level(at - 1) > level(at + 1);
        columns[y] = (if is_left { at + 1 } else { at }) as u16;
        crossed += f32::from(row[at]) / 255.0;
        left += row[..usize::from(columns[y])].iter().map(|&level| f32::from(level) / 255.0).sum::<f32>();
        x = (x as isize + isize::from(froms[y * width + x])).clamp(0, width as isize - 1) as usize;
    }
    Seam { columns, cost: crossed / stroke, left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rings_that_touch_are_cut_where_they_touch() {
        let rings = Gray::drawn(&[
            ".#####....#####.",
            "##...##..##...##",
            "#.....#..#.....#",
            "#.....####.....#",
            "#.....#..#.....#",
            "##...##..##...##",
            ".#####....#####.",
        ]);
        let found = seams(&rings, 1.0, 7.0);
        let cheapest = found.iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap();
        assert!(cheapest.cost <= 1.0 && (7..=9).contains(&cheapest.columns[3]), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].columns.iter().zip(&pair[1].columns).all(|(a, b)| a <= b)));
    }
}
