//! What distinguishes one digit from a scribble, measured on the 28×28 image.

use serde::{Deserialize, Serialize};

use crate::{
    data::{PIXELS, SIDE},
    imaging::{Gray, ink_box, pieces},
};

/// Pixels at or above this level are ink here: thin strokes of a scanned digit stay connected.
const SOLID: u8 = 64;

/// Numbers of one image that are moderate for a digit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Sum of the levels, in pixels of full ink.
    pub ink: f32,
    /// Share of the ink box that is ink.
    pub fill: f32,
    /// Strokes that a row or a column of the ink box crosses, on average: the larger of the two.
    pub crossings: f32,
    /// Places of background that ink encloses.
    pub holes: f32,
    /// Connected pieces of ink.
    pub pieces: f32,
    /// Width over height of the ink box.
    pub aspect: f32,
}

impl Shape {
    /// Of a 28×28 image, 255 = ink; `None` if it has no ink.
    pub fn of(image: &[u8; PIXELS]) -> Option<Self> {
        let solid = image.map(|level| if level >= SOLID { 255 } else { 0 });
        let area = ink_box(&solid)?;
        let rows: Vec<&[u8]> =
            solid.chunks(SIDE).skip(area.top).take(area.height).map(|row| &row[area.left..area.left + area.width]).collect();
        let across = rows.iter().map(|row| runs(row.iter())).sum::<usize>() as f32 / area.height as f32;
        let down = (0..area.width).map(|x| runs(rows.iter().map(|row| &row[x]))).sum::<usize>() as f32 / area.width as f32;
        let inked = rows.iter().flat_map(|row| row.iter()).filter(|&&level| level > 0).count();
        Some(Self {
            ink: image.iter().map(|&level| f32::from(level)).sum::<f32>() / 255.0,
            fill: inked as f32 / (area.width * area.height) as f32,
            crossings: across.max(down),
            holes: holes(&solid) as f32,
            pieces: pieces(&Gray::new(SIDE, SIDE, image.to_vec())?, SOLID).len() as f32,
            aspect: area.width as f32 / area.height as f32,
        })
    }

    /// The numbers in one order.
    pub(super) fn values(&self) -> [f32; 6] {
        [self.ink, self.fill, self.crossings, self.holes, self.pieces, self.aspect]
    }

    /// The inverse of [`Shape::values`].
    pub(super) fn from_values([ink, fill, crossings, holes, pieces, aspect]: [f32; 6]) -> Self {
        Self { ink, fill, crossings, holes, pieces, aspect }
    }
}

/// How often a line passes from background into ink.
fn runs<'a>(line: impl Iterator<Item = &'a u8>) -> usize {
    let mut inside = false;
    line.filter(|&&level| {
        let enters = level > 0 && !inside;
        inside = level > 0;
        enters
    })
    .count()
}

/// Regions of background, connected by edges, that do not reach the frame.
fn holes(solid: &[u8; PIXELS]) -> usize {
    let mut seen = solid.map(|level| level > 0);
    let mut open = Vec::new();
    let mut flood = |seen: &mut [bool; PIXELS], start: usize| {
        open.push(start);
        seen[start] = true;
        while let Some(place) = open.pop() {
            let (x, y) = (place % SIDE, place / SIDE);
            let neighbours = [
                (x > 0, place.wrapping_sub(1)),
                (x + 1 < SIDE, place + 1),
                (y > 0, place.wrapping_sub(SIDE)),
                (y + 1 < SIDE, place + SIDE),
            ];
            for (_, next) in neighbours.into_iter().filter(|(inside, _)| *inside) {
                if !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
    };
    let frame = (0..SIDE).flat_map(|place| [place, (SIDE - 1) * SIDE + place, place * SIDE, place * SIDE + SIDE - 1]);
    for place in frame {
        if !seen[place] {
            flood(&mut seen, place);
        }
    }
    let mut holes = 0;
    for place in 0..PIXELS {
        if !seen[place] {
            flood(&mut seen, place);
            holes += 1;
        }
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(rows: &[&str]) -> [u8; PIXELS] {
        let mut image = [0; PIXELS];
        for (y, row) in rows.iter().enumerate() {
            for (x, symbol) in row.bytes().enumerate() {
                image[(4 + y) * SIDE + 4 + x] = if symbol == b'#' { 255 } else { 0 };
            }
        }
        image
    }

    #[test]
    fn an_eight_has_two_holes_and_a_pair_two_pieces() {
        let eight = Shape::of(&image(&["####", "#..#", "####", "#..#", "####"])).unwrap();
        assert_eq!((eight.holes, eight.pieces, eight.ink, eight.aspect), (2.0, 1.0, 16.0, 0.8));
        assert_eq!((eight.fill, eight.crossings), (16.0 / 20.0, 2.0));
        let pair = Shape::of(&image(&["#..#", "#..#"])).unwrap();
        assert_eq!((pair.holes, pair.pieces, pair.crossings), (0.0, 2.0, 2.0));
    }

    #[test]
    fn faint_and_empty_images_have_no_shape() {
        assert_eq!(Shape::of(&[0; PIXELS]), None);
        assert_eq!(Shape::of(&[SOLID - 1; PIXELS]), None);
        let full = Shape::of(&[255; PIXELS]).unwrap();
        assert_eq!((full.ink, full.fill, full.holes, full.crossings), (784.0, 1.0, 0.0, 1.0));
    }
}
