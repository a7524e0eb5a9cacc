//! Copies between tensors of any strides and the layouts of the kernels.
//!
//! The kernels read images with channels innermost, a border of zeros around and up to a vector of slack behind. An
//! image that lies so already (the output of a fused block in front of a convolution without padding) is read where it
//! is; any other passes through a scratch buffer that stays in the second-level cache, at about one part in a hundred
//! of the convolution's cost. Weights are packed once per call.

use pulp::{Simd, WithSimd};

use crate::{
    geometry::Geometry,
    kernels::blocks,
    memory::{Buffer, View},
};

/// Room beside a staged image, for kernels that read further than it reaches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Columns of zeros to the right of the border.
    pub right: usize,
    /// Rows of zeros below the border.
    pub below: usize,
    /// Values behind all that, of any content.
    pub slack: usize,
}

impl Room {
    pub fn slack(slack: usize) -> Self {
        Self { slack, ..Self::default() }
    }

    /// Values between two rows of the staged image.
    pub fn row(&self, g: &Geometry) -> usize {
        g.row() + self.right * g.channels_in
    }
}

/// Image `n` as `[row][column][channel]` with its border and the room that is asked for.
pub(crate) fn stage<'a>(view: &View<'a>, n: usize, g: &Geometry, room: Room, buffer: &'a mut Buffer) -> &'a [f32] {
    let (line, row) = (g.width * g.channels_in, room.row(g));
    let len = (g.height + 2 * g.border + room.below) * row + room.slack;
    let [_, sc, sy, sx] = view.strides;
    let dense = (sc == 1 || g.channels_in == 1) && sx == g.channels_in as isize;
    let start = view.at(n, 0, 0, 0);
    if dense
        && g.border == 0
        && (room.right, room.below) == (0, 0)
        && sy == line as isize
        && let Some(image) = view.data.get(start..start + len)
    {
        return image;
    }
    let to = buffer.take(len);
    to.fill(0.0);
    for y in 0..g.height {
        let to = &mut to[(y + g.border) * row + g.border * g.channels_in..][..line];
        if dense {
            to.copy_from_slice(&view.data[view.at(n, 0, y, 0)..][..line]);
        } else {
            for c in 0..g.channels_in {
                for x in 0..g.width {
                    to[x * g.channels_in + c] = view.data[view.at(n, c, y, x)];
                }
            }
        }
    }
    to
}

/// Copies a staged gradient without its border to one image `[row][column][channel]`.
pub(crate) fn unstage(staged: &[f32], g: &Geometry, to: &mut [f32]) {
    let line = g.width * g.channels_in;
    for (y, to) in to.chunks_exact_mut(line).enumerate() {
        to.copy_from_slice(&staged[(y + g.border) * g.row() + g.border * g.channels_in..][..line]);
    }
}

/// The gradient of image `n`'s output times the slopes: `[position][channel]`, padded to `channels`. All positions of a
/// window read the gradient of its output.
pub(crate) struct ScaledGradient<'a> {
    pub view: &'a View<'a>,
    pub n: usize,
    pub geometry: &'a Geometry,
    pub channels: usize,
    pub slopes: &'a [f32],
    pub to: &'a mut [f32],
}

impl WithSimd for ScaledGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { view, n, geometry: g, channels, slopes, to } = self;
        let (spread, width) = (g.spread(), g.spread() * g.out_width);
        let [_, sc, sy, sx] = view.strides;
        if spread == 1 && sx == 1 && sy == g.out_width as isize {
            // Channel by channel in memory: read in order.
            for c in 0..channels {
                let values = to.iter_mut().skip(c).step_by(channels).zip(slopes.iter().skip(c).step_by(channels));
                if c < g.channels_out {
                    let from = &view.data[view.at(n, c, 0, 0)..][..g.outputs()];
                    values.zip(from).for_each(|((to, slope), from)| *to = from * slope);
                } else {
                    values.for_each(|(to, _)| *to = 0.0);
                }
            }
            return;
        }
        let rows = to.chunks_exact_mut(channels).zip(slopes.chunks_exact(channels));
        for (position, (to, slopes)) in rows.enumerate() {
            let start = view.at(n, 0, position / width / spread, position % width / spread);
            if sc == 1 && channels == g.channels_out {
                let from = S::as_simd_f32s(&view.data[start..][..channels]).0;
                let (to, slopes) = (S::as_mut_simd_f32s(to).0, S::as_simd_f32s(slopes).0);
                for ((to, from), slope) in to.iter_mut().zip(from).zip(slopes) {
                    *to = s.mul_f32s(*from, *slope);
                }
                continue;
            }
            let (inside, padding) = to.split_at_mut(g.channels_out);
            if sc == 1 {
                let from = &view.data[start..][..g.channels_out];
                for ((to, from), slope) in inside.iter_mut().zip(from).zip(slopes) {
                    *to = from * slope;
                }
            } else {
                for (c, (to, slope)) in inside.iter_mut().zip(slopes).enumerate() {
                    *to = view.data[(start as isize + c as isize * sc) as usize] * slope;
                }
            }
            padding.fill(0.0);
        }
    }
}

/// `[position][channel]` with padded channels to `[position][channel]` without.
pub(crate) fn compact(from: &[f32], padded: usize, channels: usize, to: &mut [f32]) {
    for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(padded)) {
        to.copy_from_slice(&from[..channels]);
    }
}

/// `[position][channel]` with padded channels to `[channel][position]`.
pub(crate) fn transpose(from: &[f32], padded: usize, positions: usize, to: &mut [f32]) {
    for (c, to) in to.chunks_exact_mut(positions).enumerate() {
        for (position, to) in to.iter_mut().enumerate() {
            *to = from[position * padded + c];
        }
    }
}

/// `[out, in, k, k]` to the panels of the forward kernel: `[panel][kernel row][kernel column][in][out]`, `panel`
/// channels wide.
pub(crate) fn panels(weight: &[f32], g: &Geometry, padded: usize, panel: usize) -> Buffer {
    let area = g.kernel * g.kernel;
    let taps = area * g.channels_in;
    let mut packed = Buffer::default();
    for (first, to) in (0..padded).step_by(panel).zip(packed.take(taps * padded).chunks_mut(taps * panel)) {
        let width = panel.min(padded - first);
        let weight = &weight[first * taps..(first + width).min(g.channels_out) * taps];
        for i in 0..g.channels_in {
            for k in 0..area {
                let to = &mut to[(k * g.channels_in + i) * width..][..width];
                let mut from = weight.iter().skip(i * area + k).step_by(taps);
                to.fill_with(|| from.next().copied().unwrap_or(0.0));
            }
        }
    }
    packed
}

/// `[out, in, k, k]` to what [`InputGradient`](crate::kernels::InputGradient) reads, from segments of `padded` values.
pub(crate) fn weight_blocks(weight: &[f32], g: &Geometry, padded: usize, lanes: usize) -> Buffer {
    let mut packed = Buffer::default();
    let to = packed.take(g.channels_out * g.kernel * padded);
    let mut rows = vec![0.0; g.kernel * padded];
    for (c, weight) in weight.chunks_exact(g.kernel * g.segment()).enumerate() {
        for (row, segment) in rows.chunks_exact_mut(padded).enumerate() {
            for (column, to) in segment[..g.segment()].chunks_exact_mut(g.channels_in).enumerate() {
                let from = weight.iter().skip(row * g.kernel + column).step_by(g.kernel * g.kernel);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
            for (here, width) in blocks(padded, lanes) {
                to[(row * padded + here) * g.channels_out + c * width..][..width]
                    .copy_from_slice(&segment[here..here + width]);
            }
        }
    }
    packed
}

/// `[out][kernel row][segment]`, segments `padded` values apart, to `[out, in, k, k]`.
pub(crate) fn from_segments(packed: &[f32], g: &Geometry, padded: usize) -> Vec<f32> {
    let size = g.kernel * g.segment();
    let mut weight = vec![0.0; g.channels_out * size];
    for (to, from) in weight.chunks_exact_mut(size).zip(packed.chunks_exact(g.kernel * padded)) {
        for (row, segment) in from.chunks_exact(padded).enumerate() {
            for (column, from) in segment[..g.segment()].chunks_exact(g.channels_in).enumerate() {
                let to = to.iter_mut().skip(row * g.kernel + column).step_by(g.kernel * g.kernel);
                to.zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }
    weight
}

/// `[kernel row][kernel column][in][out padded]` to `[out, in, k, k]`.
pub(crate) fn from_taps(packed: &[f32], g: &Geometry, padded: usize) -> Vec<f32> {
    let area = g.kernel * g.kernel;
    let mut weight = vec![0.0; g.channels_out * g.kernel * g.segment()];
    for (tap, from) in packed.chunks_exact(padded).enumerate() {
        let at = tap % g.channels_in * area + tap / g.channels_in;
        let to = weight.iter_mut().skip(at).step_by(g.kernel * g.segment());
        to.zip(from).for_each(|(to, from)| *to = *from);
    }
    weight
}
