//! Connected components of ink, as runs of pixels.

use super::{gray::Gray, ink::InkBox};

/// Pixels `start..end` of row `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) y: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A connected component (8-neighbourhood). Its runs are in order of rows, and of columns within a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Component {
    pub(super) runs: Vec<Run>,
    /// Bounding box.
    pub(super) area: InkBox,
    /// Number of pixels.
    pub(super) pixels: usize,
}

impl Component {
    /// A component of these runs; `None` without runs.
    pub(super) fn of_runs(runs: Vec<Run>) -> Option<Self> {
        let area = InkBox::enclosing(runs.iter().map(|run| InkBox {
            left: run.start,
            top: run.y,
            width: run.end - run.start,
            height: 1,
        }))?;
        let pixels = runs.iter().map(|run| run.end - run.start).sum();
        Some(Self { runs, area, pixels })
    }

    /// Mean thickness, in pixels: twice the number of pixels for each of the outline.
    pub(super) fn thickness(&self) -> f32 {
        // Runs that lie one above the other hide as much of each other's outline as they overlap.
        let (mut hidden, mut above) = (0, 0);
        for (index, run) in self.runs.iter().enumerate() {
            while above < index
                && (self.runs[above].y + 1 < run.y
                    || (self.runs[above].y + 1 == run.y && self.runs[above].end <= run.start))
            {
                above += 1;
            }
            let mut at = above;
            while at < index && self.runs[at].y + 1 == run.y && self.runs[at].start < run.end {
                hidden += self.runs[at].end.min(run.end) - self.runs[at].start.max(run.start);
                at += 1;
            }
        }
        let outline = 2 * (self.runs.len() + self.pixels - hidden);
        2.0 * self.pixels as f32 / outline.max(1) as f32
    }

    /// Adds the ink of the component to an image whose top left pixel is at (`left`, `top`); pixels outside the image
    /// are left out.
    pub(super) fn copy_ink(&self, ink: &Gray, out: &mut [u8], area: InkBox) {
        for run in &self.runs {
            if run.y < area.top || run.y >= area.bottom() {
                continue;
            }
            let (start, end) = (run.start.max(area.left), run.end.min(area.right()));
            if start < end {
                let row = &ink.pixels()[run.y * ink.width()..][start..end];
                out[(run.y - area.top) * area.width..][start - area.left..end - area.left].copy_from_slice(row);
            }
        }
    }
}

/// Finds the connected components of the pixels of at least `level`, in order of their first pixels.
///
/// Rows are cut into runs, and runs that touch those of the row above are joined by union–find: time grows with the
/// number of pixels, memory with that of runs.
pub(super) fn components(ink: &Gray, level: u8) -> Vec<Component> {
    components_of_rows(ink.rows(), |pixel| pixel >= level)
}

/// As [`components`], of the pixels that `is_ink` accepts.
pub(super) fn components_of_rows<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    is_ink: impl Fn(u8) -> bool,
) -> Vec<Component> {
    let mut runs: Vec<Run> = Vec::new();
    let mut parents: Vec<u32> = Vec::new();
    let mut above = 0..0;
    for (y, row) in rows.enumerate() {
        let first = runs.len();
        let mut x = 0;
        while let Some(skipped) = row[x..].iter().position(|&pixel| is_ink(pixel)) {
            let start = x + skipped;
            let end = row[start..].iter().position(|&pixel| !is_ink(pixel)).map_or(row.len(), |length| start + length);
            parents.push(runs.len() as u32);
            runs.push(Run { y, start, end });
            x = end;
            if x == row.len() {
                break;
            }
        }
        let mut other = above.start;
        for index in first..runs.len() {
            let run = runs[index];
            // Runs that touch by a corner are connected.
            while other < above.end && runs[other].end < run.start {
                other += 1;
            }
            let mut touching = other;
            while touching < above.end && runs[touching].start <= run.end {
                join(&mut parents, touching as u32, index as u32);
                touching += 1;
            }
        }
        above = first..runs.len();
    }
    collect(&runs, &mut parents)
}

/// Components of runs in any order of rows, which need not be joined yet.
pub(super) fn components_of_runs(mut runs: Vec<Run>) -> Vec<Component> {
    runs.sort_unstable_by_key(|run| (run.y, run.start));
    let mut parents: Vec<u32> = (0..runs.len() as u32).collect();
    let (mut above, mut first) = (0..0, 0);
    while first < runs.len() {
        let y = runs[first].y;
        let end = first + runs[first..].iter().position(|run| run.y != y).unwrap_or(runs.len() - first);
        if above.end > above.start && runs[above.start].y + 1 == y {
            for index in first..end {
                for other in above.clone() {
                    if runs[other].start <= runs[index].end && runs[index].start <= runs[other].end {
                        join(&mut parents, other as u32, index as u32);
                    }
                }
            }
        }
        (above, first) = (first..end, end);
    }
    collect(&runs, &mut parents)
}

fn collect(runs: &[Run], parents: &mut [u32]) -> Vec<Component> {
    let mut places = vec![usize::MAX; runs.len()];
    let mut lists: Vec<Vec<Run>> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let root = root(parents, index as u32) as usize;
        if places[root] == usize::MAX {
            places[root] = lists.len();
            lists.push(Vec::new());
        }
        lists[places[root]].push(*run);
    }
    lists.into_iter().filter_map(Component::of_runs).collect()
}

fn root(parents: &mut [u32], mut index: u32) -> u32 {
    while parents[index as usize] != index {
        let parent = parents[index as usize];
        parents[index as usize] = parents[parent as usize];
        index = parent;
    }
    index
}

fn join(parents: &mut [u32], one: u32, other: u32) {
    let (one, other) = (root(parents, one), root(parents, other));
    // The earlier run is the root, so that components keep the order of their first pixels.
    let (first, second) = (one.min(other), one.max(other));
    parents[second as usize] = first;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_that_meet_later_or_by_a_corner_are_one() {
        let found = components(&Gray::drawn(&["#.#..#", "#.#.#.", "###...", "......", "..##.."]), 128);
        let sizes: Vec<_> = found.iter().map(|component| (component.area.left, component.pixels)).collect();
        assert_eq!(sizes, [(0, 7), (4, 2), (2, 2)]);
        assert!(components(&Gray::drawn(&["...", "..."]), 128).is_empty());
    }

    #[test]
    fn the_thickness_of_lines_and_blocks_is_about_their_shorter_side() {
        let thickness = |rows: &[&str]| components(&Gray::drawn(rows), 128)[0].thickness();
        assert!((thickness(&["####################", "####################"]) - 2.0).abs() < 0.3);
        assert!((thickness(&["##"; 20]) - 2.0).abs() < 0.3);
        assert!((thickness(&["######"; 6]) - 3.0).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn every_pixel_is_in_one_component_and_components_do_not_touch(
            pixels in prop::collection::vec(prop::bool::weighted(0.4), 8 * 9),
        ) {
            let ink = Gray::new(9, 8, pixels.iter().map(|&set| if set { 200 } else { 10 }).collect()).unwrap();
            let found = components(&ink, 128);
            let mut owner = vec![usize::MAX; 72];
            for (index, component) in found.iter().enumerate() {
                for run in &component.runs {
                    for x in run.start..run.end {
                        prop_assert_eq!(owner[run.y * 9 + x], usize::MAX);
                        owner[run.y * 9 + x] = index;
                    }
                }
            }
            for (at, &set) in pixels.iter().enumerate() {
                prop_assert_eq!(owner[at] != usize::MAX, set);
                let (x, y) = (at % 9, at / 9);
                for other in [(x + 1, y), (x, y + 1), (x + 1, y + 1), (x.wrapping_sub(1), y + 1)] {
                    if other.0 < 9 && other.1 < 8 && set && pixels[other.1 * 9 + other.0] {
                        prop_assert_eq!(owner[at], owner[other.1 * 9 + other.0]);
                    }
                }
            }
            let runs: Vec<Run> = found.iter().rev().flat_map(|component| component.runs.clone()).collect();
            prop_assert_eq!(components_of_runs(runs), found);
        }
    }
}
