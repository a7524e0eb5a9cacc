//! The plotting area with its two axes.

use crate::report::{
    canvas::{Anchor, Canvas, Stroke, Style, text_width},
    scale::{Scale, Tick},
    theme::Paint,
};

/// Font size of axis labels, in pixels.
const SIZE: f64 = 10.5;

/// A plotting area and the scales of its axes.
pub(super) struct Axes<'a> {
    /// `[x, y, width, height]`, in pixels.
    pub(super) area: [f64; 4],
    pub(super) x: &'a Scale,
    pub(super) y: &'a Scale,
}

impl Axes<'_> {
    /// Pixel coordinates of a pair of values.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, width, height] = self.area;
        (left + width * self.x.position(x), top + height * (1.0 - self.y.position(y)))
    }

    /// Draws vertical grid lines (or short ticks), tick labels and the axis label below.
    pub(super) fn draw_x(&self, canvas: &mut Canvas, label: &str, grid: bool) {
        let [left, top, width, height] = self.area;
        let bottom = top + height;
        let ticks = self.x.ticks();
        for tick in &ticks {
            let x = left + width * tick.position;
            let stroke =
                if grid { ([x, top, x, bottom], Paint::Grid) } else { ([x, bottom, x, bottom + 4.0], Paint::Soft) };
            canvas.line(stroke.0, Stroke::new(stroke.1, 1.0));
        }
        let span = |tick: &Tick| {
            let (x, half) = (left + width * tick.position, text_width(&tick.label, SIZE) / 2.0);
            (x - half - 3.0, x + half + 3.0)
        };
        for tick in with_room(&ticks, span) {
            let x = left + width * tick.position;
            canvas.text((x, bottom + 16.0), &tick.label, Style::new(Anchor::Middle).size(SIZE).paint(Paint::Soft));
        }
        canvas.text((left + width / 2.0, bottom + 33.0), label, Style::new(Anchor::Middle).size(SIZE));
    }

    /// Draws horizontal grid lines, tick labels on the left, and the axis label above, flush left.
    pub(super) fn draw_y(&self, canvas: &mut Canvas, label: &str) {
        let [left, top, width, height] = self.area;
        let at = |tick: &Tick| top + height * (1.0 - tick.position);
        let ticks = self.y.ticks();
        for tick in &ticks {
            canvas.line([left, at(tick), left + width, at(tick)], Stroke::new(Paint::Grid, 1.0));
        }
        for tick in with_room(&ticks, |tick| (at(tick) - SIZE / 2.0, at(tick) + SIZE / 2.0)) {
            canvas.text(
                (left - 7.0, at(tick) + 3.5),
                &tick.label,
                Style::new(Anchor::End).size(SIZE).paint(Paint::Soft),
            );
        }
        canvas.text((0.0, top - 12.0), label, Style::new(Anchor::Start).size(SIZE));
    }

    /// Draws the base line.
    pub(super) fn draw_base(&self, canvas: &mut Canvas) {
        let [left, top, width, height] = self.area;
        canvas.line([left, top + height, left + width, top + height], Stroke::new(Paint::Soft, 1.0));
    }
}

/// Ticks whose labels do not overlap; major ticks take precedence.
fn with_room(ticks: &[Tick], span: impl Fn(&Tick) -> (f64, f64)) -> Vec<&Tick> {
    let mut placed: Vec<&Tick> = Vec::new();
    for major in [true, false] {
        for tick in ticks.iter().filter(|tick| tick.major == major) {
            let (low, high) = span(tick);
            let free = placed.iter().all(|other| {
                let (other_low, other_high) = span(other);
                high <= other_low || low >= other_high
            });
            if free {
                placed.push(tick);
            }
        }
    }
    placed
}

/// Moves label positions apart so that neighbours are at least `gap` pixels apart; keeps their order.
pub(super) fn spread(positions: &mut [f64], gap: f64, low: f64, high: f64) {
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by(|&a, &b| positions[a].total_cmp(&positions[b]));
    let mut floor = low;
    for &label in &order {
        positions[label] = positions[label].max(floor);
        floor = positions[label] + gap;
    }
    let mut ceiling = high;
    for &label in order.iter().rev() {
        positions[label] = positions[label].min(ceiling);
        ceiling = positions[label] - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_spread_within_the_bounds() {
        let mut positions = [50.0, 49.0, 98.0];
        spread(&mut positions, 12.0, 0.0, 100.0);
        assert_eq!(positions, [61.0, 49.0, 98.0]);
        let mut positions = [99.0, 100.0];
        spread(&mut positions, 12.0, 0.0, 100.0);
        assert_eq!(positions, [88.0, 100.0]);
    }
}
