//! Contrast of each pixel to the paper around it.

use super::background::{Background, Cells};
use crate::imaging::{components::components, gray::Gray};

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
/// Level of the background below which contrast is not relative to it any more, because a dark one is all grain.
const DARK: f32 = 40.0;
/// Weight of ink that is connected with the border, where the side of the ink is decided.
const AT_BORDER: f64 = 0.25;

/// Contrast of a picture, and how little of it can be ink.
pub(super) struct Contrast {
    /// Share of the paper's level by which a pixel is darker, 255 = 1.
    pub(super) map: Gray,
    /// The same with a narrow window, made only where it is asked for.
    narrow: Background,
    levels: Gray,
    /// Least contrast of ink, 255 = 1.
    pub(super) least: u8,
    /// The ink is darker than the paper.
    pub(super) is_dark: bool,
}

impl Contrast {
    /// Computes the contrast; `dark` tells the side of the ink, if it is known.
    pub(super) fn of(levels: Gray, dark: Option<bool>) -> Self {
        let is_dark = dark.unwrap_or_else(|| {
            let light = inverted(&levels);
            strength(&levels) >= strength(&light)
        });
        let levels = if is_dark { levels } else { inverted(&levels) };
        let cells = Cells::of(&levels);
        let shorter = levels.width().min(levels.height()) as f64;
        let wide = cells.background((shorter * WIDE_WINDOW) as usize);
        let narrow = cells.background((shorter * NARROW_WINDOW) as usize);
        let map = contrast(&levels, &wide, 1);
        let least = (GRAIN_FACTOR * grain(&levels, &wide)).clamp(LEAST.0, LEAST.1);
        Self { map, narrow, levels, least: (255.0 * least) as u8, is_dark }
    }

    /// Replaces the contrast of some pixels of row `y` by that of a narrow window.
    pub(super) fn narrow(&mut self, y: usize, start: usize, end: usize, row: &mut [f32]) {
        let width = self.levels.width();
        self.narrow.row(y, row);
        for x in start..end {
            let (level, paper) = (f32::from(self.levels.pixels()[y * width + x]), row[x]);
            self.map.pixels_mut()[y * width + x] = relative(level, paper);
        }
    }

    /// Difference of the levels of two pixels of row `y`, in shares of the paper's level there.
    pub(super) fn step(&self, y: usize, inside: usize, outside: usize) -> f32 {
        let width = self.map.width();
        let at = |x: usize| f32::from(self.map.pixels()[y * width + x]) / 255.0;
        at(inside) - at(outside)
    }
}

fn relative(level: f32, paper: f32) -> u8 {
    (255.0 * (paper - level) / paper.max(DARK)).clamp(0.0, 255.0) as u8
}

/// Contrast to a background, of every `step`th row.
fn contrast(levels: &Gray, background: &Background, step: usize) -> Gray {
    let width = levels.width();
    let mut paper = vec![0.0; width];
    let mut pixels = Vec::with_capacity(levels.pixels().len() / step);
    for (y, row) in levels.rows().enumerate().step_by(step) {
        background.row(y, &mut paper);
        pixels.extend(row.iter().zip(&paper).map(|(&level, &paper)| relative(f32::from(level), paper)));
    }
    let height = levels.height().div_ceil(step);
    Gray::new(width, height, pixels).unwrap_or_else(|| levels.clone())
}

fn inverted(levels: &Gray) -> Gray {
    let pixels = levels.pixels().iter().map(|&level| 255 - level).collect();
    Gray::new(levels.width(), levels.height(), pixels).unwrap_or_else(|| levels.clone())
}

/// Sum of the cubes of the contrast, if the ink is dark, over a part of the pixels.
fn strength(levels: &Gray) -> f64 {
    let longer = levels.width().max(levels.height());
    let step = longer.div_ceil(512);
    let small = match step {
        1 => levels.clone(),
        _ => {
            let rows = levels.rows().step_by(step).flat_map(|row| row.iter().step_by(step).copied());
            let size = (levels.width().div_ceil(step), levels.height().div_ceil(step));
            match Gray::new(size.0, size.1, rows.collect()) {
                Some(small) => small,
                None => return 0.0,
            }
        }
    };
    let (width, height) = (small.width(), small.height());
    let background = Cells::of(&small).background((WIDE_WINDOW * width.min(height) as f64) as usize);
    let map = contrast(&small, &background, 1);
    let of_component = |component: &crate::imaging::components::Component| {
        let area = component.area;
        let is_at_border = area.left == 0 || area.top == 0 || area.right() == width || area.bottom() == height;
        let weight = if is_at_border { AT_BORDER } else { 1.0 };
        let of_run = |run: &crate::imaging::components::Run| {
            let row = &map.pixels()[run.y * width..][run.start..run.end];
            row.iter().map(|&contrast| (f64::from(contrast) / 255.0).powi(3)).sum::<f64>()
        };
        weight * component.runs.iter().map(of_run).sum::<f64>()
    };
    components(&map, 50).iter().map(of_component).sum()
}

/// Standard deviation of the grain, as a share of the paper's level.
fn grain(levels: &Gray, background: &Background) -> f32 {
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
    (1.4826 * median.max(0.0) / std::f64::consts::SQRT_2 / (sum / count.max(1.0)).max(1.0)) as f32
}
