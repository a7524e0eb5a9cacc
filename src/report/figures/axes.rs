//! The rectangle that values are drawn in, with its two axes.

use crate::report::{
    canvas::{Anchor, Canvas, Stroke, Style, text_width},
    scale::{Scale, Tick},
    theme::Paint,
};

/// Text beside axes.
const SIZE: f64 = 10.5;

/// A plotting area: `[x, y, width, height]` and what its sides stand for.
pub(super) struct Axes<'a> {
    pub(super) area: [f64; 4],
    pub(super) x: &'a Scale,
    pub(super) y: &'a Scale,
}

impl Axes<'_> {
    /// Where two values lie.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, width, height] = self.area;
        (left + width * self.x.place(x), top + height * (1.0 - self.y.place(y)))
    }

    /// Vertical grid lines, labels below, and what they measure.
    pub(super) fn draw_x(&self, canvas: &mut Canvas, label: &str, grid: bool) {
        let [left, top, width, height] = self.area;
        let bottom = top + height;
        let ticks = self.x.ticks();
        for tick in &ticks {
            let x = left + width * tick.place;
            let stroke =
                if grid { ([x, top, x, bottom], Paint::Grid) } else { ([x, bottom, x, bottom + 4.0], Paint::Soft) };
            canvas.line(stroke.0, Stroke::new(stroke.1, 1.0));
        }
        let span = |tick: &Tick| {
            let (x, half) = (left + width * tick.place, text_width(&tick.label, SIZE) / 2.0);
            (x - half - 3.0, x + half + 3.0)
        };
        for tick in with_room(&ticks, span) {
            let x = left + width * tick.place;
            canvas.text((x, bottom + 16.0), &tick.label, Style::new(Anchor::Middle).size(SIZE).paint(Paint::Soft));
        }
        canvas.text((left + width / 2.0, bottom + 33.0), label, Style::new(Anchor::Middle).size(SIZE));
    }

    /// Horizontal grid lines, labels on the left, and what they measure above them, flush left.
    pub(super) fn draw_y(&self, canvas: &mut Canvas, label: &str) {
        let [left, top, width, height] = self.area;
        let at = |tick: &Tick| top + height * (1.0 - tick.place);
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

    /// The line that the values stand on.
    pub(super) fn draw_base(&self, canvas: &mut Canvas) {
        let [left, top, width, height] = self.area;
        canvas.line([left, top + height, left + width, top + height], Stroke::new(Paint::Soft, 1.0));
    }
}

/// The marks whose labels do not overlap: those of powers of ten are placed first.
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

/// Moves the places of labels apart, keeping their order, so that each has `gap` pixels.
pub(super) fn spread(places: &mut [f64], gap: f64, low: f64, high: f64) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut floor = low;
    for &label in &order {
        places[label] = places[label].max(floor);
        floor = places[label] + gap;
    }
    let mut ceiling = high;
    for &label in order.iter().rev() {
        places[label] = places[label].min(ceiling);
        ceiling = places[label] - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_and_stay_inside() {
        let mut places = [50.0, 49.0, 98.0];
        spread(&mut places, 12.0, 0.0, 100.0);
        assert_eq!(places, [61.0, 49.0, 98.0]);
        let mut places = [99.0, 100.0];
        spread(&mut places, 12.0, 0.0, 100.0);
        assert_eq!(places, [88.0, 100.0]);
    }
}
