//! Pictures of numbers made of 28×28 digits, and of pages without any: for measurements and tests of reading.

use digitstack::{
    data::{PIXELS, SIDE},
    imaging::{Filter, Gray, InkBox, draw_line, thicken, thin},
    seed::Seed,
};
use image::{DynamicImage, RgbImage};
use rand::RngExt;

/// How the digits of a number are written.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// Height of the digits, in pixels.
    pub height: f32,
    /// Gap between neighbours, relative to the height; where `overlap` is given, it is not used.
    pub gap: (f32, f32),
    /// Digits touch: each is moved left until its ink meets that of the one before, and then by a share of its width.
    pub overlap: Option<(f32, f32)>,
    /// Greatest slope of the line, in degrees to either side.
    pub slope: f32,
    /// Relative deviation of the sizes of the digits.
    pub sizes: f32,
    /// Change of the width of the strokes, in pixels of the 28×28 digits, to either side.
    pub strokes: f32,
}

impl Default for Writing {
    /// Well spaced digits, a little uneven.
    fn default() -> Self {
        Self { height: 64.0, gap: (0.12, 0.5), overlap: None, slope: 3.0, sizes: 0.08, strokes: 0.4 }
    }
}

/// Background and light of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// White, even.
    Plain,
    /// Uneven light and grain.
    Lit,
    /// A shadow over a part.
    Shadow,
    /// Coloured.
    Coloured,
    /// Ruled in lines or squares.
    Ruled,
    /// On a dark table.
    Table,
}

impl Paper {
    pub const ALL: [Self; 6] = [Self::Plain, Self::Lit, Self::Shadow, Self::Coloured, Self::Ruled, Self::Table];
}

/// Ink of a page, and where its digits are.
pub struct Sheet {
    pub width: usize,
    pub height: usize,
    /// Coverage by ink, 0 to 1.
    pub ink: Vec<f32>,
    /// Boxes of the digits, in their order.
    pub boxes: Vec<InkBox>,
}

/// Writes a number on a sheet just large enough, with margins of about a digit.
pub fn number(digits: &[&[u8; PIXELS]], writing: &Writing, seed: Seed) -> Sheet {
    let mut draw = seed.derive("number").rng();
    let mut images: Vec<(Gray, f32)> = Vec::new();
    for digit in digits {
        let change = draw.random_range(-writing.strokes..=writing.strokes);
        let digit = if change >= 0.0 { thicken(digit, change) } else { thin(digit, -change) };
        let whole = Gray::new(SIDE, SIDE, digit.to_vec()).unwrap();
        let Some(area) = whole.ink_box() else { continue };
        // MNIST's digits are 20 pixels on their longer side.
        let scale = writing.height / 20.0 * (1.0 + draw.random_range(-writing.sizes..=writing.sizes));
        let size = |length: usize| (length as f32 * scale).round() as usize;
        let image = whole.crop(area).unwrap().resize(size(area.width), size(area.height), Filter::Bicubic);
        images.push((image, draw.random_range(-0.06..0.06) * writing.height));
    }
    let margin = writing.height;
    let length: f32 =
        images.iter().map(|(image, _)| image.width() as f32 + writing.gap.1.max(0.0) * writing.height).sum();
    let angle: f32 = draw.random_range(-writing.slope..=writing.slope).to_radians();
    let (width, high) = (length + 2.0 * margin, 1.4 * writing.height + 2.0 * margin);
    let mut flat = vec![0.0f32; width as usize * high as usize];
    let wide = width as usize;
    let (mut left, mut spans) = (margin as usize, Vec::new());
    for (index, (image, lift)) in images.iter().enumerate() {
        let top = (margin + 0.7 * writing.height - image.height() as f32 / 2.0 + lift) as usize;
        if index > 0 {
            left = match writing.overlap {
                Some((least, most)) => {
                    let share = draw.random_range(least..=most);
                    touching(&flat, wide, image, top, left) - (share * image.width() as f32) as usize
                }
                None => left + (draw.random_range(writing.gap.0..=writing.gap.1) * writing.height) as usize,
            };
        }
        for (y, row) in image.rows().enumerate() {
            for (x, &level) in row.iter().enumerate() {
                if let Some(pixel) = flat.get_mut((top + y) * wide + left + x) {
                    *pixel = pixel.max(f32::from(level) / 255.0);
                }
            }
        }
        spans.push(InkBox { left, top, width: image.width(), height: image.height() });
        left += image.width();
    }
    turned(&flat, (wide, high as usize), angle, &spans)
}

/// The leftmost place of an image at which its ink still meets that on the sheet, from the right.
fn touching(flat: &[f32], wide: usize, image: &Gray, top: usize, right: usize) -> usize {
    let meets = |left: usize| {
        image.rows().enumerate().any(|(y, row)| {
            row.iter()
                .enumerate()
                .any(|(x, &level)| level > 128 && flat.get((top + y) * wide + left + x).is_some_and(|&ink| ink > 0.5))
        })
    };
    (right.saturating_sub(image.width())..=right).rev().find(|&left| meets(left)).unwrap_or(right)
}

/// Turns a sheet about its middle; it grows so that nothing is lost.
fn turned(flat: &[f32], (wide, high): (usize, usize), angle: f32, spans: &[InkBox]) -> Sheet {
    let (cos, sin) = (angle.cos(), angle.sin());
    let (w, h) = (wide as f32, high as f32);
    let (width, height) = ((w * cos + h * sin.abs()).ceil() as usize, (h * cos + w * sin.abs()).ceil() as usize);
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let at = |x: f32, y: f32| {
        let (u, v) = (x.floor(), y.floor());
        let value = |u: f32, v: f32| {
            let is_inside = u >= 0.0 && v >= 0.0 && u < w && v < h;
            if is_inside { flat[v as usize * wide + u as usize] } else { 0.0 }
        };
        let (a, b) = (x - u, y - v);
        let above = value(u, v) * (1.0 - a) + value(u + 1.0, v) * a;
        above * (1.0 - b) + (value(u, v + 1.0) * (1.0 - a) + value(u + 1.0, v + 1.0) * a) * b
    };
    let ink = (0..width * height)
        .map(|index| {
            let (x, y) = ((index % width) as f32 - cx, (index / width) as f32 - cy);
            at(x * cos + y * sin + w / 2.0, y * cos - x * sin + h / 2.0)
        })
        .collect();
    let boxes = spans.iter().map(|span| {
        let (x, y) = span.middle();
        let (x, y) = (x - w / 2.0, y - h / 2.0);
        let (x, y) = (x * cos - y * sin + cx, x * sin + y * cos + cy);
        let corner = |at: f32, length: usize| (at - length as f32 / 2.0).max(0.0) as usize;
        InkBox { left: corner(x, span.width), top: corner(y, span.height), ..*span }
    });
    Sheet { width, height, ink, boxes: boxes.collect() }
}

/// A sheet of lines of thick scribbles: wandering, zigzag, hatched or curled lines over most of it.
pub fn scribbles(width: usize, height: usize, seed: Seed) -> Sheet {
    let mut draw = seed.derive("scribbles").rng();
    let side = width.max(height);
    let mut levels = vec![0u8; side * side];
    let brush = draw.random_range(2.0..7.0f32);
    for _ in 0..draw.random_range(1..5) {
        let mut at = (draw.random_range(0.1..0.9) * width as f32, draw.random_range(0.1..0.9) * height as f32);
        let kind = draw.random_range(0..4);
        let mut heading = draw.random_range(0.0..std::f32::consts::TAU);
        let (length, steps) = (draw.random_range(12.0..50.0f32), draw.random_range(15..60));
        for step in 0..steps {
            let stride = match kind {
                // Wandering.
                0 => {
                    heading += draw.random_range(-1.0..1.0);
                    (length * heading.cos(), length * heading.sin())
                }
                // Zigzag.
                1 => (0.3 * length, if step % 2 == 0 { 2.0 * length } else { -2.0 * length }),
                // Curled.
                2 => {
                    heading += 0.7;
                    (0.5 * length * heading.cos() + 4.0, 0.5 * length * heading.sin())
                }
                // Any point.
                _ => (draw.random_range(-3.0..3.0) * length, draw.random_range(-3.0..3.0) * length),
            };
            let next =
                ((at.0 + stride.0).clamp(8.0, width as f32 - 8.0), (at.1 + stride.1).clamp(8.0, height as f32 - 8.0));
            draw_line(&mut levels, side, at, next, brush);
            at = next;
        }
    }
    let ink = (0..width * height).map(|at| f32::from(levels[at / width * side + at % width]) / 255.0).collect();
    Sheet { width, height, ink, boxes: Vec::new() }
}

/// A sheet without ink.
pub fn empty(width: usize, height: usize) -> Sheet {
    Sheet { width, height, ink: vec![0.0; width * height], boxes: Vec::new() }
}

/// Photographs a sheet: paper, light, the colour of the ink, blur and grain.
pub fn photograph(sheet: &Sheet, paper: Paper, seed: Seed) -> DynamicImage {
    let mut draw = seed.derive("photograph").rng();
    let (width, height) = (sheet.width, sheet.height);
    let is_plain = paper == Paper::Plain;
    let white: [f32; 3] = match paper {
        Paper::Coloured => [[250.0, 236.0, 150.0], [205.0, 225.0, 245.0], [245.0, 205.0, 205.0], [205.0, 235.0, 200.0]]
            [draw.random_range(0..4)],
        Paper::Plain => [255.0; 3],
        _ => [draw.random_range(190.0..240.0f32); 3],
    };
    let pen: [f32; 3] = [[30.0, 30.0, 32.0], [35.0, 45.0, 120.0], [110.0, 110.0, 112.0], [70.0, 25.0, 25.0]]
        [if is_plain { 0 } else { draw.random_range(0..4) }];
    let slope = if is_plain { (0.0, 0.0) } else { (draw.random_range(-0.25..0.25), draw.random_range(-0.2..0.2)) };
    let shadow =
        (draw.random_range(0.2..0.8) * width as f32, draw.random_range(-0.5..0.5f32), draw.random_range(3.0..40.0f32));
    let shade: f32 = draw.random_range(0.45..0.75);
    let grain = if is_plain { 0.0 } else { draw.random_range(1.0..4.0f32) };
    let pitch: f32 = draw.random_range(24.0..70.0);
    let (is_squared, rule, tilt) =
        (draw.random::<bool>(), draw.random_range(0.15..0.5f32), draw.random_range(-0.02..0.02f32));
    let rim = (draw.random_range(0.02..0.08) * width as f32, draw.random_range(0.02..0.08) * height as f32);
    let table = draw.random_range(40.0..90.0f32);
    let mut picture = RgbImage::new(width as u32, height as u32);
    for (index, pixel) in picture.pixels_mut().enumerate() {
        let (x, y) = ((index % width) as f32, (index / width) as f32);
        let mut light = 1.0 + slope.0 * (x / width as f32 - 0.5) + slope.1 * (y / height as f32 - 0.5);
        if paper == Paper::Shadow {
            let depth = ((x + shadow.1 * y - shadow.0) / shadow.2).clamp(0.0, 1.0);
            light *= 1.0 - (1.0 - shade) * depth;
        }
        let is_table =
            paper == Paper::Table && (x < rim.0 || y < rim.1 || x > width as f32 - rim.0 || y > height as f32 - rim.1);
        let line = |at: f32| {
            let distance = (at / pitch - (at / pitch).round()).abs() * pitch;
            (1.5 - distance).clamp(0.0, 1.0)
        };
        let ruled = match paper {
            Paper::Ruled if is_squared => line(y + tilt * x).max(line(x - tilt * y)),
            Paper::Ruled => line(y + tilt * x),
            _ => 0.0,
        };
        let noise = grain * (draw.random::<f32>() + draw.random::<f32>() + draw.random::<f32>() - 1.5) * 2.0;
        for (channel, out) in pixel.0.iter_mut().enumerate() {
            let ground = if is_table {
                table
            } else {
                let ruling = rule * if channel == 2 { 0.4 } else { 1.0 };
                white[channel] * (1.0 - ruling * ruled)
            };
            let level = ground + (pen[channel].min(ground) - ground) * sheet.ink[index];
            *out = (level * light.min(255.0 / white[channel].max(1.0)) + noise).round().clamp(0.0, 255.0) as u8;
        }
    }
    DynamicImage::from(picture)
}
