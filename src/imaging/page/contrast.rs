//! Contrast of each pixel to the paper around it.

use super::background::{Background, Cells};
use crate::imaging::{drawing::darker_side, gray::Gray};

/// Window of the widest strokes: a share of the shorter side of the picture.
const WIDE_WINDOW: f64 = 1.0 / 3.0;
/// Window inside shadows and tables.
const NARROW_WINDOW: f64 = 1.0 / 20.0;
/// Pixels between two that are compared to measure grain.
const GRAIN_DISTANCE: usize = 4;
/// Least contrast of ink: so many standard deviations of the grain, within bounds.
const GRAIN_FACTOR: f32 = 5.0;
/// See [`GRAIN_FACTOR`].
const LEAST: (f32, f32) = (0.09, 0.3);
/// Least level that contrast is relative to where the ink is dark: darker paper is all grain.
const DARK: f32 = 40.0;
/// Least level that contrast is relative to where the ink is light, as a distance of the ground from white: chalk on a
/// board, not grain on white paper.
const LIGHT: f32 = 140.0;
/// Pixels of the longer side by which the side of the ink is decided.
const SIDE_PIXELS: usize = 384;
/// Greatest share of the pixels that can be light ink.
const MAX_LIGHT: f64 = 0.35;

/// Contrast of a picture, and how little of it can be ink.
pub(super) struct Contrast {
    /// Share of the paper's level by which a pixel is darker, 255 = 1.
    pub(super) map: Gray,
    /// Paper by the wide window, and by a narrow one, which is used only where it is asked for.
    wide: Background,
    /// See `wide`.
    narrow: Background,
    levels: Gray,
    /// Least contrast of ink, 255 = 1.
    pub(super) least: u8,
    /// Least level that contrast is relative to.
    floor: f32,
}

impl Contrast {
    /// Computes the contrast; `dark` tells the side of the ink, if it is known.
    pub(super) fn of(levels: Gray, dark: Option<bool>) -> Self {
        let is_dark = dark.unwrap_or_else(|| is_dark(&levels));
        let levels = if is_dark { levels } else { inverted(&levels) };
        let cells = Cells::of(&levels);
        let shorter = levels.width().min(levels.height()) as f64;
        let wide = cells.background((shorter * WIDE_WINDOW) as usize);
        let narrow = cells.background((shorter * NARROW_WINDOW) as usize);
        let floor = if is_dark { DARK } else { LIGHT };
        let map = contrast(&levels, &wide, floor);
        let least = (GRAIN_FACTOR * grain(&levels, &wide, floor)).clamp(LEAST.0, LEAST.1);
        Self { map, wide, narrow, levels, least: (255.0 * least) as u8, floor }
    }

    /// Replaces the contrast of some pixels of row `y` by that of a narrow window. It stays relative to the paper in
    /// full light, so that grain is no stronger than there. `rows`: two rows to work in.
    pub(super) fn narrow(&mut self, y: usize, start: usize, end: usize, rows: &mut [Vec<f32>; 2]) {
        let width = self.levels.width();
        let [narrow, wide] = rows;
        self.narrow.row(y, narrow);
        self.wide.row(y, wide);
        for x in start..end {
            let level = f32::from(self.levels.pixels()[y * width + x]);
            self.map.pixels_mut()[y * width + x] = relative(level, narrow[x], self.floor.max(wide[x]));
        }
    }

    /// Removes some pixels of row `y`.
    pub(super) fn clear(&mut self, y: usize, start: usize, end: usize) {
        let width = self.levels.width();
        self.map.pixels_mut()[y * width + start..y * width + end].fill(0);
    }

    /// Difference of the levels of two pixels of row `y`, in shares of the paper's level there.
    pub(super) fn step(&self, y: usize, inside: usize, outside: usize) -> f32 {
        let width = self.map.width();
        let at = |x: usize| f32::from(self.map.pixels()[y * width + x]) / 255.0;
        at(inside) - at(outside)
    }
}

fn relative(level: f32, paper: f32, floor: f32) -> u8 {
    (255.0 * (paper - level) / paper.max(floor)).clamp(0.0, 255.0) as u8
}

/// Contrast to a background.
fn contrast(levels: &Gray, background: &Background, floor: f32) -> Gray {
    let width = levels.width();
    let mut paper = vec![0.0; width];
    let mut pixels = Vec::with_capacity(levels.pixels().len());
    for (y, row) in levels.rows().enumerate() {
        background.row(y, &mut paper);
        pixels.extend(row.iter().zip(&paper).map(|(&level, &paper)| relative(f32::from(level), paper, floor)));
    }
    Gray::new(width, levels.height(), pixels).unwrap_or_else(|| levels.clone())
}

fn inverted(levels: &Gray) -> Gray {
    let pixels = levels.pixels().iter().map(|&level| 255 - level).collect();
    Gray::new(levels.width(), levels.height(), pixels).unwrap_or_else(|| levels.clone())
}

/// Decides which side of the paper the ink lies on, as for a single digit. A light sheet on a dark table is no light
/// ink.
fn is_dark(levels: &Gray) -> bool {
    let step = levels.width().max(levels.height()).div_ceil(SIDE_PIXELS);
    let rows = levels.rows().step_by(step).flat_map(|row| row.iter().step_by(step).map(|&level| f32::from(level)));
    let (dark, light) =
        darker_side(&rows.collect::<Vec<_>>(), levels.width().div_ceil(step), levels.height().div_ceil(step));
    dark || light > MAX_LIGHT
}

/// Standard deviation of the grain, as a share of the paper's level.
fn grain(levels: &Gray, background: &Background, floor: f32) -> f32 {
    let mut counts = [0u32; 256];
    let mut paper = vec![0.0; levels.width()];
    let (mut sum, mut count) = (0.0f64, 0.0f64);
    for (y, row) in levels.rows().enumerate().step_by(8) {
        background.row(y, &mut paper);
        for (x, pair) in row.windows(GRAIN_DISTANCE + 1).enumerate().step_by(2) {
            counts[usize::from(pair[0].abs_diff(pair[GRAIN_DISTANCE]))] += 1;
            sum += f64::from(paper[x]);
            count += 1.0;
        }
    }
    let all: u32 = counts.iter().sum();
    let mut below = 0.0;
    let mut median = 0.0;
    for (difference, &number) in counts.iter().enumerate() {
        // Between the whole levels, as if they were spread evenly.
        if number > 0 && below + f64::from(number) >= f64::from(all) / 2.0 {
            median = difference as f64 + (f64::from(all) / 2.0 - below) / f64::from(number) - 0.5;
            break;
        }
        below += f64::from(number);
    }
    // The difference of two pixels deviates by √2 as much as one.
    (1.4826 * median.max(0.0) / std::f64::consts::SQRT_2 / (sum / count.max(1.0)).max(f64::from(floor))) as f32
}
