//! From a template's knots to curves with a width: the hand that writes.
//!
//! Knots are displaced, warped, slanted and turned; a centripetal Catmull–Rom spline (Barry and Goldman 1988; Yuksel et
//! al. 2011), which goes through every knot without loops of its own, joins them, broken only at knots that the table
//! marks as corners.

use super::{
    style::{Draw, Style},
    templates::{Knot, Template},
};

/// Points of the flattened curve between two knots.
const STEPS: usize = 7;

/// A point on the flattened curve, in the template's units until it is framed, then in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dot {
    pub x: f32,
    pub y: f32,
    /// Half the width of the line relative to the style's radius.
    pub weight: f32,
}

/// Writes the template: one list of dots for each stroke.
pub(super) fn write(template: &Template, style: &Style, draw: &mut Draw) -> Vec<Vec<Dot>> {
    let shares = shares(template.shapes.len(), draw);
    let strokes = template.shapes[0].len();
    (0..strokes)
        .map(|stroke| {
            let mut knots = blend(template, &shares, stroke);
            let shift = (draw.normal(0.0, style.stroke_jitter), draw.normal(0.0, style.stroke_jitter));
            jitter(&mut knots, shift, style, draw);
            stretch_ends(&mut knots, style, draw);
            for knot in &mut knots {
                displace(knot, style);
            }
            let mut dots = flatten(&knots);
            press(&mut dots, style, draw);
            dots
        })
        .collect()
}

/// Shares of the shapes in the mixture, which sum to 1: one shape, drawn on to or away from another one.
///
/// Two at a time, since a mixture of many would always come out near their mean.
fn shares(count: usize, draw: &mut Draw) -> Vec<f32> {
    let (main, other) = (draw.below(count), draw.below(count));
    let part = draw.uniform(-0.1, 0.5);
    let mut shares = vec![0.0; count];
    shares[main] += 1.0 - part;
    shares[other] += part;
    shares
}

/// The knots of one stroke in the mixture of shapes.
fn blend(template: &Template, shares: &[f32], stroke: usize) -> Vec<Knot> {
    let mut knots = template.shapes[0][stroke].to_vec();
    for (index, knot) in knots.iter_mut().enumerate() {
        knot.x = 0.0;
        knot.y = 0.0;
        for (shape, share) in template.shapes.iter().zip(shares) {
            knot.x += share * shape[stroke][index].x;
            knot.y += share * shape[stroke][index].y;
        }
    }
    knots
}

/// Moves every knot: all of them by `shift`, and each by a draw that it shares in part with its neighbours, since a
/// hand does not shake from knot to knot but errs for a while in one direction.
fn jitter(knots: &mut [Knot], shift: (f32, f32), style: &Style, draw: &mut Draw) {
    let mut own = || (draw.normal(0.0, style.knot_jitter), draw.normal(0.0, style.knot_jitter));
    let (mut before, mut here) = (own(), own());
    for knot in knots {
        let after = own();
        knot.x += shift.0 + 0.4 * before.0 + 0.7 * here.0 + 0.4 * after.0;
        knot.y += shift.1 + 0.4 * before.1 + 0.7 * here.1 + 0.4 * after.1;
        (before, here) = (here, after);
    }
}

/// Draws the first and the last segment on, or stops short.
fn stretch_ends(knots: &mut [Knot], style: &Style, draw: &mut Draw) {
    let last = knots.len() - 1;
    for (end, inner) in [(0, 1), (last, last - 1)] {
        let by = draw.normal(0.0, style.end_spread);
        knots[end].x += by * (knots[end].x - knots[inner].x);
        knots[end].y += by * (knots[end].y - knots[inner].y);
    }
}

/// Warps, widens, slants and turns a knot about the middle of the template's box.
fn displace(knot: &mut Knot, style: &Style) {
    let (x, y) = ((knot.x - 32.0) / 50.0, (knot.y - 50.0) / 50.0);
    let [a, b, c, d, e, f] = style.warp;
    let (x, y) = (x + a * x * x + b * x * y + c * y * y, y + d * x * x + e * x * y + f * y * y);
    let x = x * style.width - style.slant * y;
    let square = style.half_turn * style.half_turn;
    let (cos, sin) = ((1.0 - square) / (1.0 + square), 2.0 * style.half_turn / (1.0 + square));
    (knot.x, knot.y) = (cos * x - sin * y, sin * x + cos * y);
}

/// The curve through the knots, straight where corners leave two of them.
fn flatten(knots: &[Knot]) -> Vec<Dot> {
    let mut dots = vec![Dot { x: knots[0].x, y: knots[0].y, weight: 1.0 }];
    for index in 0..knots.len() - 1 {
        let (from, to) = (knots[index], knots[index + 1]);
        let before = if index == 0 || from.corner { mirrored(from, to) } else { knots[index - 1] };
        let after = if index + 2 == knots.len() || to.corner { mirrored(to, from) } else { knots[index + 2] };
        for step in 1..=STEPS {
            let (x, y) = catmull_rom([before, from, to, after], step as f32 / STEPS as f32);
            dots.push(Dot { x, y, weight: 1.0 });
        }
    }
    dots
}

/// The point as far behind `end` as `inner` is before it.
fn mirrored(end: Knot, inner: Knot) -> Knot {
    Knot { x: 2.0 * end.x - inner.x, y: 2.0 * end.y - inner.y, corner: false }
}

/// The centripetal Catmull–Rom curve between the second and the third point at `part`, 0 to 1.
fn catmull_rom(points: [Knot; 4], part: f32) -> (f32, f32) {
    let mut times = [0.0_f32; 4];
    for index in 1..4 {
        let (dx, dy) = (points[index].x - points[index - 1].x, points[index].y - points[index - 1].y);
        times[index] = times[index - 1] + (dx * dx + dy * dy).sqrt().sqrt().max(1e-4);
    }
    let at = times[1] + part * (times[2] - times[1]);
    let mut xy = points.map(|point| (point.x, point.y));
    for level in 1..4 {
        let (start, end) = if level == 3 { (1, 2) } else { (0, 4 - level) };
        if level == 3 {
            xy[0] = mix(xy[0], xy[1], times[start], times[end], at);
        } else {
            for index in 0..end {
                xy[index] = mix(xy[index], xy[index + 1], times[index], times[index + level], at);
            }
        }
    }
    xy[0]
}

/// Linear interpolation of `a` at time `from` and `b` at time `to`.
fn mix(a: (f32, f32), b: (f32, f32), from: f32, to: f32, at: f32) -> (f32, f32) {
    let share = (at - from) / (to - from);
    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
}

/// Gives every dot its weight: pressure that wanders, a nib that is broader in one direction, thinner ends.
fn press(dots: &mut [Dot], style: &Style, draw: &mut Draw) {
    let last = dots.len() - 1;
    let marks: [f32; 5] = std::array::from_fn(|_| draw.normal(1.0, style.pressure));
    let taper = (draw.unit() * style.taper, draw.unit() * style.taper);
    let plain: Vec<Dot> = dots.to_vec();
    for (index, dot) in dots.iter_mut().enumerate() {
        let along = index as f32 / last as f32;
        let mark = along * (marks.len() - 1) as f32;
        let lower = (mark as usize).min(marks.len() - 2);
        let pressure = marks[lower] + (mark - lower as f32) * (marks[lower + 1] - marks[lower]);
        let (a, b) = (plain[index.saturating_sub(1)], plain[(index + 1).min(last)]);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let upright = (dy * dy - dx * dx) / (dx * dx + dy * dy).max(1e-12);
        let near = |from_end: usize| (1.0 - from_end as f32 / STEPS as f32).max(0.0);
        let ends = 1.0 - taper.0 * near(index) - taper.1 * near(last - index);
        dot.weight = (pressure * draw.normal(1.0, style.roughness) * (1.0 + style.nib * upright) * ends).max(0.3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knot(x: f32, y: f32, corner: bool) -> Knot {
        Knot { x, y, corner }
    }

    #[test]
    fn the_curve_goes_through_every_knot() {
        let knots = [knot(0.0, 0.0, false), knot(10.0, 30.0, false), knot(40.0, 10.0, true), knot(20.0, -30.0, false)];
        let dots = flatten(&knots);
        assert_eq!(dots.len(), 3 * STEPS + 1);
        for (index, knot) in knots.iter().enumerate() {
            let dot = dots[index * STEPS];
            assert!((dot.x - knot.x).abs() < 1e-3 && (dot.y - knot.y).abs() < 1e-3, "{dot:?} is not at {knot:?}");
        }
    }

    #[test]
    fn corners_leave_straight_lines() {
        let dots = flatten(&[knot(0.0, 0.0, true), knot(30.0, 0.0, true), knot(30.0, 60.0, true)]);
        assert!(
            dots[..=STEPS].iter().all(|dot| dot.y.abs() < 1e-3)
                && dots[STEPS..].iter().all(|dot| (dot.x - 30.0).abs() < 1e-3)
        );
    }

    #[test]
    fn knots_on_one_spot_do_no_harm() {
        let dots = flatten(&[knot(1.0, 1.0, false), knot(1.0, 1.0, false), knot(1.0, 1.0, false)]);
        assert!(dots.iter().all(|dot| dot.x.is_finite() && dot.y.is_finite()));
    }

    #[test]
    fn shares_sum_to_one() {
        for index in 0..50 {
            let shares = shares(5, &mut Draw::new(crate::seed::Seed(1).index(index)));
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5 && shares.iter().all(|share| *share >= -0.1));
        }
    }
}
