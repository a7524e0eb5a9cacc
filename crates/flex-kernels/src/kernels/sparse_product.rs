//! Products with a matrix of many zeros, in the register tiles of [`Product`](super::Product).

use pulp::{Simd, WithSimd};

use super::{
    arithmetic::mul_add,
    product::{Panel, Strided},
};

/// Rows of a tile of a processor with 32 vector registers.
const MANY: usize = 8;
/// Rows of a tile of one with 16.
const FEW: usize = 6;

/// Rows of a tile, given the number of vector registers.
pub(crate) fn tile_rows(registers: usize) -> usize {
    if registers >= 32 { MANY } else { FEW }
}

/// The columns of some rows of a matrix that are not zero in all of them, tile by tile.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Index of each column.
    indices: Vec<u32>,
    /// `[column][row of the tile]`; rows that there are none of are zero.
    values: Vec<f32>,
    /// Where the columns of each tile end.
    ends: Vec<usize>,
}

impl Gathered {
    /// Collects them from the first `rows` and `depth` of a matrix, `tile` rows a tile.
    pub fn collect(&mut self, a: Strided, rows: usize, depth: usize, tile: usize) {
        self.indices.clear();
        self.values.clear();
        self.ends.clear();
        for first in (0..rows).step_by(tile) {
            let rows = tile.min(rows - first);
            for k in 0..depth {
                let at = first * a.row + k * a.step;
                let value = |row: usize| if row < rows { a.data[at + row * a.row] } else { 0.0 };
                if (0..rows).any(|row| value(row) != 0.0) {
                    self.indices.push(k as u32);
                    self.values.extend((0..tile).map(value));
                }
            }
            self.ends.push(self.indices.len());
        }
    }

    /// Share of the columns that are not zero in a whole tile, of every sixteenth tile.
    pub fn density(a: Strided, rows: usize, depth: usize, tile: usize) -> f64 {
        let (mut seen, mut used) = (0, 0);
        for first in (0..rows).step_by(16 * tile) {
            let rows = first..(first + tile).min(rows);
            seen += depth;
            used += (0..depth).filter(|k| rows.clone().any(|row| a.data[row * a.row + k * a.step] != 0.0)).count();
        }
        used as f64 / seen as f64
    }
}

/// Adds `a · b` to `c`, without the columns of `a` that are zero in a whole tile.
///
/// Every element is summed over the others in their order, one multiply-add after the other: as [`Product`] sums
/// it, up to the sign of a zero, if no value of `b` is infinite or NaN.
///
/// [`Product`]: super::Product
pub(crate) struct SparseProduct<'a> {
    /// Collected with [`tile_rows`] of the level's registers.
    pub a: &'a Gathered,
    pub b: &'a [Panel<'a>],
    pub columns: usize,
    /// `[rows][columns]`
    pub c: &'a mut [f32],
}

impl WithSimd for SparseProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        for panel in self.b {
            match (S::REGISTER_COUNT >= 32, panel.vectors) {
                (true, 3) => self.panel::<S, MANY, 3>(s, panel),
                (true, 2) => self.panel::<S, MANY, 2>(s, panel),
                (true, _) => self.panel::<S, MANY, 1>(s, panel),
                (false, 2) => self.panel::<S, FEW, 2>(s, panel),
                (false, 1) => self.panel::<S, FEW, 1>(s, panel),
                (false, vectors) => panic!("a panel of {vectors} vectors on few registers"),
            }
        }
    }
}

impl SparseProduct<'_> {
    #[inline(always)]
    fn panel<S: Simd, const R: usize, const V: usize>(&mut self, s: S, panel: &Panel) {
        let (first, columns) = (panel.first, self.columns);
        let width = (V * S::F32_LANES).min(columns - first);
        let (values, _) = self.a.values.as_chunks::<R>();
        let mut begin = 0;
        for (&end, c) in self.a.ends.iter().zip(self.c.chunks_mut(R * columns)) {
            let rows = c.len() / columns;
            let mut sums = [[s.splat_f32s(0.0); V]; R];
            for r in 0..R {
                if r < rows {
                    let from = &c[r * columns + first..][..width];
                    for v in 0..V {
                        let from = &from[v * S::F32_LANES..];
                        sums[r][v] =
                            S::as_simd_f32s(from).0.first().copied().unwrap_or_else(|| s.partial_load_f32s(from));
                    }
                }
            }
            for (&k, x) in self.a.indices[begin..end].iter().zip(&values[begin..end]) {
                let (b, _) = S::as_simd_f32s(&panel.data[k as usize * panel.row..][..V * S::F32_LANES]);
                for r in 0..R {
                    let x = s.splat_f32s(x[r]);
                    for v in 0..V {
                        sums[r][v] = mul_add(s, x, b[v], sums[r][v]);
                    }
                }
            }
            for r in 0..R {
                if r < rows {
                    let to = &mut c[r * columns + first..][..width];
                    for v in 0..V {
                        match S::as_mut_simd_f32s(&mut to[v * S::F32_LANES..]) {
                            ([to, ..], _) => *to = sums[r][v],
                            ([], rest) => s.partial_store_f32s(rest, sums[r][v]),
                        }
                    }
                }
            }
            begin = end;
        }
    }
}
