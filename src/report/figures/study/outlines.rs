//! Contour outlines of a scalar field, by marching squares (Lorensen and Cline, 1987, in two dimensions).

/// A scalar field: values at the nodes of a grid over the unit square.
pub(super) struct Field {
    columns: usize,
    values: Vec<f64>,
}

impl Field {
    /// Samples `value(x, y)` at `columns` × `rows` nodes, at least two of each.
    pub(super) fn sample(columns: usize, rows: usize, value: impl Fn(f64, f64) -> f64) -> Self {
        let part = |index: usize, count: usize| index as f64 / (count - 1) as f64;
        let at = |node: usize| value(part(node % columns, columns), part(node / columns, rows));
        Self { columns, values: (0..columns * rows).map(at).collect() }
    }

    /// Smallest and largest value.
    pub(super) fn range(&self) -> (f64, f64) {
        let low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        (low, self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Closed outlines of the region where the field is at least `level`, linear between nodes; holes have outlines of
    /// their own.
    ///
    /// The grid is padded by a ring of nodes at −∞, so that every outline closes. An outline runs from cell to cell
    /// through the edges that it crosses: the edge by which it enters a cell is the edge by which it left the
    /// neighbour.
    pub(super) fn above(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        let (width, height) = (self.columns + 2, self.values.len() / self.columns + 2);
        let value = |node: usize| self.padded(node % width, node / width);
        let inside = |node: usize| value(node) >= level;
        // Edge 2·node leads from the node to its right neighbour, edge 2·node + 1 to the one below.
        let mut next: Vec<Option<usize>> = vec![None; 2 * width * height];
        for row in 0..height - 1 {
            for column in 0..width - 1 {
                let node = row * width + column;
                let corners = [node, node + 1, node + 1 + width, node + width];
                let edges = [2 * node, 2 * (node + 1) + 1, 2 * (node + width), 2 * node + 1];
                let is = corners.map(inside);
                let entries: Vec<usize> = (0..4).filter(|side| !is[*side] && is[(side + 1) % 4]).collect();
                let exits: Vec<usize> = (0..4).filter(|side| is[*side] && !is[(side + 1) % 4]).collect();
                let middle = corners.iter().map(|corner| value(*corner)).sum::<f64>() / 4.0;
                for &entry in &entries {
                    let exit = exits.iter().copied().min_by_key(|exit| (exit + 4 - entry) % 4);
                    // Ambiguous cell with two opposite corners inside: if the middle is inside too, the outline goes
                    // around the corners outside.
                    let exit = if entries.len() == 2 && middle >= level {
                        exits.iter().copied().find(|other| Some(*other) != exit)
                    } else {
                        exit
                    };
                    next[edges[entry]] = exit.map(|exit| edges[exit]);
                }
            }
        }
        let mut outlines = Vec::new();
        for start in 0..next.len() {
            let mut outline: Vec<(f64, f64)> = Vec::new();
            let mut edge = start;
            while let Some(following) = next[edge].take() {
                let point = self.crossing(edge, level);
                if outline.last() != Some(&point) {
                    outline.push(point);
                }
                edge = following;
            }
            if outline.len() > 2 {
                outlines.push(outline);
            }
        }
        outlines
    }

    fn padded(&self, column: usize, row: usize) -> f64 {
        let rows = self.values.len() / self.columns;
        let inner = (1..=self.columns).contains(&column) && (1..=rows).contains(&row);
        if inner { self.values[(row - 1) * self.columns + column - 1] } else { f64::NEG_INFINITY }
    }

    /// Position where an outline crosses an edge, in the unit square; padding nodes lie on the border of the grid.
    fn crossing(&self, edge: usize, level: f64) -> (f64, f64) {
        let (width, rows) = (self.columns + 2, self.values.len() / self.columns);
        let ends = [edge / 2, edge / 2 + if edge.is_multiple_of(2) { 1 } else { width }];
        let [(ax, ay, a), (bx, by, b)] = ends.map(|node| {
            let (column, row) = (node % width, node / width);
            let part = |index: usize, count: usize| (index.clamp(1, count) - 1) as f64 / (count - 1) as f64;
            (part(column, self.columns), part(row, rows), self.padded(column, row))
        });
        let along = match (a.is_finite(), b.is_finite()) {
            (true, true) => ((level - a) / (b - a)).clamp(0.0, 1.0),
            (a, _) => f64::from(u8::from(!a)),
        };
        (ax + along * (bx - ax), ay + along * (by - ay))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Signed area: negative for a hole.
    fn area(outline: &[(f64, f64)]) -> f64 {
        let next = outline.iter().cycle().skip(1);
        outline.iter().zip(next).map(|((ax, ay), (bx, by))| bx * ay - ax * by).sum::<f64>() / 2.0
    }

    #[test]
    fn the_contour_of_a_cone_is_a_circle() {
        let field = Field::sample(81, 81, |x, y| 1.0 - ((x - 0.5).powi(2) + (y - 0.5).powi(2)).sqrt());
        let outlines = field.above(0.7);
        assert_eq!(outlines.len(), 1);
        assert!((area(&outlines[0]) - std::f64::consts::PI * 0.09).abs() < 1e-3);
        assert!(outlines[0].iter().all(|(x, y)| (((x - 0.5).powi(2) + (y - 0.5).powi(2)).sqrt() - 0.3).abs() < 2e-3));
    }

    #[test]
    fn contours_close_at_the_border_and_around_holes() {
        let half = Field::sample(11, 5, |x, _| x).above(0.5);
        assert!(half.len() == 1 && (area(&half[0]) - 0.5).abs() < 1e-9, "{half:?}");
        let whole = Field::sample(4, 4, |_, _| 1.0).above(0.5);
        assert!(whole.len() == 1 && (area(&whole[0]) - 1.0).abs() < 1e-9, "{whole:?}");
        let ring = Field::sample(41, 41, |x, y| ((x - 0.5).powi(2) + (y - 0.5).powi(2)).sqrt()).above(0.25);
        assert_eq!(ring.len(), 2);
        assert!((area(&ring[0]) * area(&ring[1])) < 0.0, "the outline of a hole has the opposite orientation");
        assert!(Field::sample(4, 4, |_, _| 0.0).above(0.5).is_empty());
    }

    proptest! {
        /// The area above a level lies in the unit square and shrinks as the level rises.
        #[test]
        fn contours_of_any_field_close_and_shrink_with_the_level(
            values in proptest::collection::vec(0.0..1.0_f64, 30),
            level in 0.05..0.9_f64,
        ) {
            let at = |x: f64, y: f64| values[(y * 4.0).round() as usize * 6 + (x * 5.0).round() as usize];
            let field = Field::sample(6, 5, at);
            let total = |level: f64| field.above(level).iter().map(|outline| area(outline)).sum::<f64>();
            let (more, less) = (total(level), total(level + 0.05));
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&more) && less <= more + 1e-9, "{more} {less}");
            for (x, y) in field.above(level).concat() {
                prop_assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y));
            }
        }
    }
}
