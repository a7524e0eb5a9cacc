//! Curves to grey pixels, framed like MNIST's digits.
//!
//! The curves are scaled so that their ink, line width included, has its longer side in 20 pixels, and are painted at
//! that size: each pixel takes the coverage of the nearest piece of line, a capsule whose edge is a linear ramp. No
//! image is ever resized.

use super::{pen::Dot, style::Style};
use crate::data::{PIXELS, SIDE};

/// The longer side of the ink, in pixels.
const BOX: f32 = 20.0;
/// Margin of the ink box while painting, in pixels from the frame's edge.
const MARGIN: f32 = 4.0;
/// Index of the pixel that the centre of mass comes to lie in.
const CENTRE: f32 = 14.0;

/// Paints the strokes with the top left corner of their ink at pixel (4, 4) and its longer side 20 pixels long.
pub(super) fn paint(strokes: &[Vec<Dot>], style: &Style) -> [u8; PIXELS] {
    let mut strokes = strokes.to_vec();
    fit(&mut strokes, style.radius);
    let mut coverage = [0.0_f32; PIXELS];
    for stroke in &strokes {
        for pair in stroke.windows(2) {
            line(&mut coverage, pair[0], pair[1], style.edge);
        }
    }
    coverage.map(|share| (share * style.ink).min(255.0) as u8)
}

/// Scales and moves the dots, and turns their weights into radii in pixels.
fn fit(strokes: &mut [Vec<Dot>], radius: f32) {
    let mut low = (f32::MAX, f32::MAX);
    let mut high = (f32::MIN, f32::MIN);
    for dot in strokes.iter().flatten() {
        low = (low.0.min(dot.x), low.1.min(dot.y));
        high = (high.0.max(dot.x), high.1.max(dot.y));
    }
    let longer = (high.0 - low.0).max(high.1 - low.1).max(1e-3);
    let scale = (BOX - 2.0 * radius) / longer;
    for dot in strokes.iter_mut().flatten() {
        dot.x = (dot.x - low.0) * scale;
        dot.y = (dot.y - low.1) * scale;
        dot.weight *= radius;
    }
    let mut low = (f32::MAX, f32::MAX);
    let mut high = (f32::MIN, f32::MIN);
    for dot in strokes.iter().flatten() {
        low = (low.0.min(dot.x - dot.weight), low.1.min(dot.y - dot.weight));
        high = (high.0.max(dot.x + dot.weight), high.1.max(dot.y + dot.weight));
    }
    let scale = BOX / (high.0 - low.0).max(high.1 - low.1);
    for dot in strokes.iter_mut().flatten() {
        dot.x = (dot.x - low.0) * scale + MARGIN;
        dot.y = (dot.y - low.1) * scale + MARGIN;
        dot.weight *= scale;
    }
}

/// Adds one piece of line whose half width goes from one dot's to the other's; `edge` is the width of the grey ramp in
/// pixels.
fn line(coverage: &mut [f32; PIXELS], from: Dot, to: Dot, edge: f32) {
    let reach = from.weight.max(to.weight) + edge;
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = (dx * dx + dy * dy).max(1e-9);
    let columns = pixels(from.x.min(to.x) - reach, from.x.max(to.x) + reach);
    let rows = pixels(from.y.min(to.y) - reach, from.y.max(to.y) + reach);
    for row in rows {
        for column in columns.clone() {
            let (x, y) = (column as f32 + 0.5 - from.x, row as f32 + 0.5 - from.y);
            let along = ((x * dx + y * dy) / length).clamp(0.0, 1.0);
            let radius = from.weight + along * (to.weight - from.weight);
            let (x, y) = (x - along * dx, y - along * dy);
            let distance = (x * x + y * y).sqrt();
            let full = (2.0 * radius / edge).min(1.0);
            let share = ((radius - distance) / edge + 0.5).clamp(0.0, full);
            let pixel = &mut coverage[row * SIDE + column];
            *pixel = pixel.max(share);
        }
    }
}

/// The pixels of the ink box whose middle can lie between `low` and `high`.
fn pixels(low: f32, high: f32) -> std::ops::Range<usize> {
    (low.max(MARGIN) as usize)..(high.clamp(MARGIN, MARGIN + BOX - 1.0) as usize + 1)
}

/// Moves the image by whole pixels so that its centre of mass comes as near as possible to the middle; no ink leaves
/// the frame.
pub(super) fn frame(image: &[u8; PIXELS]) -> [u8; PIXELS] {
    let (mut mass, mut column_sum, mut row_sum) = (0_u64, 0_u64, 0_u64);
    let (mut low, mut high) = ((SIDE, SIDE), (0, 0));
    for (index, &level) in image.iter().enumerate().filter(|(_, level)| **level > 0) {
        let (row, column) = (index / SIDE, index % SIDE);
        mass += u64::from(level);
        column_sum += u64::from(level) * column as u64;
        row_sum += u64::from(level) * row as u64;
        low = (low.0.min(column), low.1.min(row));
        high = (high.0.max(column), high.1.max(row));
    }
    let mut framed = [0; PIXELS];
    if mass == 0 {
        return framed;
    }
    let shift = |sum: u64, low: usize, high: usize| {
        let wanted = (CENTRE - sum as f32 / mass as f32).round() as isize;
        wanted.clamp(-(low as isize), (SIDE - 1 - high) as isize)
    };
    let (right, down) = (shift(column_sum, low.0, high.0), shift(row_sum, low.1, high.1));
    for (index, &level) in image.iter().enumerate().filter(|(_, level)| **level > 0) {
        let (row, column) = (index / SIDE, index % SIDE);
        framed[row.wrapping_add_signed(down) * SIDE + column.wrapping_add_signed(right)] = level;
    }
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thick_line_is_full_inside_and_grey_at_its_edges() {
        let mut coverage = [0.0; PIXELS];
        let dot = |y| Dot { x: 14.0, y, weight: 2.0 };
        line(&mut coverage, dot(8.0), dot(20.0), 1.0);
        let row: Vec<f32> = (10..18).map(|column| coverage[14 * SIDE + column]).collect();
        assert_eq!(row, [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        let dot = |y| Dot { x: 14.0, y, weight: 1.75 };
        let mut coverage = [0.0; PIXELS];
        line(&mut coverage, dot(8.0), dot(20.0), 1.0);
        assert_eq!((coverage[14 * SIDE + 12], coverage[14 * SIDE + 13]), (0.75, 1.0));
    }

    #[test]
    fn a_thin_line_is_never_full() {
        let mut coverage = [0.0; PIXELS];
        let dot = |y| Dot { x: 14.5, y, weight: 0.25 };
        line(&mut coverage, dot(8.0), dot(20.0), 1.0);
        assert_eq!(coverage[14 * SIDE + 14], 0.5);
    }

    #[test]
    fn framing_centres_the_mass_and_keeps_all_ink() {
        let mut image = [0; PIXELS];
        image[4 * SIDE + 4] = 255;
        assert_eq!(frame(&image)[14 * SIDE + 14], 255);
        let mut image = [0; PIXELS];
        for column in 4..24 {
            image[4 * SIDE + column] = if column < 8 { 255 } else { 1 };
        }
        let framed = frame(&image);
        let total = |image: &[u8; PIXELS]| image.iter().map(|&level| u32::from(level)).sum::<u32>();
        assert_eq!(total(&framed), total(&image));
        assert_eq!(framed[14 * SIDE + SIDE - 1], 1, "the far end reaches the frame and no further");
        assert_eq!(frame(&[0; PIXELS]), [0; PIXELS]);
    }
}
