//! Marks of data points.

use crate::report::{
    canvas::{Canvas, Stroke},
    theme::Paint,
};

/// Shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Ring,
    Dot,
    Diamond,
    Cross,
    /// Vertical stroke.
    Bar,
    Line,
    Dashes,
}

/// Draws a mark around a point.
pub(super) fn draw_mark(canvas: &mut Canvas, (x, y): (f64, f64), mark: Mark, paint: Paint) {
    match mark {
        Mark::Ring => canvas.dot((x, y), 3.2, paint, false),
        Mark::Dot => canvas.dot((x, y), 3.4, paint, true),
        Mark::Diamond => canvas.polygon(&[(x, y - 5.6), (x + 5.6, y), (x, y + 5.6), (x - 5.6, y)], paint, 1.0),
        Mark::Cross => {
            canvas.line([x - 3.4, y - 3.4, x + 3.4, y + 3.4], Stroke::new(paint, 1.5));
            canvas.line([x - 3.4, y + 3.4, x + 3.4, y - 3.4], Stroke::new(paint, 1.5));
        }
        Mark::Bar => canvas.line([x, y - 4.0, x, y + 4.0], Stroke::new(paint, 2.0)),
        Mark::Line => canvas.line([x - 7.0, y, x + 7.0, y], Stroke::new(paint, 1.5)),
        Mark::Dashes => canvas.line([x - 7.0, y, x + 7.0, y], Stroke::new(paint, 1.25).dashed()),
    }
}
