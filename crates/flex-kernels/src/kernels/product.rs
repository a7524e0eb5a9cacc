//! Products of matrices, in register tiles of rows × columns.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use super::{arithmetic::mul_add, load::load};

/// A matrix anywhere in memory: element (i, j) is `data[i · row + j · step]`.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub step: usize,
}

/// Some columns of a matrix `[depth, columns]`: `vectors` whole vectors at `data[k · row]`, for every k below the
/// depth.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub data: &'a [f32],
    pub row: usize,
    /// Index of the first column in the result; columns beyond its last one are not stored.
    pub first: usize,
    /// 1 to 3; [`Level::panel`](crate::level::Level::panel) says how many are best.
    pub vectors: usize,
}

/// Treatment of the values that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// The product is added to them.
    Continued,
    /// The product replaces them.
    Replaced,
}

/// Adds `a · b` to `c`, or puts it there.
///
/// Every element is summed over the depth in order, one multiply-add after the other, in whatever tile it lies: how the
/// rows are split changes no bit.
pub(crate) struct Product<'a> {
    /// `[rows, depth]`
    pub a: Strided<'a>,
    pub depth: usize,
    pub b: &'a [Panel<'a>],
    pub columns: usize,
    /// `[rows][columns]`
    pub c: &'a mut [f32],
    pub sum: Sum,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let (rows, Strided { data, row, step }) = (self.c.len() / self.columns, self.a);
        assert!(rows > 0 && self.depth > 0 && self.c.len() == rows * self.columns);
        assert!((rows - 1) * row + (self.depth - 1) * step < data.len(), "the first factor ends too early");
        for panel in self.b {
            assert!(
                (self.depth - 1) * panel.row + panel.vectors * S::F32_LANES <= panel.data.len()
                    && panel.first < self.columns,
                "a panel ends too early"
            );
            match panel.vectors {
                3 => self.panel::<S, 3>(s, panel, rows),
                2 => self.panel::<S, 2>(s, panel, rows),
                1 => self.panel::<S, 1>(s, panel, rows),
                vectors => panic!("a panel of {vectors} vectors"),
            }
        }
    }
}

impl Product<'_> {
    /// A panel of `V` vectors.
    #[inline(always)]
    fn panel<S: Simd, const V: usize>(&mut self, s: S, panel: &Panel, rows: usize) {
        let mut row = 0;
        while row < rows {
            row += match rows - row {
                8.. if S::REGISTER_COUNT >= 32 => self.tile::<S, 8, V>(s, panel, row),
                // Twelve sums, two columns and a row: with one register more some would be kept in memory.
                6.. if V == 2 => self.tile::<S, 6, V>(s, panel, row),
                4.. => self.tile::<S, 4, V>(s, panel, row),
                2..4 => self.tile::<S, 2, V>(s, panel, row),
                _ => self.tile::<S, 1, V>(s, panel, row),
            };
        }
    }

    /// `R` rows from `row` on. Returns `R`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, s: S, panel: &Panel, row: usize) -> usize {
        let first = panel.first;
        let width = (V * S::F32_LANES).min(self.columns - first);
        let mut sums = [[s.splat_f32s(0.0); V]; R];
        let mut starts = [self.a.data.as_ptr(); R];
        for r in 0..R {
            if self.sum == Sum::Continued {
                let from = &self.c[(row + r) * self.columns + first..][..width];
                // Constant indices keep the sums in registers: with slices of them the whole product takes twice as
                // long.
                for v in 0..V {
                    let from = &from[v * S::F32_LANES..];
                    sums[r][v] = S::as_simd_f32s(from).0.first().copied().unwrap_or_else(|| s.partial_load_f32s(from));
                }
            }
            // SAFETY: `with_simd` asserted that the last row and the last step lie inside `data`.
            starts[r] = unsafe { starts[r].add((row + r) * self.a.row) };
        }
        for k in 0..self.depth {
            let mut b = [s.splat_f32s(0.0); V];
            for v in 0..V {
                // SAFETY: `with_simd` asserted that `V` vectors at the last row of the panel lie inside its data.
                b[v] = unsafe { load::<S>(panel.data, k * panel.row + v * S::F32_LANES) };
            }
            for r in 0..R {
                // SAFETY: `k < depth`, see above.
                let x = s.splat_f32s(unsafe { *starts[r].add(k * self.a.step) });
                for v in 0..V {
                    sums[r][v] = mul_add(s, x, b[v], sums[r][v]);
                }
            }
        }
        for r in 0..R {
            let to = &mut self.c[(row + r) * self.columns + first..][..width];
            for v in 0..V {
                match S::as_mut_simd_f32s(&mut to[v * S::F32_LANES..]) {
                    ([to, ..], _) => *to = sums[r][v],
                    ([], rest) => s.partial_store_f32s(rest, sums[r][v]),
                }
            }
        }
        R
    }
}
