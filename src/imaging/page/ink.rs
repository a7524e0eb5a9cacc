//! Ink of a page: where contrast is strong and its edges are sharp, each component by its own strength.

use super::contrast::Contrast;
use crate::imaging::{
    components::{Component, components},
    gray::Gray,
};

/// Share of a side of the picture from which on a component at the border is a table, a shadow or a sheet's edge.
const LARGE_AT_BORDER: f64 = 0.25;
/// Share of the pixels of the picture above which a component is no ink.
const LARGE: f64 = 0.4;
/// Thickness from which on it is one, relative to the longer side of the picture.
const THICK: f32 = 0.02;
/// Width of the soft edges of ink: its shorter side divided by so much.
const SOFT: usize = 16;
/// Contrast above which it is no shadow, in which digits may lie.
const TABLE: f32 = 0.5;
/// Least change of contrast across the edge of a component, relative to its contrast. Shadows have softer edges.
const SHARP: f32 = 0.3;
/// Contrast of the core of a component: this quantile of its pixels.
const CORE: f64 = 0.95;
/// Least contrast of the core, relative to the least contrast of ink.
const SEED: f32 = 1.5;
/// Shares of the core's contrast that are no ink, and the least of full ink.
const FLOOR: f32 = 0.15;
/// See [`FLOOR`].
const HALF: f32 = 0.5;
/// Level from which on pixels are connected.
pub(super) const SOLID: u8 = 128;

/// Ink of a page.
pub(super) struct PageInk {
    /// 255 = full ink, of the size of the picture.
    pub(super) ink: Gray,
    /// Connected components of the solid ink.
    pub(super) components: Vec<Component>,
}

impl PageInk {
    /// Ink whose levels are known.
    pub(super) fn of_ink(ink: Gray) -> Self {
        let components = components(&ink, SOLID);
        Self { ink, components }
    }

    /// Finds the ink in a contrast. Components that are no ink by the wide window are looked at again with a narrow
    /// one, since digits may lie in a shadow.
    pub(super) fn of(mut contrast: Contrast) -> Self {
        let (width, height) = (contrast.map.width(), contrast.map.height());
        let mut found = components(&contrast.map, contrast.least);
        let mut rows = [vec![0.0; width], vec![0.0; width]];
        let (other, ink): (Vec<Component>, Vec<Component>) =
            found.into_iter().partition(|component| is_no_ink(component, &contrast));
        found = ink;
        if !other.is_empty() {
            for component in &other {
                let is_table = core(component, &contrast.map).0 > TABLE * 255.0;
                for run in &component.runs {
                    match is_table {
                        true => contrast.clear(run.y, run.start, run.end),
                        false => contrast.narrow(run.y, run.start, run.end, &mut rows),
                    }
                }
            }
            found = components(&contrast.map, contrast.least);
            found.retain(|component| !is_no_ink(component, &contrast));
        }
        let mut pixels = vec![0; width * height];
        for component in &found {
            let (core, full) = core(component, &contrast.map);
            if core < SEED * f32::from(contrast.least) {
                continue;
            }
            let floor = FLOOR * full;
            let levels: [u8; 256] = std::array::from_fn(|contrast| {
                (255.0 * (contrast as f32 - floor) / (full - floor)).round().clamp(0.0, 255.0) as u8
            });
            for run in &component.runs {
                let pixel = run.y * width + run.start..run.y * width + run.end;
                for (out, &contrast) in pixels[pixel.clone()].iter_mut().zip(&contrast.map.pixels()[pixel]) {
                    *out = levels[usize::from(contrast)];
                }
            }
        }
        match Gray::new(width, height, pixels) {
            Some(ink) => Self::of_ink(ink),
            None => Self { ink: contrast.map, components: Vec::new() },
        }
    }
}

/// Contrast of the core of a component, and the mean of the pixels that have half as much.
fn core(component: &Component, map: &Gray) -> (f32, f32) {
    let mut counts = [0usize; 256];
    for run in &component.runs {
        for &contrast in &map.pixels()[run.y * map.width()..][run.start..run.end] {
            counts[usize::from(contrast)] += 1;
        }
    }
    let wanted = (CORE * component.pixels as f64) as usize;
    let mut below = 0;
    let core = counts.iter().position(|&count| {
        below += count;
        below > wanted
    });
    let core = core.unwrap_or(255);
    let half = (HALF * core as f32) as usize;
    let (mut sum, mut count) = (0, 0);
    for (contrast, &number) in counts.iter().enumerate().skip(half) {
        sum += contrast * number;
        count += number;
    }
    (core as f32, (sum as f32 / count.max(1) as f32).max(1.0))
}

/// Tells a table, a sheet's edge or a shadow from ink.
fn is_no_ink(component: &Component, contrast: &Contrast) -> bool {
    let (width, height) = (contrast.map.width(), contrast.map.height());
    let area = component.area;
    let is_at_border = area.left == 0 || area.top == 0 || area.right() == width || area.bottom() == height;
    let is_large =
        area.width as f64 >= LARGE_AT_BORDER * width as f64 || area.height as f64 >= LARGE_AT_BORDER * height as f64;
    if component.pixels as f64 > LARGE * (width * height) as f64 {
        return true;
    }
    let step = width.max(height).div_ceil(400);
    // A ruling is long, but thin.
    let is_thick = || component.thickness() > THICK * width.max(height) as f32;
    (is_at_border && is_large && step > 1 && is_thick()) || is_blurred(component, contrast)
}

/// Compares the contrast inside and outside the ends of the runs.
fn is_blurred(component: &Component, contrast: &Contrast) -> bool {
    let longer = contrast.map.width().max(contrast.map.height());
    let shorter = component.area.width.min(component.area.height);
    // The soft edges of an enlarged or unsharp digit are a share of its size.
    let step = (shorter / SOFT).clamp(longer.div_ceil(400), (longer / 60).max(longer.div_ceil(400)));
    if shorter < 4 * step || component.runs.is_empty() {
        return false;
    }
    let (core, _) = core(component, &contrast.map);
    let every = component.runs.len().div_ceil(256);
    let (mut sum, mut count) = (0.0, 0u32);
    for run in component.runs.iter().step_by(every) {
        let inside = step.min((run.end - run.start) / 2);
        if run.start >= step {
            sum += contrast.step(run.y, run.start + inside, run.start - step);
            count += 1;
        }
        if run.end + step <= contrast.map.width() {
            sum += contrast.step(run.y, run.end - 1 - inside.min(run.end - run.start - 1), run.end + step - 1);
            count += 1;
        }
    }
    count > 0 && sum / (count as f32) < SHARP * core / 255.0
}
