//! Straight thin tracks in a component: rulings, underlines, the sides of frames and the teeth of combs.

use std::cell::Cell;

use crate::imaging::components::{Component, Run};

/// Greatest slope of a track.
const MAX_SLOPE: f32 = 0.36;
/// Columns at which tracks are looked for.
const SEEDS: usize = 24;
/// Least share of a track's columns in which it is seen; in the others something crosses it.
const MIN_SEEN: f32 = 0.5;

/// A track: from left to right or, if it is `upright`, from top to bottom. Positions are those of the page.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) upright: bool,
    /// First and last position along the track.
    pub(super) ends: (usize, usize),
    /// Position across the track at its ends.
    pub(super) levels: (f32, f32),
    /// Where it is seen: position along the track, first position across it and the one behind the last.
    pub(super) seen: Vec<(usize, usize, usize)>,
}

impl Track {
    /// Length, in pixels.
    pub(super) fn length(&self) -> usize {
        self.ends.1 - self.ends.0 + 1
    }

    /// Position across the track at a position along it.
    pub(super) fn at(&self, along: f32) -> f32 {
        let share = (along - self.ends.0 as f32) / (self.ends.1 - self.ends.0).max(1) as f32;
        self.levels.0 + share * (self.levels.1 - self.levels.0)
    }
}

/// Steps that the search for tracks may still take on a page, of some 20 ns each. Over texture it would take minutes.
pub(super) struct Effort(Cell<usize>);

impl Effort {
    /// Steps of a page: those of a large sheet of squared paper several times over.
    const STEPS: usize = 50_000_000;

    pub(super) fn new() -> Self {
        Self(Cell::new(Self::STEPS))
    }

    /// Takes some steps; false if fewer are left: then none is.
    pub(super) fn take(&self, steps: usize) -> bool {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// A component as the runs across the direction of its tracks.
pub(super) struct Lanes {
    upright: bool,
    /// Position of the first lane, and of the first pixel across.
    origin: (usize, usize),
    /// Runs of each lane in order, first position and the one behind the last.
    lanes: Vec<Vec<(usize, usize)>>,
}

impl Lanes {
    /// Lanes of a component for tracks that are level or `upright`.
    pub(super) fn of(component: &Component, upright: bool) -> Self {
        let area = component.area;
        let lanes = if upright {
            let mut rows = vec![Vec::new(); area.height];
            for run in &component.runs {
                rows[run.y - area.top].push((run.start - area.left, run.end - area.left));
            }
            rows
        } else {
            // Rows come from top to bottom: a run goes on where the pixel above was ink.
            let mut columns: Vec<Vec<(usize, usize)>> = vec![Vec::new(); area.width];
            for Run { y, start, end } in &component.runs {
                let y = y - area.top;
                for column in &mut columns[start - area.left..end - area.left] {
                    match column.last_mut() {
                        Some(last) if last.1 == y => last.1 = y + 1,
                        _ => column.push((y, y + 1)),
                    }
                }
            }
            columns
        };
        let origin = if upright { (area.top, area.left) } else { (area.left, area.top) };
        Self { upright, origin, lanes }
    }

    /// The longest track no thicker than `thickness`; `None` if there is none, or too little effort left to tell.
    pub(super) fn longest(&self, thickness: usize, effort: &Effort) -> Option<Track> {
        let step = self.lanes.len().div_ceil(SEEDS).max(1);
        let seeds = (step / 2..self.lanes.len()).step_by(step);
        let starts = seeds.clone().flat_map(|lane| self.lanes[lane].iter().enumerate().map(move |run| (lane, run)));
        // Runs of the seeds' lanes that a track goes through already.
        let mut passed: Vec<Vec<bool>> = seeds.map(|lane| vec![false; self.lanes[lane].len()]).collect();
        let tracks = starts.filter_map(|(lane, (index, &run))| {
            if run.1 - run.0 > thickness || passed[lane / step][index] {
                return None;
            }
            let mut seen = self.follow(lane, run, thickness, false, effort);
            seen.reverse();
            seen.push((lane, run.0, run.1));
            seen.extend(self.follow(lane, run, thickness, true, effort));
            let (first, last) = (seen.first()?, seen.last()?);
            let length = last.0 - first.0 + 1;
            let is_track = seen.len() as f32 >= MIN_SEEN * length as f32;
            if is_track {
                for (lane, start, _) in seen.iter().filter(|run| run.0 % step == step / 2) {
                    let index = self.lanes[*lane].partition_point(|run| run.0 < *start);
                    passed[lane / step][index] = true;
                }
            }
            is_track.then_some((length, seen))
        });
        let (_, seen) = tracks.max_by_key(|(length, _)| *length)?;
        effort.take(1).then(|| self.track(&seen))
    }

    /// Follows a track from a run, forward or backward.
    fn follow(
        &self,
        lane: usize,
        run: (usize, usize),
        thickness: usize,
        forward: bool,
        effort: &Effort,
    ) -> Vec<(usize, usize, usize)> {
        let middle = |run: (usize, usize)| (run.0 + run.1) as f32 / 2.0;
        let (mut at, mut slope) = (middle(run), 0.0f32);
        let (mut seen, mut missing, mut steps) = (Vec::new(), 0, 0.0f32);
        let lanes: Box<dyn Iterator<Item = usize>> =
            if forward { Box::new(lane + 1..self.lanes.len()) } else { Box::new((0..lane).rev()) };
        // Something that crosses a track is about as wide as it is high, at most.
        let (most_crossed, most_missing) = (12 * thickness, thickness);
        for lane in lanes {
            if !effort.take(1) {
                break;
            }
            at += slope;
            let reach = 1.5f32.max(0.5 * thickness as f32);
            let runs = &self.lanes[lane];
            let first = runs.partition_point(|&run| middle(run) - at < -reach);
            let near = runs[first..]
                .iter()
                .take_while(|run| middle(**run) - at <= reach)
                .filter(|run| run.1 - run.0 <= thickness)
                .min_by(|a, b| (middle(**a) - at).abs().total_cmp(&(middle(**b) - at).abs()));
            if let Some(&run) = near {
                seen.push((lane, run.0, run.1));
                let error = middle(run) - at;
                steps += 1.0;
                // A mean of the slope at first, which then follows slowly.
                at += error * 0.3f32.max(1.0 / (1.0 + steps));
                slope += error * (0.05f32).max(0.5 / (1.0 + steps));
                missing = 0;
            } else {
                let next = runs.partition_point(|run| (run.1 as f32 + 1.0) < at);
                let is_crossed = runs.get(next).is_some_and(|run| run.0 as f32 <= at + 1.0);
                missing += 1;
                if missing > if is_crossed { most_crossed } else { most_missing } {
                    break;
                }
            }
            if slope.abs() > MAX_SLOPE {
                break;
            }
        }
        seen
    }

    fn track(&self, seen: &[(usize, usize, usize)]) -> Track {
        let (along, across) = self.origin;
        let seen: Vec<_> = seen.iter().map(|&(lane, from, to)| (lane + along, from + across, to + across)).collect();
        // Least squares through the middles.
        let count = seen.len() as f64;
        let mean = |value: &dyn Fn(&(usize, usize, usize)) -> f64| seen.iter().map(value).sum::<f64>() / count;
        let middle = |run: &(usize, usize, usize)| (run.1 + run.2) as f64 / 2.0;
        let (x, y) = (mean(&|run| run.0 as f64), mean(&middle));
        let covariance = mean(&|run| (run.0 as f64 - x) * (middle(run) - y));
        let variance = mean(&|run| (run.0 as f64 - x).powi(2)).max(1e-9);
        let ends = (seen[0].0, seen[seen.len() - 1].0);
        let at = |along: usize| (y + covariance / variance * (along as f64 - x)) as f32;
        Track { upright: self.upright, ends, levels: (at(ends.0), at(ends.1)), seen }
    }
}
