//! Gradients of weight and input as sums of segments, one per window of the pool.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use super::{arithmetic::mul_add, load::load, patches::Patches};

/// Term of a sum of segments: a factor and the offset of the segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Source {
    offset: u32,
    gradient: f32,
}

/// Gradient of the weight from one image.
pub(crate) struct WeightGradient<'a> {
    pub patches: Patches<'a>,
    /// Longer than the image by at least a vector: what lies behind a segment is read and goes to the padding of
    /// `weight_gradient`.
    pub staged: &'a [f32],
    /// `[position][channel]`, channels padded to whole vectors.
    pub gradient: &'a [f32],
    /// Index of the candidate that receives the gradient, like `gradient`.
    pub winners: &'a [u8],
    pub channels_out: usize,
    /// `[channel][kernel row][segment padded to whole vectors]`, added to.
    pub weight_gradient: &'a mut [f32],
    /// Room for the sources of all channels.
    pub sources: &'a mut Vec<Source>,
    /// Room for where each channel's sources end.
    pub ends: &'a mut Vec<usize>,
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { patches, staged, gradient, winners, channels_out, weight_gradient, sources, ends } = self;
        let padded = patches.segment.next_multiple_of(S::F32_LANES);
        let channels = gradient.len() / patches.bases.len();
        assert!(
            channels >= channels_out
                && gradient.len() == channels * patches.bases.len()
                && winners.len() == gradient.len()
        );
        assert!(weight_gradient.len() == channels_out * patches.kernel * padded);
        assert!(
            patches.reach(padded) <= staged.len().min(u32::MAX as usize),
            "a padded patch ends outside the staged image"
        );
        // The list keeps its length, so that every entry is written without a branch.
        sources.resize(sources.len().max(channels_out * patches.bases.len()), Source::default());
        ends.clear();
        let mut count = 0;
        for channel in 0..channels_out {
            let (gradients, winners) =
                (gradient[channel..].iter().step_by(channels), winners[channel..].iter().step_by(channels));
            for ((&base, &gradient), &winner) in patches.bases.iter().zip(gradients).zip(winners) {
                sources[count] = Source { offset: (base + patches.corners[usize::from(winner & 3)]) as u32, gradient };
                // An exactly zero gradient adds nothing (half of them behind a ReLU).
                count += usize::from(gradient != 0.0);
            }
            ends.push(count);
        }
        // By kernel row first: then the part of the image that all channels read fits the first-level cache.
        for kernel_row in 0..patches.kernel {
            let mut begin = 0;
            for (channel, &end) in ends.iter().enumerate() {
                let (sources, at) = (&sources[begin..end], kernel_row * patches.row);
                begin = end;
                let mut sums = &mut weight_gradient[(channel * patches.kernel + kernel_row) * padded..][..padded];
                let mut at = at;
                while !sums.is_empty() {
                    let vectors = sums.len() / S::F32_LANES;
                    let width = match vectors {
                        12.. => add_segments::<S, 12>(s, sources, staged, at, sums),
                        6..12 => add_segments::<S, 6>(s, sources, staged, at, sums),
                        2..6 => add_segments::<S, 2>(s, sources, staged, at, sums),
                        _ => add_segments::<S, 1>(s, sources, staged, at, sums),
                    };
                    sums = &mut sums[width..];
                    at += width;
                }
            }
        }
    }
}

/// Adds `gradient · staged[offset + at..]` of every source to the first `B` vectors of `sums`; returns how many values
/// that is. Only called by [`WeightGradient`], which proved that `reach(padded)`, hence `offset + at + B` vectors, lies
/// inside `staged`.
#[inline(always)]
fn add_segments<S: Simd, const B: usize>(
    s: S,
    sources: &[Source],
    staged: &[f32],
    at: usize,
    sums: &mut [f32],
) -> usize {
    let kept = &mut S::as_mut_simd_f32s(sums).0[..B];
    let mut sums = [s.splat_f32s(0.0); B];
    sums.copy_from_slice(kept);
    for source in sources {
        let (gradient, offset) = (s.splat_f32s(source.gradient), source.offset as usize + at);
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the offset is a base plus a corner, and `at + B` vectors end inside the padded kernel row: below
            // `reach(padded)`.
            let x = unsafe { load::<S>(staged, offset + v * S::F32_LANES) };
            *sum = mul_add(s, gradient, x, *sum);
        }
    }
    kept.copy_from_slice(&sums);
    B * S::F32_LANES
}

/// Gradient of the input from one image.
pub(crate) struct InputGradient<'a> {
    pub patches: Patches<'a>,
    /// `[position][channel]`, channels padded to whole vectors.
    pub gradient: &'a [f32],
    /// Index of the candidate that receives the gradient, like `gradient`.
    pub winners: &'a [u8],
    pub channels_out: usize,
    /// `[kernel row][block of a segment][channel][value]`, segments padded with zeros to whole vectors and cut as
    /// [`blocks`] says.
    pub weight: &'a [f32],
    /// A staged image, added to.
    pub input_gradient: &'a mut [f32],
    /// Room for the sources of all candidates.
    pub sources: &'a mut Vec<Source>,
    /// Room for where each candidate's sources end.
    pub ends: &'a mut Vec<usize>,
    /// Room for the sources of one position.
    pub sorted: &'a mut Vec<Source>,
}

impl WithSimd for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let Patches { bases, corners, candidates, kernel, row, segment } = self.patches;
        let padded = segment.next_multiple_of(S::F32_LANES);
        let channels = self.gradient.len() / bases.len();
        assert!(
            channels >= self.channels_out
                && self.gradient.len() == channels * bases.len()
                && self.winners.len() == self.gradient.len()
        );
        assert!(self.weight.len() == self.channels_out * kernel * padded && self.channels_out <= u32::MAX as usize);
        self.sort(channels);
        // A few vectors of all channels' weights at a time: they stay in the first-level cache while all positions read
        // them.
        for kernel_row in 0..kernel {
            for (here, width) in blocks(padded, S::F32_LANES) {
                let weight =
                    &self.weight[(kernel_row * padded + here) * self.channels_out..][..width * self.channels_out];
                let mut begin = 0;
                for (index, &end) in self.ends.iter().enumerate() {
                    let sources = &self.sources[begin..end];
                    begin = end;
                    let at = bases[index / candidates] + corners[index % candidates] + kernel_row * row + here;
                    let to = &mut self.input_gradient[at..][..width.min(segment - here)];
                    match width / S::F32_LANES {
                        6 => add_weights::<S, 6>(s, sources, weight, to),
                        4 => add_weights::<S, 4>(s, sources, weight, to),
                        _ => add_weights::<S, 1>(s, sources, weight, to),
                    }
                }
            }
        }
    }
}

/// Vectors of the weight that one pass of [`InputGradient`] reads: the block of 128 channels shall fit 32 KiB of
/// first-level cache, and two sums of it the registers.
const fn block(lanes: usize) -> usize {
    if lanes == 16 { 4 } else { 6 }
}

/// Cuts a padded segment into blocks: where each begins and how many values it has.
pub(crate) fn blocks(padded: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let width = block(lanes) * lanes;
    let whole = padded / width * width;
    let wide = (0..whole).step_by(width).map(move |here| (here, width));
    wide.chain((whole..padded).step_by(lanes).map(move |here| (here, lanes)))
}

impl InputGradient<'_> {
    /// Lists the sources by position and candidate; a source's offset is its channel.
    #[inline(always)]
    fn sort(&mut self, channels: usize) {
        self.sources.clear();
        self.ends.clear();
        // One list for each candidate, one behind the other; every entry is written without a branch.
        let room = self.channels_out;
        self.sorted.resize(4 * room, Source::default());
        for (gradients, winners) in self.gradient.chunks_exact(channels).zip(self.winners.chunks_exact(channels)) {
            let mut counts = [0; 4];
            for (channel, (&gradient, &winner)) in gradients.iter().zip(winners).take(room).enumerate() {
                let candidate = usize::from(winner & 3);
                self.sorted[candidate * room + counts[candidate]] = Source { offset: channel as u32, gradient };
                counts[candidate] += usize::from(gradient != 0.0);
            }
            for (candidate, &count) in counts.iter().enumerate().take(self.patches.candidates) {
                self.sources.extend_from_slice(&self.sorted[candidate * room..][..count]);
                self.ends.push(self.sources.len());
            }
        }
    }
}

/// Adds `gradient · weight[offset]` of every source to `to`; `weight` has `B` vectors for each channel, `to` that many
/// or a little less. Only called by [`InputGradient`], whose sources' offsets are channels, of which `weight` has
/// `channels_out`.
#[inline(always)]
fn add_weights<S: Simd, const B: usize>(s: S, sources: &[Source], weight: &[f32], to: &mut [f32]) {
    // Two sums, for the multiply-add's latency.
    let (mut even, mut odd) = ([s.splat_f32s(0.0); B], [s.splat_f32s(0.0); B]);
    let (pairs, last) = sources.as_chunks::<2>();
    for [first, second] in pairs {
        add_weight(s, *first, weight, &mut even);
        add_weight(s, *second, weight, &mut odd);
    }
    for source in last {
        add_weight(s, *source, weight, &mut even);
    }
    let (whole, rest) = S::as_mut_simd_f32s(to);
    for (v, to) in whole.iter_mut().enumerate() {
        *to = s.add_f32s(*to, s.add_f32s(even[v], odd[v]));
    }
    if !rest.is_empty() {
        let sum = s.add_f32s(even[whole.len()], odd[whole.len()]);
        s.partial_store_f32s(rest, s.add_f32s(s.partial_load_f32s(rest), sum));
    }
}

#[inline(always)]
fn add_weight<S: Simd, const B: usize>(s: S, source: Source, weight: &[f32], sums: &mut [S::f32s; B]) {
    let (gradient, offset) = (s.splat_f32s(source.gradient), source.offset as usize * B * S::F32_LANES);
    for (v, sum) in sums.iter_mut().enumerate() {
        // SAFETY: the offset is a channel, and `weight` has `B` vectors for each; see `add_weights`.
        let w = unsafe { load::<S>(weight, offset + v * S::F32_LANES) };
        *sum = mul_add(s, gradient, w, *sum);
    }
}
