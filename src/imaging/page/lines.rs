//! Groups components into lines of digits, whatever their slope, and puts the lines into reading order.

use crate::imaging::{components::Component, ink::InkBox};

/// Least height of a digit, in pixels, and relative to the longer side of the picture.
const MIN_HEIGHT: (f32, f32) = (5.0, 0.003);
/// Least height of a component that can stand for a digit, relative to its width.
const FLAT: f32 = 0.1;
/// Greatest gap between neighbours in a line, relative to the larger height.
const MAX_GAP: f32 = 1.8;
/// Least ratio of the heights of neighbours.
const MIN_RATIO: f32 = 0.4;
/// Least overlap of the heights of neighbours, relative to the smaller.
const MIN_OVERLAP: f32 = 0.4;
/// Greatest slope of a line: the tangent of 18 degrees.
const MAX_SLOPE: f32 = 0.325;
/// Least number of components that tell the slope of a line by themselves.
const ENOUGH: usize = 3;
/// Least size of a part of a digit, as the longer side relative to the height of the line.
const MIN_PART: f32 = 0.12;
/// Distance beyond the ends of a line, relative to its height, within which a part belongs to it.
const PART_GAP: f32 = 0.25;
/// Heights of a line within which the middle of a part lies above or below that of the line.
const PART_OFFSET: f32 = 0.8;

/// A line of digits.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Indices of its components.
    pub(super) members: Vec<usize>,
    /// Height of its digits, in pixels.
    pub(super) height: f32,
    /// Rise of the line downwards for each pixel to the right.
    pub(super) slope: f32,
    /// Extent across the slope, for the reading order.
    top: f32,
    bottom: f32,
    left: f32,
    right: f32,
}

/// Middle and size of a component.
#[derive(Clone, Copy)]
struct Body {
    index: usize,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl Body {
    fn of(index: usize, area: InkBox) -> Self {
        let (x, y) = area.middle();
        Self { index, x, y, width: area.width as f32, height: area.height as f32 }
    }

    /// Height of the middle above or below a line of this slope through the origin.
    fn level(&self, slope: f32) -> f32 {
        self.y - slope * self.x
    }

    fn gap(&self, other: &Self) -> f32 {
        (self.x - other.x).abs() - (self.width + other.width) / 2.0
    }

    fn belongs_to(&self, other: &Self, slope: f32) -> bool {
        let (small, large) = (self.height.min(other.height), self.height.max(other.height));
        let distance = (self.level(slope) - other.level(slope)).abs();
        let overlap = (self.height + other.height) / 2.0 - distance;
        small >= MIN_RATIO * large && self.gap(other) <= MAX_GAP * large && overlap >= MIN_OVERLAP * small
    }
}

/// Finds the lines of a page of this size, in reading order.
pub(super) fn lines(components: &[Component], (width, height): (usize, usize)) -> Vec<Line> {
    let least = MIN_HEIGHT.0.max(MIN_HEIGHT.1 * width.max(height) as f32);
    let all: Vec<Body> =
        components.iter().enumerate().map(|(index, component)| Body::of(index, component.area)).collect();
    let bodies: Vec<Body> =
        all.iter().copied().filter(|body| body.height >= least && body.height >= FLAT * body.width).collect();
    let slope = page_slope(&bodies);
    let mut groups = grouped(&bodies, slope);
    groups.sort_by(|a, b| b.iter().map(|body| body.height).sum::<f32>().total_cmp(&a.iter().map(|b| b.height).sum()));
    let mut lines: Vec<Line> = Vec::new();
    for group in &groups {
        let line = line(group, slope);
        // A small group inside a line is a part of it: the bar of a 5, a short stroke.
        let inside = lines.iter().any(|other: &Line| {
            line.height < MIN_RATIO * other.height && group.iter().all(|body| other.holds(body, other.slope))
        });
        if !inside {
            lines.push(line);
        }
    }
    for part in &all {
        if lines.iter().any(|line| line.members.contains(&part.index)) {
            continue;
        }
        let holder = lines
            .iter_mut()
            .filter(|line| {
                let slope = line.slope;
                line.holds(part, slope)
                    && part.width.max(part.height) >= MIN_PART * line.height
                    && part.height <= 1.2 * line.height
            })
            .min_by(|a, b| a.distance(part).total_cmp(&b.distance(part)));
        if let Some(line) = holder {
            line.members.push(part.index);
        }
    }
    in_reading_order(lines)
}

impl Line {
    fn holds(&self, body: &Body, slope: f32) -> bool {
        let level = body.level(slope);
        let middle = (self.top + self.bottom) / 2.0;
        let margin = PART_GAP * self.height;
        (level - middle).abs() <= PART_OFFSET * self.height
            && body.x >= self.left - margin
            && body.x <= self.right + margin
    }

    fn distance(&self, body: &Body) -> f32 {
        (body.level(self.slope) - (self.top + self.bottom) / 2.0).abs()
    }
}

/// Slope that neighbours on the page have in common: the median, weighted by their heights.
fn page_slope(bodies: &[Body]) -> f32 {
    let mut slopes: Vec<(f32, f32)> = Vec::new();
    for body in bodies {
        let is_next = |other: &&Body| {
            let (dx, dy) = (other.x - body.x, other.y - body.y);
            let large = body.height.max(other.height);
            dx > 0.3 * large
                && body.height.min(other.height) >= 0.5 * large
                && body.gap(other) <= MAX_GAP * large
                && dy.abs() <= 0.25 * large + MAX_SLOPE * dx
        };
        if let Some(next) = bodies.iter().filter(is_next).min_by(|a, b| a.x.total_cmp(&b.x)) {
            slopes.push(((next.y - body.y) / (next.x - body.x), next.height.min(body.height)));
        }
    }
    if slopes.len() + 1 < ENOUGH {
        return 0.0;
    }
    slopes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = slopes.iter().map(|slope| slope.1).sum::<f32>() / 2.0;
    let mut below = 0.0;
    let median = slopes.iter().find(|slope| {
        below += slope.1;
        below >= half
    });
    median.map_or(0.0, |slope| slope.0.clamp(-MAX_SLOPE, MAX_SLOPE))
}

/// Connected groups of neighbours.
fn grouped(bodies: &[Body], slope: f32) -> Vec<Vec<Body>> {
    let mut groups: Vec<Vec<Body>> = Vec::new();
    for body in bodies {
        let (mut joined, mut others) = (vec![*body], Vec::new());
        for group in groups {
            if group.iter().any(|other| body.belongs_to(other, slope)) {
                joined.extend(group);
            } else {
                others.push(group);
            }
        }
        others.push(joined);
        groups = others;
    }
    groups
}

fn line(group: &[Body], page: f32) -> Line {
    let mut heights: Vec<f32> = group.iter().map(|body| body.height).collect();
    heights.sort_by(f32::total_cmp);
    let height = heights[(7 * (heights.len() - 1)).div_ceil(10)];
    let slope = own_slope(group, height).filter(|own| (own - page).abs() <= 0.1).unwrap_or(page);
    let extent = |value: &dyn Fn(&Body) -> f32| group.iter().map(value).fold(f32::NEG_INFINITY, f32::max);
    Line {
        members: group.iter().map(|body| body.index).collect(),
        height,
        slope,
        top: -extent(&|body| body.height / 2.0 - body.level(slope)),
        bottom: extent(&|body| body.height / 2.0 + body.level(slope)),
        left: -extent(&|body| body.width / 2.0 - body.x),
        right: extent(&|body| body.width / 2.0 + body.x),
    }
}

/// Slope by least squares through the middles of components of about the height of the line.
fn own_slope(group: &[Body], height: f32) -> Option<f32> {
    let used: Vec<&Body> = group.iter().filter(|body| body.height >= 0.7 * height).collect();
    let count = used.len() as f32;
    let (x, y) = (used.iter().map(|b| b.x).sum::<f32>() / count, used.iter().map(|b| b.y).sum::<f32>() / count);
    let variance: f32 = used.iter().map(|body| (body.x - x).powi(2)).sum();
    let covariance: f32 = used.iter().map(|body| (body.x - x) * (body.y - y)).sum();
    let is_long = variance > 2.0 * height * height;
    (used.len() >= ENOUGH && is_long).then(|| (covariance / variance).clamp(-MAX_SLOPE, MAX_SLOPE))
}

/// Lines from top to bottom; those beside one another, which share half of their heights, from left to right.
fn in_reading_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|a, b| (a.top + a.bottom).total_cmp(&(b.top + b.bottom)));
    let mut rows: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        let is_beside = |row: &&mut Vec<Line>| {
            row.iter().all(|other| {
                let overlap = line.bottom.min(other.bottom) - line.top.max(other.top);
                overlap >= 0.5 * (line.bottom - line.top).min(other.bottom - other.top)
            })
        };
        match rows.iter_mut().find(is_beside) {
            Some(row) => row.push(line),
            None => rows.push(vec![line]),
        }
    }
    rows.into_iter()
        .flat_map(|mut row| {
            row.sort_by(|a, b| a.left.total_cmp(&b.left));
            row
        })
        .collect()
}
