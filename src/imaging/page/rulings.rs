//! Removes rulings, underlines, frames and combs from the ink, and keeps the cells that they enclose.

use super::tracks::{Effort, Lanes, Track};
use crate::imaging::{
    components::{Component, Run, components_of_runs},
    gray::Gray,
    ink::InkBox,
};

/// Greatest thickness of a printed or drawn line: the longer side of the picture divided by so much.
const THICKNESS: usize = 120;
/// Greatest thickness of a line, relative to the longer side of its component.
const THIN: f32 = 0.07;
/// Least length of an underline, relative to the height of its component.
const UNDERLINE: f32 = 1.8;
/// Least share of a component's width or height that a track covers.
const COVERS: f32 = 0.85;
/// Share of a side of the picture from which on any track is a ruling.
const ACROSS: f32 = 0.7;
/// Fewest teeth of a comb, and the greatest relative deviation of their distances and lengths.
const TEETH: (usize, f32) = (3, 0.15);
/// Components with shorter sides are not looked at, in pixels.
const SHORTEST: usize = 16;
/// Most tracks of one component.
const MOST: usize = 400;

/// Page without its lines.
pub(super) struct Ruled {
    /// Components without lines.
    pub(super) components: Vec<Component>,
    /// Inner areas of boxes and of the fields of combs.
    pub(super) cells: Vec<InkBox>,
}

/// Removes lines from components and from the ink. On a page that is all texture, the search ends early.
pub(super) fn without_lines(components: Vec<Component>, ink: &mut Gray) -> Ruled {
    let size = (ink.width(), ink.height());
    let thickness = (size.0.max(size.1) / THICKNESS).max(2);
    let (mut kept, mut cells) = (Vec::new(), Vec::new());
    let mut open = components;
    let effort = Effort::new();
    while let Some(component) = open.pop() {
        // Of a small component, thinner: the strokes of a small digit are no lines.
        let own = (THIN * component.area.width.max(component.area.height) as f32) as usize;
        let thickness = thickness.min(own.max(2));
        let lines = lines(&component, thickness, size, &effort);
        if lines.is_empty() {
            kept.push(component);
            continue;
        }
        cells.extend(enclosed(&lines, thickness));
        open.extend(erase(&component, &lines, ink));
    }
    kept.sort_by_key(|component| (component.area.top, component.area.left));
    Ruled { components: kept, cells }
}

/// Lines of a component; none if it is other ink.
fn lines(component: &Component, thickness: usize, (width, height): (usize, usize), effort: &Effort) -> Vec<Track> {
    let area = component.area;
    let (wide, high) = (area.width as f32, area.height as f32);
    if area.width.max(area.height) < SHORTEST {
        return Vec::new();
    }
    let level = tracks(component, false, thickness, COVERS * wide, effort);
    let is_ruling = |track: &Track| {
        let length = track.length() as f32;
        length >= UNDERLINE * high || length >= ACROSS * width as f32
    };
    let mut found: Vec<Track> = Vec::new();
    let is_flat = level.iter().any(is_ruling);
    let at_edge = |at: f32, first: usize, length: f32| {
        let share = (at - first as f32) / length;
        (share < 0.2, share > 0.8)
    };
    let edges = |tracks: &[Track], first: usize, length: f32| {
        let middle = |track: &Track| (track.levels.0 + track.levels.1) / 2.0;
        let sides = tracks.iter().map(|track| at_edge(middle(track), first, length));
        sides.fold((false, false), |(low, high), (is_low, is_high)| (low || is_low, high || is_high))
    };
    let is_closed = edges(&level, area.top, high) == (true, true);
    let upright = tracks(component, true, thickness, COVERS * high.min(ACROSS * height as f32), effort);
    let is_frame = is_closed && edges(&upright, area.left, wide) == (true, true);
    if is_flat || is_frame {
        found.extend(level);
    }
    if found.len() >= 2 {
        let (top, bottom) = outer(&found);
        let distance = (bottom - top).max(1.0);
        let sides = tracks(component, true, thickness, COVERS * distance, effort);
        found.extend(sides.into_iter().filter(|side| {
            (side.ends.0 as f32 - top).abs() <= 0.15 * distance + 2.0
                && (side.ends.1 as f32 - bottom).abs() <= 0.15 * distance + 2.0
        }));
    } else if let [base] = &found[..] {
        found.extend(teeth(component, base, thickness, effort));
    } else {
        let is_across = |track: &Track| track.length() as f32 >= ACROSS * height as f32;
        found.extend(upright.into_iter().filter(is_across));
    }
    found
}

/// Levels of the highest and the lowest of some tracks.
fn outer(tracks: &[Track]) -> (f32, f32) {
    let middles = tracks.iter().map(|track| (track.levels.0 + track.levels.1) / 2.0);
    middles.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)))
}

/// Upright tracks of equal lengths and distances that stand on a base or hang from it.
fn teeth(component: &Component, base: &Track, thickness: usize, effort: &Effort) -> Vec<Track> {
    let high = component.area.height as f32;
    let mut found = tracks(component, true, thickness, 0.5 * high, effort);
    found.retain(|tooth| {
        let x = (tooth.levels.0 + tooth.levels.1) / 2.0;
        let base = base.at(x);
        let reach = 2.0 * thickness as f32 + 2.0;
        (tooth.ends.0 as f32 - base).abs() <= reach || (tooth.ends.1 as f32 - base).abs() <= reach
    });
    found.sort_by(|a, b| a.levels.0.total_cmp(&b.levels.0));
    let distances: Vec<f32> = found.windows(2).map(|pair| pair[1].levels.0 - pair[0].levels.0).collect();
    let lengths: Vec<f32> = found.iter().map(|tooth| tooth.length() as f32).collect();
    if found.len() < TEETH.0 || spread(&distances) > TEETH.1 || spread(&lengths) > TEETH.1 {
        return Vec::new();
    }
    found
}

/// Standard deviation relative to the mean.
fn spread(values: &[f32]) -> f32 {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt() / mean.max(1e-6)
}

/// All tracks of at least a length, the longest first, that share no pixels.
fn tracks(component: &Component, upright: bool, thickness: usize, length: f32, effort: &Effort) -> Vec<Track> {
    let mut found: Vec<Track> = Vec::new();
    let mut rest = component.clone();
    while found.len() < MOST && effort.take(rest.pixels) {
        let Some(track) = Lanes::of(&rest, upright).longest(thickness, effort) else { break };
        if (track.length() as f32) < length.max(2.0) {
            break;
        }
        let runs = cut(&rest.runs, &track);
        found.push(track);
        match Component::of_runs(runs) {
            Some(left) => rest = left,
            None => break,
        }
    }
    found
}

/// Runs without the pixels in which a track is seen.
fn cut(runs: &[Run], track: &Track) -> Vec<Run> {
    if track.upright {
        let erased = |run: &Run| {
            let place = track.seen.binary_search_by_key(&run.y, |seen| seen.0);
            place.is_ok_and(|place| track.seen[place].1 == run.start && track.seen[place].2 == run.end)
        };
        return runs.iter().filter(|run| !erased(run)).copied().collect();
    }
    let first = track.ends.0;
    let mut spans = vec![(0, 0); track.length()];
    for &(x, from, to) in &track.seen {
        spans[x - first] = (from, to);
    }
    let mut left = Vec::with_capacity(runs.len());
    for run in runs {
        let is_erased = |x: usize| {
            x.checked_sub(first).and_then(|at| spans.get(at)).is_some_and(|span| (span.0..span.1).contains(&run.y))
        };
        let mut start = run.start;
        for x in run.start..run.end {
            if is_erased(x) {
                if x > start {
                    left.push(Run { y: run.y, start, end: x });
                }
                start = x + 1;
            }
        }
        if run.end > start {
            left.push(Run { y: run.y, start, end: run.end });
        }
    }
    left
}

/// Removes lines from a component and the ink; returns what is left.
fn erase(component: &Component, lines: &[Track], ink: &mut Gray) -> Vec<Component> {
    let mut runs = component.runs.clone();
    let (width, height) = (ink.width(), ink.height());
    for track in lines {
        runs = cut(&runs, track);
        for &(along, from, to) in &track.seen {
            // With the soft edges.
            for across in from.saturating_sub(2)..to + 2 {
                let (x, y) = if track.upright { (across, along) } else { (along, across) };
                let is_edge = across < from || across >= to;
                if x < width && y < height && (!is_edge || ink.pixels()[y * width + x] < super::ink::SOLID) {
                    ink.pixels_mut()[y * width + x] = 0;
                }
            }
        }
    }
    components_of_runs(runs)
}

/// Areas between neighbouring upright lines, within the level lines.
fn enclosed(lines: &[Track], thickness: usize) -> Vec<InkBox> {
    let (mut upright, level): (Vec<&Track>, Vec<&Track>) = lines.iter().partition(|track| track.upright);
    upright.sort_by(|a, b| a.levels.0.total_cmp(&b.levels.0));
    if upright.len() < 2 {
        return Vec::new();
    }
    let (_, bottom) = outer(&level.iter().map(|track| (*track).clone()).collect::<Vec<_>>());
    let inner = |pair: &[&Track]| {
        let x = |track: &Track| (track.levels.0 + track.levels.1) / 2.0;
        let (left, right) = (x(pair[0]) + 1.0, x(pair[1]) - 1.0);
        let top = pair[0].ends.0.min(pair[1].ends.0) as f32;
        let bottom = bottom.max(pair[0].ends.1.max(pair[1].ends.1) as f32);
        let is_wide = right - left > 4.0 * thickness as f32 && bottom - top > 4.0 * thickness as f32;
        is_wide.then_some(InkBox {
            left: left as usize,
            top: top as usize,
            width: (right - left) as usize,
            height: (bottom - top) as usize,
        })
    };
    upright.windows(2).filter_map(inner).collect()
}
