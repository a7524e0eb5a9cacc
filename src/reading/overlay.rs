//! The picture with what was read drawn over it.

use image::{Rgb, RgbImage};

use super::number::Number;
use crate::imaging::{InkBox, PagePicture};

/// Colours of a number's box, of an accepted digit, and of a refused one or of ink that was passed over.
const NUMBER: Rgb<u8> = Rgb([40, 110, 235]);
/// See [`NUMBER`].
const ACCEPTED: Rgb<u8> = Rgb([0, 150, 60]);
/// See [`NUMBER`].
const REFUSED: Rgb<u8> = Rgb([215, 30, 30]);

/// Columns and rows of a glyph.
const GLYPH: (usize, usize) = (5, 7);
/// Glyphs of 0 to 9 and of `?`, rows from top to bottom, the leftmost pixel as the highest of five bits.
const GLYPHS: [[u8; 7]; 11] = [
    [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
    [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
    [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f],
    [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
    [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
    [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
    [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
    [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
    [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
    [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
    [0x0e, 0x11, 0x01, 0x02, 0x04, 0x00, 0x04],
];

/// Draws a box around each number and each digit, with the digit above it, over the picture as it was read.
pub fn overlay(page: &PagePicture, numbers: &[Number]) -> RgbImage {
    let mut picture = page.picture.to_rgb8();
    let scale =
        (picture.width() as f32 / page.width.max(1) as f32, picture.height() as f32 / page.height.max(1) as f32);
    let line = (picture.width().max(picture.height()) as usize / 700).max(1);
    for number in numbers {
        outline(&mut picture, scaled(number.area, scale), 3 * line, line, NUMBER);
        for area in &number.unread {
            outline(&mut picture, scaled(*area, scale), line, line, REFUSED);
        }
        for digit in &number.digits {
            let colour = if digit.refusal.is_some() { REFUSED } else { ACCEPTED };
            let area = scaled(digit.area, scale);
            outline(&mut picture, area, line, line, colour);
            let glyph = if digit.refusal.is_some() { 10 } else { usize::from(digit.digit).min(9) };
            let size = (area.height / 20).max(2 * line).max(2);
            write(&mut picture, glyph, area, size, colour);
        }
    }
    picture
}

fn scaled(area: InkBox, (across, down): (f32, f32)) -> InkBox {
    let side = |first: usize, length: usize, scale: f32| {
        let from = (first as f32 * scale) as usize;
        (from, (((first + length) as f32 * scale).ceil() as usize).saturating_sub(from).max(1))
    };
    let (left, width) = side(area.left, area.width, across);
    let (top, height) = side(area.top, area.height, down);
    InkBox { left, top, width, height }
}

/// Draws a frame `thick` pixels wide at a distance around a box, as far as it lies in the picture.
fn outline(picture: &mut RgbImage, area: InkBox, distance: usize, thick: usize, colour: Rgb<u8>) {
    let reach = (distance + thick) as isize;
    let (left, top) = (area.left as isize - reach, area.top as isize - reach);
    let (right, bottom) = (area.right() as isize + reach, area.bottom() as isize + reach);
    let thick = thick as isize;
    fill(picture, (left, top), (right, top + thick), colour);
    fill(picture, (left, bottom - thick), (right, bottom), colour);
    fill(picture, (left, top), (left + thick, bottom), colour);
    fill(picture, (right - thick, top), (right, bottom), colour);
}

/// Writes a glyph above a box, or inside where there is no room above.
fn write(picture: &mut RgbImage, glyph: usize, area: InkBox, size: usize, colour: Rgb<u8>) {
    let height = (GLYPH.1 + 2) * size;
    let top = if area.top >= height { area.top - height } else { area.top + size };
    for (y, row) in GLYPHS[glyph].iter().enumerate() {
        for x in (0..GLYPH.0).filter(|x| row >> (GLYPH.0 - 1 - x) & 1 == 1) {
            let (left, top) = ((area.left + x * size) as isize, (top + y * size) as isize);
            fill(picture, (left, top), (left + size as isize, top + size as isize), colour);
        }
    }
}

/// Fills a rectangle as far as it lies in the picture.
fn fill(picture: &mut RgbImage, (left, top): (isize, isize), (right, bottom): (isize, isize), colour: Rgb<u8>) {
    let (width, height) = (picture.width() as isize, picture.height() as isize);
    for y in top.clamp(0, height)..bottom.clamp(0, height) {
        for x in left.clamp(0, width)..right.clamp(0, width) {
            picture.put_pixel(x as u32, y as u32, colour);
        }
    }
}
