//! A drawing by pen: strokes that can be painted at any size.

use crate::{
    data::synthetic::Handwriting,
    imaging::{Gray, draw_line},
};

/// A point `(x, y)`, y downwards.
pub(super) type Point = (f32, f32);

/// Strokes in a box whose longer side is 1 and whose top left corner is (0, 0).
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    strokes: Vec<Vec<Point>>,
    /// Half the width of the writer's line, in twentieths of the longer side of the ink.
    radius: f32,
}

impl Sketch {
    pub(super) fn new(mut strokes: Vec<Vec<Point>>, radius: f32) -> Self {
        let (low, high) = bounds(&strokes);
        let longer = (high.0 - low.0).max(high.1 - low.1).max(1e-3);
        for point in strokes.iter_mut().flatten() {
            *point = ((point.0 - low.0) / longer, (point.1 - low.1) / longer);
        }
        Self { strokes, radius }
    }

    pub(super) fn of(handwriting: Handwriting) -> Self {
        Self::new(handwriting.strokes, handwriting.radius)
    }

    /// Half the width of the writer's line, in twentieths of the longer side of the ink.
    pub(super) fn radius(&self) -> f32 {
        self.radius
    }

    /// Width and height, of which the longer is 1.
    pub(super) fn size(&self) -> (f32, f32) {
        bounds(&self.strokes).1
    }

    /// The strokes scaled by `scale`, with the top left corner at `place`.
    pub(super) fn placed(&self, place: Point, scale: f32) -> impl Iterator<Item = Vec<Point>> {
        self.strokes
            .iter()
            .map(move |stroke| stroke.iter().map(|(x, y)| (place.0 + scale * x, place.1 + scale * y)).collect())
    }

    /// Paints the strokes on a canvas `[side, side]`, in its middle: `length` is their longer side and `width` that of
    /// the line, both in pixels.
    ///
    /// # Panics
    /// If `side` is 0.
    pub fn paint(&self, side: usize, length: f32, width: f32) -> Gray {
        let (wide, high) = self.size();
        let middle = side as f32 / 2.0;
        self.paint_at(side, (middle - length * wide / 2.0, middle - length * high / 2.0), length, width)
    }

    /// As [`Sketch::paint`], with the top left corner of the strokes at `place`.
    ///
    /// # Panics
    /// If `side` is 0.
    pub fn paint_at(&self, side: usize, place: (f32, f32), length: f32, width: f32) -> Gray {
        let mut levels = vec![0; side * side];
        for stroke in self.placed(place, length) {
            for ends in stroke.windows(2) {
                draw_line(&mut levels, side, ends[0], ends[1], width);
            }
        }
        Gray::new(side, side, levels).expect("the canvas has a pixel")
    }
}

/// Lowest and highest coordinates.
fn bounds(strokes: &[Vec<Point>]) -> (Point, Point) {
    let start = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    strokes.iter().flatten().fold(start, |(low, high), point| {
        ((low.0.min(point.0), low.1.min(point.1)), (high.0.max(point.0), high.1.max(point.1)))
    })
}
