//! Cuts the ink of a line into pieces, more than there are digits: parts of components between thin places.

use super::seams::{Seam, seams};
use crate::imaging::{Gray, InkBox, Strip, StripComponent};

/// Least longer side of a component, relative to the height of the digits; smaller ones are specks.
const MIN_SIZE: f32 = 0.12;
/// Least width of a component that may be more than one digit, relative to the height of the digits.
const MIN_WIDTH: f32 = 0.5;
/// Least width of a piece, relative to the height of the digits.
const MIN_PIECE: f32 = 0.08;

/// A piece of a component.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Solid and soft pixels with their levels: column, row, level.
    pub(super) pixels: Vec<(u16, u16, u8)>,
    /// Box of the pixels.
    pub(super) area: InkBox,
    /// Number of its component.
    pub(super) component: usize,
    /// Ink that was cut on the left of it, in widths of a stroke; none at the edge of the component.
    pub(super) cut: Option<f32>,
}

/// Pieces of a line, from left to right.
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    /// Height of the digits, in pixels of the strip.
    pub(super) height: f32,
    /// Middle of the line, in rows of the strip.
    pub(super) middle: f32,
}

impl Pieces {
    /// Cuts the components of a strip.
    pub(super) fn of(strip: &Strip) -> Self {
        let height = strip.digit_height;
        let least = (MIN_SIZE * height).max(1.0);
        let components: Vec<StripComponent> = strip
            .components()
            .into_iter()
            .filter(|component| component.area.width.max(component.area.height) as f32 >= least)
            .collect();
        let stroke = stroke(&components);
        let mut pieces: Vec<Piece> = Vec::new();
        for (number, component) in components.iter().enumerate() {
            let found = match component.area.width as f32 >= MIN_WIDTH * height {
                true => seams(&component.ink(), stroke, height),
                false => Vec::new(),
            };
            pieces.extend(divided(component, number, &found, (MIN_PIECE * height).max(1.0)));
        }
        let tall: Vec<f32> = components
            .iter()
            .filter(|component| component.area.height as f32 >= 0.7 * height)
            .map(|component| component.area.middle().1)
            .collect();
        let middle = match tall.len() {
            0 => strip.ink.height() as f32 / 2.0,
            count => tall.iter().sum::<f32>() / count as f32,
        };
        let mut all = Self { pieces, height, middle };
        all.sort();
        all
    }

    /// Sorts by the middles of the pieces; the pieces of a component keep their order.
    fn sort(&mut self) {
        let x = |piece: &Piece| piece.area.middle().0;
        self.pieces.sort_by(|a, b| x(a).total_cmp(&x(b)));
    }

    /// Removes the cuts inside a component: it stays whole.
    pub(super) fn without_cuts(&mut self, component: usize) {
        let (inside, others): (Vec<Piece>, Vec<Piece>) =
            std::mem::take(&mut self.pieces).into_iter().partition(|piece| piece.component == component);
        self.pieces = others;
        if let Some(area) = InkBox::enclosing(inside.iter().map(|piece| piece.area)) {
            let pixels = inside.into_iter().flat_map(|piece| piece.pixels).collect();
            self.pieces.push(Piece { pixels, area, component, cut: None });
        }
        self.sort();
    }

    /// Box around some pieces.
    pub(super) fn area(&self, first: usize, end: usize) -> Option<InkBox> {
        InkBox::enclosing(self.pieces[first..end].iter().map(|piece| piece.area))
    }

    /// Image of some pieces, cropped to their box.
    pub(super) fn image(&self, first: usize, end: usize) -> Option<Gray> {
        let area = self.area(first, end)?;
        let mut pixels = vec![0; area.width * area.height];
        for &(x, y, level) in self.pieces[first..end].iter().flat_map(|piece| &piece.pixels) {
            pixels[(usize::from(y) - area.top) * area.width + usize::from(x) - area.left] = level;
        }
        Gray::new(area.width, area.height, pixels)
    }
}

/// Width of the strokes: the median length of the rows of solid pixels.
fn stroke(components: &[StripComponent]) -> f32 {
    let mut lengths: Vec<usize> = components.iter().flat_map(|component| component.run_lengths()).collect();
    let middle = lengths.len() / 2;
    if lengths.is_empty() { 1.0 } else { (*lengths.select_nth_unstable(middle).1 as f32).max(1.0) }
}

/// Pieces of a component between seams.
fn divided(component: &StripComponent, number: usize, seams: &[Seam], least: f32) -> Vec<Piece> {
    let mut parts = vec![Vec::new(); seams.len() + 1];
    let cuts = std::iter::once(None).chain(seams.iter().map(|seam| Some(seam.cost)));
    for &(x, y, level) in &component.pixels {
        let (column, row) = (usize::from(x) - component.area.left, usize::from(y) - component.area.top);
        // Seams do not cross: those to the left of a pixel come first.
        let place = seams.partition_point(|seam| usize::from(seam.columns[row]) <= column);
        parts[place].push((x, y, level));
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (pixels, cut) in parts.into_iter().zip(cuts) {
        let area = InkBox::enclosing(pixels.iter().map(|&(x, y, _)| InkBox {
            left: x.into(),
            top: y.into(),
            width: 1,
            height: 1,
        }));
        let Some(area) = area else { continue };
        match pieces.last_mut() {
            // A sliver belongs to the piece before it.
            Some(last) if (area.width as f32) < least && (area.height as f32) < 3.0 * least => {
                last.pixels.extend(pixels);
                last.area = InkBox::enclosing([last.area, area]).unwrap_or(area);
            }
            last => {
                let cut = if last.is_some() { cut } else { None };
                pieces.push(Piece { pixels, area, component: number, cut });
            }
        }
    }
    pieces
}
