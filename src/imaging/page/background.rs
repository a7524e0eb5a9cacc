//! Estimates the background of a page by a morphological closing on a grid of cells.

use crate::imaging::gray::Gray;

/// Cells along the longer side, at most.
const CELLS: usize = 256;

/// Level of the paper around each pixel: dark structures narrower than a window are closed, edges of wider ones stay.
///
/// A closing keeps a step between two wide regions, such as a sheet and the table below it or light and shadow, where
/// it is. A mean or a fitted surface would smear it.
pub(super) struct Background {
    cells: Vec<f32>,
    wide: usize,
    high: usize,
    /// Side of a cell, in pixels.
    side: usize,
}

/// Level of the lighter part of each cell, from which backgrounds of several windows are made.
pub(super) struct Cells {
    levels: Vec<f32>,
    wide: usize,
    high: usize,
    side: usize,
}

impl Cells {
    /// Divides a picture of dark ink into cells.
    pub(super) fn of(levels: &Gray) -> Self {
        let side = levels.width().max(levels.height()).div_ceil(CELLS);
        let (wide, high) = (levels.width().div_ceil(side), levels.height().div_ceil(side));
        let mut cells = Vec::with_capacity(wide * high);
        for top in (0..levels.height()).step_by(side) {
            for left in (0..levels.width()).step_by(side) {
                let (right, bottom) = ((left + side).min(levels.width()), (top + side).min(levels.height()));
                let rows = || {
                    (top..bottom).flat_map(|y| &levels.pixels()[y * levels.width() + left..y * levels.width() + right])
                };
                let sum: u32 = rows().map(|&level| u32::from(level)).sum();
                let mean = (sum / ((right - left) * (bottom - top)) as u32) as u8;
                // The mean of the pixels that are no darker than all on average: of paper where there is a stroke.
                let (mut light, mut count) = (0, 0);
                for &level in rows().filter(|&&level| level >= mean) {
                    light += u32::from(level);
                    count += 1;
                }
                cells.push(light as f32 / count.max(1) as f32);
            }
        }
        Self { levels: cells, wide, high, side }
    }

    /// Closes dark structures narrower than `window` pixels.
    pub(super) fn background(&self, window: usize) -> Background {
        let reach = (window / 2).div_ceil(self.side).max(1);
        let widest = extreme(&self.levels, self.wide, self.high, reach, f32::max);
        let closed = extreme(&widest, self.wide, self.high, reach, f32::min);
        Background { cells: closed, wide: self.wide, high: self.high, side: self.side }
    }
}

impl Background {
    /// Writes the levels of row `y`, bilinear between the middles of the cells.
    pub(super) fn row(&self, y: usize, out: &mut [f32]) {
        let (above, share) = self.place(y, self.high);
        let below = (above + 1).min(self.high - 1);
        let between: Vec<f32> = (0..self.wide)
            .map(|x| {
                let (one, other) = (self.cells[above * self.wide + x], self.cells[below * self.wide + x]);
                one + share * (other - one)
            })
            .collect();
        let scale = 1.0 / self.side as f32;
        let first = 0.5 * scale - 0.5;
        for (x, level) in out.iter_mut().enumerate() {
            let at = (first + x as f32 * scale).clamp(0.0, (self.wide - 1) as f32);
            let left = at as usize;
            let (one, other) = (between[left], between[(left + 1).min(self.wide - 1)]);
            *level = one + (at - left as f32) * (other - one);
        }
    }

    /// The cell before a pixel, and the pixel's share of the way to the next.
    fn place(&self, pixel: usize, cells: usize) -> (usize, f32) {
        let at = ((pixel as f32 + 0.5) / self.side as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
        (at as usize, at - at.floor())
    }
}

/// Extreme value within `reach` cells to every side; beyond the edge there is nothing.
fn extreme(cells: &[f32], wide: usize, high: usize, reach: usize, better: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let across: Vec<f32> = cells.chunks_exact(wide).flat_map(|row| sliding(row, reach, &better)).collect();
    let mut out = vec![0.0; cells.len()];
    for x in 0..wide {
        let column: Vec<f32> = (0..high).map(|y| across[y * wide + x]).collect();
        for (y, value) in sliding(&column, reach, &better).into_iter().enumerate() {
            out[y * wide + x] = value;
        }
    }
    out
}

/// Sliding extreme of a row in windows of `2 · reach + 1`, from those of windows of powers of two.
fn sliding(row: &[f32], reach: usize, better: &impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let count = row.len();
    // The extreme of the `length` values from each place on, where the row goes that far.
    let mut doubled = row.to_vec();
    let mut length = 1;
    while 2 * length <= 2 * reach + 1 && 2 * length <= count {
        for index in 0..=count - 2 * length {
            doubled[index] = better(doubled[index], doubled[index + length]);
        }
        length *= 2;
    }
    (0..count)
        .map(|index| {
            let (first, end) = (index.saturating_sub(reach), (index + reach + 1).min(count));
            let mut value = doubled[first.min(count - length)];
            let mut at = first;
            while at + length < end {
                value = better(value, doubled[at]);
                at += length;
            }
            if end - first >= length {
                better(value, doubled[end - length])
            } else {
                extreme_of(&row[first..end], better)
            }
        })
        .collect()
}

fn extreme_of(row: &[f32], better: &impl Fn(f32, f32) -> f32) -> f32 {
    row.iter().copied().reduce(better).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sliding_extremes_are_those_of_each_window(
            row in prop::collection::vec(0.0f32..9.0, 1..40),
            reach in 1usize..20,
        ) {
            for (index, value) in sliding(&row, reach, &f32::max).into_iter().enumerate() {
                let window = &row[index.saturating_sub(reach)..(index + reach + 1).min(row.len())];
                prop_assert_eq!(value, window.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }

    #[test]
    fn strokes_are_closed_and_the_edge_of_a_table_stays() {
        let level = |x: usize, y: usize| match x {
            0..150 => 40,
            _ if (300..320).contains(&x) && y > 50 => 30,
            _ => 220,
        };
        let page = Gray::new(600, 400, (0..600 * 400).map(|at| level(at % 600, at / 600)).collect()).unwrap();
        let background = Cells::of(&page).background(60);
        let mut row = vec![0.0; 600];
        background.row(200, &mut row);
        assert!(row[..146].iter().all(|&level| level < 45.0) && row[154..].iter().all(|&level| level > 215.0));
    }
}
