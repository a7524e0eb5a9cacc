//! The three linear maps of Winograd's F(2×2, 3×3) (see [`winograd`](crate::convolution::winograd)), channels in the
//! lanes.
//!
//! Each is one small matrix used twice, for the columns and for the rows. The products between them are
//! [`Product`](super::Product)'s.

use std::{array, ops::Range};

use pulp::{Simd, WithSimd};

use super::arithmetic::wins;

/// Products of a tile: one for each element of its 4×4 patch, row by row.
pub(crate) const COMPONENTS: usize = 16;
/// Weights of a channel pair.
const TAPS: usize = 9;
/// Lanes of the widest vectors.
const MOST_LANES: usize = 16;

/// `G g Gᵀ` for some output channels and all input channels.
pub(crate) struct TransformFilters<'a> {
    /// `[out, in, 3, 3]`, from the first of these output channels on.
    pub weight: &'a [f32],
    pub channels_in: usize,
    /// `[component][in][width]`. Channels that `weight` ends before get zeros.
    pub filters: &'a mut [f32],
    /// Output channels, a whole number of vectors.
    pub width: usize,
}

impl WithSimd for TransformFilters<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { weight, channels_in, filters, width } = self;
        let lanes = S::F32_LANES;
        assert!(
            width.is_multiple_of(lanes) && lanes <= MOST_LANES && filters.len() == COMPONENTS * channels_in * width
        );
        let zero = s.splat_f32s(0.0);
        for first in (0..width).step_by(lanes) {
            let mut channels: [&[f32]; MOST_LANES] = [&[]; MOST_LANES];
            for (channel, weight) in
                channels[..lanes].iter_mut().zip(weight.chunks_exact(channels_in * TAPS).skip(first))
            {
                *channel = weight;
            }
            // What has no channel stays zero.
            let mut taps = [[0.0_f32; MOST_LANES]; TAPS];
            for input in 0..channels_in {
                for lane in 0..lanes {
                    if let Some(kernel) = channels[lane].get(input * TAPS..(input + 1) * TAPS) {
                        for tap in 0..TAPS {
                            taps[tap][lane] = kernel[tap];
                        }
                    }
                }
                let mut columns = [[zero; 4]; 3];
                for x in 0..3 {
                    let mut g = [zero; 3];
                    for y in 0..3 {
                        g[y] = S::as_simd_f32s(&taps[3 * y + x]).0[0];
                    }
                    columns[x] = filter_line(s, g);
                }
                for y in 0..4 {
                    let row = filter_line(s, [columns[0][y], columns[1][y], columns[2][y]]);
                    for x in 0..4 {
                        let at = ((4 * y + x) * channels_in + input) * width + first;
                        S::as_mut_simd_f32s(&mut filters[at..at + lanes]).0[0] = row[x];
                    }
                }
            }
        }
    }
}

/// `G g = (g₀, (g₀ + g₁ + g₂) / 2, (g₀ − g₁ + g₂) / 2, g₂)`
#[inline(always)]
fn filter_line<S: Simd>(s: S, g: [S::f32s; 3]) -> [S::f32s; 4] {
    let half = s.splat_f32s(0.5);
    let (outer, middle) = (s.mul_f32s(half, s.add_f32s(g[0], g[2])), s.mul_f32s(half, g[1]));
    [g[0], s.add_f32s(outer, middle), s.sub_f32s(outer, middle), g[2]]
}

/// `Bᵀ d B` for some tiles of one image and all its channels.
pub(crate) struct TransformTiles<'a> {
    /// `[row][column][channel]` with its border; patches of the last tiles may end one row and one column later.
    pub staged: &'a [f32],
    /// Values from one row to the next.
    pub row: usize,
    pub channels: usize,
    /// Tiles side by side.
    pub wide: usize,
    /// Indices of the tiles, row by row.
    pub tiles: Range<usize>,
    /// `[component][tile][channel]`, from the first of these tiles on, channels padded to whole vectors.
    pub transformed: &'a mut [f32],
    /// Values from one component to the next.
    pub component: usize,
}

impl WithSimd for TransformTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { staged, row, channels, wide, tiles, transformed, component } = self;
        let mut components = transformed.chunks_mut(component);
        let to: [&mut [S::f32s]; COMPONENTS] =
            array::from_fn(|_| components.next().map(|component| S::as_mut_simd_f32s(component).0).unwrap_or_default());
        let (zero, vectors) = (s.splat_f32s(0.0), channels.div_ceil(S::F32_LANES));
        for (index, tile) in tiles.enumerate() {
            let first = (tile / wide * row + tile % wide * channels) * 2;
            let mut patch = [[(&[][..], &[][..]); 4]; 4];
            for y in 0..4 {
                for x in 0..4 {
                    patch[y][x] = S::as_simd_f32s(&staged[first + y * row + x * channels..][..channels]);
                }
            }
            for vector in 0..vectors {
                for y in 0..4 {
                    let mut d = [[zero; 4]; 2];
                    for (d, row) in d.iter_mut().zip(ROWS[y]) {
                        for x in 0..4 {
                            let (whole, rest) = patch[row][x];
                            d[x] = if vector < whole.len() { whole[vector] } else { s.partial_load_f32s(rest) };
                        }
                    }
                    let values = tile_line(s, y, d);
                    for x in 0..4 {
                        to[4 * y + x][index * vectors + vector] = values[x];
                    }
                }
            }
        }
    }
}

/// The two rows of a patch that each row of `Bᵀ d = (d₀ − d₂, d₁ + d₂, d₂ − d₁, d₁ − d₃)` is made of.
const ROWS: [[usize; 2]; 4] = [[0, 2], [1, 2], [2, 1], [1, 3]];

/// Row `y` of `Bᵀ d B` from those two: row by row sixteen registers are enough.
#[inline(always)]
fn tile_line<S: Simd>(s: S, y: usize, d: [[S::f32s; 4]; 2]) -> [S::f32s; 4] {
    let mut t = d[0];
    for x in 0..4 {
        t[x] = if y == 1 { s.add_f32s(d[0][x], d[1][x]) } else { s.sub_f32s(d[0][x], d[1][x]) };
    }
    [s.sub_f32s(t[0], t[2]), s.add_f32s(t[1], t[2]), s.sub_f32s(t[2], t[1]), s.sub_f32s(t[1], t[3])]
}

/// Destination of a tile's four outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The largest is all that is kept: `[tile][channel]`.
    Largest,
    /// Outputs of a map `[height][width][channel]`; those outside are dropped.
    Map { height: usize, width: usize },
}

/// `Aᵀ m A` and the bias for some tiles of one image and one panel of output channels.
pub(crate) struct TransformProducts<'a> {
    /// `[component][tile][width]`, from the first of these tiles on; `width` is `bias`'s.
    pub products: &'a [f32],
    /// Values from one component to the next.
    pub component: usize,
    /// Tiles side by side.
    pub wide: usize,
    /// Indices of the tiles, row by row.
    pub tiles: Range<usize>,
    /// Bias of the panel's channels.
    pub bias: &'a [f32],
    pub placement: Placement,
    /// The image's values from the panel's first channel on.
    pub values: &'a mut [f32],
    /// Index of the largest output, like `values`; empty if not required.
    pub winners: &'a mut [u32],
    /// Channels of the image, whole vectors.
    pub channels: usize,
}

impl WithSimd for TransformProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { products, component, wide, tiles, bias, placement, values, winners, channels } = self;
        let width = bias.len();
        let mut components = products.chunks(component);
        let components: [&[f32]; COMPONENTS] = array::from_fn(|_| components.next().unwrap_or_default());
        let (bias, _) = S::as_simd_f32s(bias);
        let zero = s.splat_f32s(0.0);
        for (index, tile) in tiles.enumerate() {
            let mut from: [&[S::f32s]; COMPONENTS] = [&[]; COMPONENTS];
            for c in 0..COMPONENTS {
                from[c] = S::as_simd_f32s(&components[c][index * width..][..width]).0;
            }
            for vector in 0..bias.len() {
                let mut columns = [[zero; 2]; 4];
                for x in 0..4 {
                    columns[x] = output_line(
                        s,
                        [from[x][vector], from[4 + x][vector], from[8 + x][vector], from[12 + x][vector]],
                    );
                }
                let mut outputs = [[zero; 2]; 2];
                for y in 0..2 {
                    outputs[y] = output_line(s, [columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                }
                match placement {
                    Placement::Largest => {
                        let (mut best, mut winner) = (outputs[0][0], s.splat_u32s(0));
                        for candidate in 1..4 {
                            let value = outputs[candidate / 2][candidate % 2];
                            let better = wins(s, value, best);
                            best = s.select_f32s(better, value, best);
                            winner = s.select_u32s(better, s.splat_u32s(candidate as u32), winner);
                        }
                        let at = tile * channels + vector * S::F32_LANES;
                        S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = s.add_f32s(best, bias[vector]);
                        if !winners.is_empty() {
                            S::as_mut_simd_u32s(&mut winners[at..at + S::F32_LANES]).0[0] = winner;
                        }
                    }
                    Placement::Map { height, width } => {
                        let (top, left) = (tile / wide * 2, tile % wide * 2);
                        for y in 0..2 {
                            for x in 0..2 {
                                if top + y < height && left + x < width {
                                    let at = ((top + y) * width + left + x) * channels + vector * S::F32_LANES;
                                    let to = &mut values[at..at + S::F32_LANES];
                                    S::as_mut_simd_f32s(to).0[0] = s.add_f32s(outputs[y][x], bias[vector]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `Aᵀ m = (m₀ + m₁ + m₂, m₁ − m₂ − m₃)`
#[inline(always)]
fn output_line<S: Simd>(s: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
    [s.add_f32s(s.add_f32s(m[0], m[1]), m[2]), s.sub_f32s(s.sub_f32s(m[1], m[2]), m[3])]
}
