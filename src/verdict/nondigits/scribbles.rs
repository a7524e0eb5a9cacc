//! Scribbles, blots and signs that mean nothing.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{
    CANVAS,
    sketch::{Point, Sketch},
};
use crate::imaging::{Gray, draw_line};

/// A polyline or curve through 6 to about 20 random points, thin or so thick that it forms a blot.
pub(super) fn scribble(draw: &mut ChaCha8Rng, curved: bool) -> Option<Gray> {
    let width =
        if draw.random_range(0..10) == 0 { draw.random_range(12.0..40.0) } else { draw.random_range(3.0..12.0f32) };
    let (wide, high) = (draw.random_range(0.4..1.0f32), draw.random_range(0.4..1.0f32));
    let reach = CANVAS as f32 - width;
    let mut point = || {
        (
            width / 2.0 + reach * wide * draw.random_range(0.0..1.0f32),
            width / 2.0 + reach * high * draw.random_range(0.0..1.0f32),
        )
    };
    let first: Vec<Point> = (0..6).map(|_| point()).collect();
    let more = (point().0 / CANVAS as f32 * 16.0) as usize;
    let points: Vec<Point> = first.into_iter().chain((0..more).map(|_| point())).collect();
    let path = if curved { smoothed(&points) } else { points };
    let mut levels = vec![0u8; CANVAS * CANVAS];
    for ends in path.windows(2) {
        draw_line(&mut levels, CANVAS, ends[0], ends[1], width);
    }
    Gray::new(CANVAS, CANVAS, levels)
}

/// A sign of three to five strokes, each a random line or arc. With fewer strokes, many would look like a 1, 4 or 7.
pub(super) fn sign(draw: &mut ChaCha8Rng) -> Sketch {
    let (wide, high) = (draw.random_range(0.5..1.0f32), draw.random_range(0.5..1.0f32));
    let mut point = || (wide * draw.random_range(0.0..1.0f32), high * draw.random_range(0.0..1.0f32));
    let strokes = (0..3 + (point().0 / wide * 3.0) as usize)
        .map(|_| {
            let ends = [point(), point(), point()];
            if ends[2].0 < wide / 2.0 {
                smoothed(&[ends[0], ends[0], ends[1], ends[2], ends[2]])
            } else {
                ends[..2].to_vec()
            }
        })
        .collect();
    Sketch::new(strokes, draw.random_range(0.6..1.6))
}

/// Quadratic Bézier curves between the midpoints of the segments, with the points as control points.
fn smoothed(points: &[Point]) -> Vec<Point> {
    const STEPS: usize = 8;
    let middle = |a: Point, b: Point| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let mut path = Vec::new();
    for corner in points.windows(3) {
        let (from, to) = (middle(corner[0], corner[1]), middle(corner[1], corner[2]));
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            path.push(interpolated(interpolated(from, corner[1], t), interpolated(corner[1], to, t), t));
        }
    }
    path
}

/// The point at `share` (0 to 1) of the way from `a` to `b`.
fn interpolated(a: Point, b: Point, share: f32) -> Point {
    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
}
