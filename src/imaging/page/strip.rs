//! The image of one line: level, of a standard height, without the ink of anything else.

use super::ink::SOLID;
use crate::imaging::{
    components::{Component, components},
    gray::Gray,
    ink::InkBox,
};

/// Height of the digits of a strip, in pixels, at most.
const HEIGHT: f32 = 48.0;
/// Distance of soft edges from solid ink, in pixels.
const FRINGE: usize = 2;
/// Slopes below this are left as they are.
const LEVEL: f32 = 0.02;
/// Samples along one side of a pixel, at most.
const MAX_SAMPLES: usize = 8;

/// A line of digits, made level and scaled so that its digits are at most 48 pixels high.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Its ink, 255 = full ink.
    pub ink: Gray,
    /// Height of its digits, in pixels of the strip.
    pub digit_height: f32,
    /// Slope of the line on the page, in degrees, positive downwards to the right.
    pub degrees: f32,
    /// Position on the page of the top left corner of the strip.
    origin: (f32, f32),
    /// Step on the page for one pixel to the right in the strip; one pixel down is the same step, turned.
    step: (f32, f32),
    /// Size of the page, and the side of one of its pixels in pixels of the upright picture.
    page: (usize, usize),
    scale: (f32, f32),
}

impl Strip {
    /// Draws the strip of some components. `scale`: pixels of the picture for each of the page, across and down.
    pub(super) fn of(members: &[&Component], ink: &Gray, height: f32, slope: f32, scale: (f32, f32)) -> Option<Self> {
        let area = InkBox::enclosing(members.iter().map(|component| component.area))?;
        let area = widened(area, ink);
        let own = own_ink(members, ink, area)?;
        let slope = if slope.abs() < LEVEL { 0.0 } else { slope };
        let angle = slope.atan();
        let reduction = (height / HEIGHT).max(1.0);
        let step = (reduction * angle.cos(), reduction * angle.sin());
        // Corners of the components in the directions of the strip, from the corner of their box.
        let along = |x: f32, y: f32| x * angle.cos() + y * angle.sin();
        let across = |x: f32, y: f32| y * angle.cos() - x * angle.sin();
        let (mut least, mut most) = ((f32::INFINITY, f32::INFINITY), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        for run in members.iter().flat_map(|component| &component.runs) {
            for x in [run.start, run.end] {
                for y in [run.y, run.y + 1] {
                    let (x, y) = ((x - area.left) as f32, (y - area.top) as f32);
                    let (u, v) = (along(x, y), across(x, y));
                    least = (least.0.min(u), least.1.min(v));
                    most = (most.0.max(u), most.1.max(v));
                }
            }
        }
        let margin = FRINGE as f32;
        let size = |from: f32, to: f32| (((to - from + 2.0 * margin) / reduction).ceil() as usize).max(1);
        let (width, high) = (size(least.0, most.0), size(least.1, most.1));
        let (u, v) = (least.0 - margin, least.1 - margin);
        let corner = (u * angle.cos() - v * angle.sin(), u * angle.sin() + v * angle.cos());
        let strip = Self {
            ink: sampled(&own, corner, step, width, high)?,
            digit_height: height / reduction,
            degrees: angle.to_degrees(),
            origin: (corner.0 + area.left as f32, corner.1 + area.top as f32),
            step,
            page: (ink.width(), ink.height()),
            scale,
        };
        Some(strip)
    }

    /// Connected components of the solid ink, each with the soft edges next to it.
    pub fn components(&self) -> Vec<StripComponent> {
        components(&self.ink, SOLID).into_iter().map(|component| StripComponent::of(&component, &self.ink)).collect()
    }

    /// Smallest box in the upright picture around pixels of the strip; none without pixels.
    pub fn picture_box(&self, pixels: impl IntoIterator<Item = (usize, usize)>) -> Option<InkBox> {
        let (mut least, mut most) = ((f32::INFINITY, f32::INFINITY), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        for (x, y) in pixels {
            let (x, y) = self.on_page(x as f32 + 0.5, y as f32 + 0.5);
            least = (least.0.min(x), least.1.min(y));
            most = (most.0.max(x), most.1.max(y));
        }
        if least.0 > most.0 {
            return None;
        }
        let reach = 0.5 * (self.step.0.abs() + self.step.1.abs());
        let side = |from: f32, to: f32, scale: f32, length: usize| {
            let limit = length as f32 * scale;
            let first = ((from - reach) * scale).round().clamp(0.0, limit - 1.0);
            let end = ((to + reach) * scale).round().clamp(first + 1.0, limit.max(first + 1.0));
            (first as usize, (end - first) as usize)
        };
        let (left, width) = side(least.0, most.0, self.scale.0, self.page.0);
        let (top, height) = side(least.1, most.1, self.scale.1, self.page.1);
        Some(InkBox { left, top, width, height })
    }

    fn on_page(&self, x: f32, y: f32) -> (f32, f32) {
        (self.origin.0 + x * self.step.0 - y * self.step.1, self.origin.1 + x * self.step.1 + y * self.step.0)
    }
}

/// A connected component of a strip.
#[derive(Clone, Debug)]
pub struct StripComponent {
    /// Its pixels: column, row, level.
    pub pixels: Vec<(u16, u16, u8)>,
    /// Box of its pixels.
    pub area: InkBox,
    runs: Vec<usize>,
}

impl StripComponent {
    fn of(component: &Component, ink: &Gray) -> Self {
        let area = component.area;
        let (left, top) = (area.left.saturating_sub(1), area.top.saturating_sub(1));
        let (right, bottom) = ((area.right() + 1).min(ink.width()), (area.bottom() + 1).min(ink.height()));
        let wide = right - left;
        let mut near = vec![false; wide * (bottom - top)];
        for run in &component.runs {
            for y in run.y.saturating_sub(1).max(top)..(run.y + 2).min(bottom) {
                let (start, end) = (run.start.saturating_sub(1).max(left), (run.end + 1).min(right));
                near[(y - top) * wide..][start - left..end - left].fill(true);
            }
        }
        let mut own = vec![0; near.len()];
        component.copy_ink(ink, &mut own, InkBox { left, top, width: wide, height: bottom - top });
        let mut pixels = Vec::new();
        for (at, _) in near.iter().enumerate().filter(|(_, near)| **near) {
            let (x, y) = (left + at % wide, top + at / wide);
            let level = ink.pixels()[y * ink.width() + x];
            // Solid pixels that are not its own are those of a neighbour.
            if level > 0 && (level < SOLID || own[at] > 0) {
                pixels.push((x as u16, y as u16, level));
            }
        }
        let of_pixel = |&(x, y, _): &(u16, u16, u8)| InkBox { left: x.into(), top: y.into(), width: 1, height: 1 };
        let area = InkBox::enclosing(pixels.iter().map(of_pixel)).unwrap_or(area);
        Self { pixels, area, runs: component.runs.iter().map(|run| run.end - run.start).collect() }
    }

    /// Lengths of its rows of solid pixels.
    pub fn run_lengths(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().copied()
    }

    /// Its ink, cropped to its box.
    pub fn ink(&self) -> Gray {
        let mut ink = Gray::blank(self.area.width, self.area.height);
        for &(x, y, level) in &self.pixels {
            ink.pixels_mut()[(usize::from(y) - self.area.top) * self.area.width + usize::from(x) - self.area.left] =
                level;
        }
        ink
    }
}

/// The box with room for soft edges.
fn widened(area: InkBox, ink: &Gray) -> InkBox {
    let (left, top) = (area.left.saturating_sub(FRINGE), area.top.saturating_sub(FRINGE));
    let (right, bottom) = ((area.right() + FRINGE).min(ink.width()), (area.bottom() + FRINGE).min(ink.height()));
    InkBox { left, top, width: right - left, height: bottom - top }
}

/// Ink of components with their soft edges.
fn own_ink(members: &[&Component], ink: &Gray, area: InkBox) -> Option<Gray> {
    let mut pixels = vec![0; area.width * area.height];
    for run in members.iter().flat_map(|component| &component.runs) {
        let (start, end) = (run.start.saturating_sub(FRINGE).max(area.left), (run.end + FRINGE).min(area.right()));
        for y in run.y.saturating_sub(FRINGE).max(area.top)..(run.y + FRINGE + 1).min(area.bottom()) {
            let source = &ink.pixels()[y * ink.width()..][start..end];
            let target = &mut pixels[(y - area.top) * area.width..][start - area.left..end - area.left];
            for (out, &level) in target.iter_mut().zip(source) {
                if level < SOLID {
                    *out = level;
                }
            }
        }
    }
    for component in members {
        component.copy_ink(ink, &mut pixels, area);
    }
    Gray::new(area.width, area.height, pixels)
}

/// Samples an image on a turned grid: each pixel is the mean of samples inside it.
fn sampled(image: &Gray, corner: (f32, f32), step: (f32, f32), width: usize, height: usize) -> Option<Gray> {
    let reduction = step.0.hypot(step.1);
    if reduction == 1.0 && step.1 == 0.0 && corner.0.fract() == 0.0 && corner.1.fract() == 0.0 {
        return shifted(image, (corner.0 as isize, corner.1 as isize), width, height);
    }
    let samples = (reduction.ceil() as usize + 1).min(MAX_SAMPLES);
    let offsets: Vec<(f32, f32)> = (0..samples * samples)
        .map(|index| {
            let of = |index: usize| (index as f32 + 0.5) / samples as f32;
            let (u, v) = (of(index % samples), of(index / samples));
            (u * step.0 - v * step.1, u * step.1 + v * step.0)
        })
        .collect();
    let at = |x: f32, y: f32| {
        let is_inside = x >= 0.0 && y >= 0.0 && x < image.width() as f32 && y < image.height() as f32;
        if is_inside { u32::from(image.pixels()[y as usize * image.width() + x as usize]) } else { 0 }
    };
    let pixel = |index: usize| {
        let (x, y) = ((index % width) as f32, (index / width) as f32);
        let (left, top) = (corner.0 + x * step.0 - y * step.1, corner.1 + x * step.1 + y * step.0);
        let sum: u32 = offsets.iter().map(|&(dx, dy)| at(left + dx, top + dy)).sum();
        ((sum + offsets.len() as u32 / 2) / offsets.len() as u32) as u8
    };
    Gray::new(width, height, (0..width * height).map(pixel).collect())
}

/// The part of an image from (`left`, `top`), empty where there is none.
fn shifted(image: &Gray, (left, top): (isize, isize), width: usize, height: usize) -> Option<Gray> {
    let pixel = |index: usize| {
        let (x, y) = (left + (index % width) as isize, top + (index / width) as isize);
        let is_inside = x >= 0 && y >= 0 && x < image.width() as isize && y < image.height() as isize;
        if is_inside { image.pixels()[y as usize * image.width() + x as usize] } else { 0 }
    };
    Gray::new(width, height, (0..width * height).map(pixel).collect())
}
