//! The linear maps of Winograd's filtering of 3×3 and 5×5 kernels (see [`winograd`](crate::convolution::winograd)),
//! channels in the lanes.
//!
//! Each is one small matrix used twice, for the columns and for the rows: those of a [`Filtering`]. The products between
//! them are [`Product`](super::Product)'s.

use std::{array, marker::PhantomData, ops::Range};

use pulp::{Simd, WithSimd};

use super::{
    arithmetic::wins,
    filtering::{Filtering, MOST_LINE, MOST_PATCH, MOST_TILE},
};

/// Most weights of a channel pair.
const MOST_TAPS: usize = MOST_LINE * MOST_LINE;
/// Most products of a tile: one for each element of its patch.
const MOST_COMPONENTS: usize = MOST_PATCH * MOST_PATCH;
/// Lanes of the widest vectors.
const MOST_LANES: usize = 16;

/// `G g Gᵀ` for some output channels and all input channels.
pub(crate) struct TransformFilters<'a, F> {
    /// `[out, in, k, k]`, from the first of these output channels on.
    pub weight: &'a [f32],
    pub channels_in: usize,
    /// `[component][in][width]`. Channels that `weight` ends before get zeros.
    pub filters: &'a mut [f32],
    /// Output channels, a whole number of vectors.
    pub width: usize,
    pub filtering: PhantomData<F>,
}

impl<F: Filtering> WithSimd for TransformFilters<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { weight, channels_in, filters, width, .. } = self;
        let (lanes, count) = (S::F32_LANES, F::LINE * F::LINE);
        assert!(
            width.is_multiple_of(lanes)
                && lanes <= MOST_LANES
                && filters.len() == F::PATCH * F::PATCH * channels_in * width
        );
        let zero = s.splat_f32s(0.0);
        for first in (0..width).step_by(lanes) {
            let mut channels: [&[f32]; MOST_LANES] = [&[]; MOST_LANES];
            for (channel, weight) in
                channels[..lanes].iter_mut().zip(weight.chunks_exact(channels_in * count).skip(first))
            {
                *channel = weight;
            }
            // What has no channel stays zero.
            let mut taps = [[0.0_f32; MOST_LANES]; MOST_TAPS];
            for input in 0..channels_in {
                for lane in 0..lanes {
                    if let Some(kernel) = channels[lane].get(input * count..(input + 1) * count) {
                        for tap in 0..count {
                            taps[tap][lane] = kernel[tap];
                        }
                    }
                }
                let mut columns = [[zero; MOST_PATCH]; MOST_LINE];
                for x in 0..F::LINE {
                    let mut g = [zero; MOST_LINE];
                    for y in 0..F::LINE {
                        g[y] = S::as_simd_f32s(&taps[F::LINE * y + x]).0[0];
                    }
                    columns[x] = F::filter(s, g);
                }
                for y in 0..F::PATCH {
                    let mut g = [zero; MOST_LINE];
                    for x in 0..F::LINE {
                        g[x] = columns[x][y];
                    }
                    let row = F::filter(s, g);
                    for x in 0..F::PATCH {
                        let at = ((F::PATCH * y + x) * channels_in + input) * width + first;
                        S::as_mut_simd_f32s(&mut filters[at..at + lanes]).0[0] = row[x];
                    }
                }
            }
        }
    }
}

/// `Bᵀ d B` for some tiles of one image and all its channels.
pub(crate) struct TransformTiles<'a, F> {
    /// `[row][column][channel]` with its border; patches of the last tiles may end some rows and columns later.
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
    pub filtering: PhantomData<F>,
}

impl<F: Filtering> WithSimd for TransformTiles<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { staged, row, channels, wide, tiles, transformed, component, .. } = self;
        let mut components = transformed.chunks_mut(component);
        let to: [&mut [S::f32s]; MOST_COMPONENTS] =
            array::from_fn(|_| components.next().map(|component| S::as_mut_simd_f32s(component).0).unwrap_or_default());
        let (zero, vectors) = (s.splat_f32s(0.0), channels.div_ceil(S::F32_LANES));
        for (index, tile) in tiles.enumerate() {
            let first = (tile / wide * row + tile % wide * channels) * F::TILE;
            let mut pixels = [[(&[][..], &[][..]); MOST_PATCH]; MOST_PATCH];
            for y in 0..F::PATCH {
                for x in 0..F::PATCH {
                    pixels[y][x] = S::as_simd_f32s(&staged[first + y * row + x * channels..][..channels]);
                }
            }
            for vector in 0..vectors {
                for y in 0..F::PATCH {
                    let mut d = [zero; MOST_PATCH];
                    for x in 0..F::PATCH {
                        d[x] = F::patch_element(
                            s,
                            y,
                            #[inline(always)]
                            |y| {
                                let (whole, rest) = pixels[y][x];
                                if vector < whole.len() { whole[vector] } else { s.partial_load_f32s(rest) }
                            },
                        );
                    }
                    let values = F::patch(s, d);
                    for x in 0..F::PATCH {
                        to[F::PATCH * y + x][index * vectors + vector] = values[x];
                    }
                }
            }
        }
    }
}

/// Destination of a tile's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The largest of the four outputs of a tile of two is all that is kept: `[tile][channel]`.
    Largest,
    /// Outputs of a map `[height][width][channel]`; those outside are dropped.
    Map { height: usize, width: usize },
}

/// `Aᵀ m A` and the bias for some tiles of one image and one panel of output channels.
pub(crate) struct TransformProducts<'a, F> {
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
    pub filtering: PhantomData<F>,
}

impl<F: Filtering> WithSimd for TransformProducts<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { products, component, wide, tiles, bias, placement, values, winners, channels, .. } = self;
        assert!(placement != Placement::Largest || F::TILE == 2, "a pool's window is a tile of two");
        let width = bias.len();
        let mut components = products.chunks(component);
        let components: [&[f32]; MOST_COMPONENTS] = array::from_fn(|_| components.next().unwrap_or_default());
        let (bias, _) = S::as_simd_f32s(bias);
        let zero = s.splat_f32s(0.0);
        for (index, tile) in tiles.enumerate() {
            let mut from: [&[S::f32s]; MOST_COMPONENTS] = [&[]; MOST_COMPONENTS];
            for c in 0..F::PATCH * F::PATCH {
                from[c] = S::as_simd_f32s(&components[c][index * width..][..width]).0;
            }
            for vector in 0..bias.len() {
                let mut columns = [[zero; MOST_TILE]; MOST_PATCH];
                for x in 0..F::PATCH {
                    let mut m = [zero; MOST_PATCH];
                    for y in 0..F::PATCH {
                        m[y] = from[F::PATCH * y + x][vector];
                    }
                    columns[x] = F::output(s, m);
                }
                let mut outputs = [[zero; MOST_TILE]; MOST_TILE];
                for y in 0..F::TILE {
                    let mut m = [zero; MOST_PATCH];
                    for x in 0..F::PATCH {
                        m[x] = columns[x][y];
                    }
                    outputs[y] = F::output(s, m);
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
                        let (top, left) = (tile / wide * F::TILE, tile % wide * F::TILE);
                        for y in 0..F::TILE {
                            for x in 0..F::TILE {
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

/// `A y Aᵀ` for some tiles of one image's gradient and all its channels.
pub(crate) struct TransformGradients<'a, F> {
    /// `[height][width][channel]`, channels whole vectors; outside of the map the gradient is zero.
    pub gradient: &'a [f32],
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Tiles side by side.
    pub wide: usize,
    /// Indices of the tiles, row by row.
    pub tiles: Range<usize>,
    /// `[component][tile][channel]`, from the first of these tiles on.
    pub transformed: &'a mut [f32],
    /// Values from one component to the next.
    pub component: usize,
    pub filtering: PhantomData<F>,
}

impl<F: Filtering> WithSimd for TransformGradients<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { gradient, height, width, channels, wide, tiles, transformed, component, .. } = self;
        assert!(channels.is_multiple_of(S::F32_LANES) && gradient.len() == height * width * channels);
        let mut components = transformed.chunks_mut(component);
        let to: [&mut [S::f32s]; MOST_COMPONENTS] =
            array::from_fn(|_| components.next().map(|component| S::as_mut_simd_f32s(component).0).unwrap_or_default());
        let (zero, vectors) = (s.splat_f32s(0.0), channels / S::F32_LANES);
        for (index, tile) in tiles.enumerate() {
            let (top, left) = (tile / wide * F::TILE, tile % wide * F::TILE);
            let mut outputs: [[&[S::f32s]; MOST_TILE]; MOST_TILE] = [[&[]; MOST_TILE]; MOST_TILE];
            for y in 0..F::TILE.min(height - top) {
                for x in 0..F::TILE.min(width - left) {
                    let at = ((top + y) * width + left + x) * channels;
                    outputs[y][x] = S::as_simd_f32s(&gradient[at..at + channels]).0;
                }
            }
            for vector in 0..vectors {
                let mut columns = [[zero; MOST_PATCH]; MOST_TILE];
                for x in 0..F::TILE {
                    let mut line = [zero; MOST_TILE];
                    for y in 0..F::TILE {
                        line[y] = outputs[y][x].get(vector).copied().unwrap_or(zero);
                    }
                    columns[x] = F::gradient(s, line);
                }
                for y in 0..F::PATCH {
                    let mut line = [zero; MOST_TILE];
                    for x in 0..F::TILE {
                        line[x] = columns[x][y];
                    }
                    let values = F::gradient(s, line);
                    for x in 0..F::PATCH {
                        to[F::PATCH * y + x][index * vectors + vector] = values[x];
                    }
                }
            }
        }
    }
}

/// Adds `Gᵀ u G` for all channels to the gradient of the weight.
pub(crate) struct TransformWeightGradients<'a, F> {
    /// `[component][in][out]`
    pub sums: &'a [f32],
    /// `[kernel row][kernel column][in][out]`, out whole vectors.
    pub weight: &'a mut [f32],
    pub filtering: PhantomData<F>,
}

impl<F: Filtering> WithSimd for TransformWeightGradients<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { sums, weight, .. } = self;
        let pairs = weight.len() / (F::LINE * F::LINE);
        assert!(pairs.is_multiple_of(S::F32_LANES) && sums.len() == F::PATCH * F::PATCH * pairs);
        let zero = s.splat_f32s(0.0);
        for first in (0..pairs).step_by(S::F32_LANES) {
            let mut columns = [[zero; MOST_LINE]; MOST_PATCH];
            for x in 0..F::PATCH {
                let mut u = [zero; MOST_PATCH];
                for y in 0..F::PATCH {
                    u[y] = S::as_simd_f32s(&sums[(F::PATCH * y + x) * pairs + first..][..S::F32_LANES]).0[0];
                }
                columns[x] = F::weight(s, u);
            }
            for y in 0..F::LINE {
                let mut u = [zero; MOST_PATCH];
                for x in 0..F::PATCH {
                    u[x] = columns[x][y];
                }
                let taps = F::weight(s, u);
                for x in 0..F::LINE {
                    let to = &mut weight[(F::LINE * y + x) * pairs + first..][..S::F32_LANES];
                    let sum = s.add_f32s(S::as_simd_f32s(to).0[0], taps[x]);
                    S::as_mut_simd_f32s(to).0[0] = sum;
                }
            }
        }
    }
}
