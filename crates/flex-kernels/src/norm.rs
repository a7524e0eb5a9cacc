//! The passes over a batch; maps are `[image][row][column][channel]`.

use std::cell::RefCell;

use crate::{
    geometry::Geometry,
    kernels::{Activate, GradientSums, MapGradient, MapGradientInPlace, Moments, Normalize, PoolMap, Spread},
    layout::{self, ScaledGradient},
    level::Level,
    memory::{Buffer, Fresh, View},
    parallel,
    spec::{Memory, NormSpec},
};

#[derive(Default)]
struct Scratch {
    staged: Buffer,
    values: Buffer,
    slopes: Buffer,
    pooled: Buffer,
    pooled_slopes: Buffer,
    gradient: Buffer,
    rows: Buffer,
}

thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());

/// Calls `run` for every item, which must not depend on the others.
fn for_each<T: Send>(items: impl Iterator<Item = T>, run: impl Fn(T, &mut Scratch) + Send + Sync) {
    parallel::for_each(items, |item| SCRATCH.with_borrow_mut(|scratch| run(item, scratch)));
}

/// Mean and biased variance of each channel of a map `[batch, channels, height, width]`.
pub(crate) fn statistics(
    level: Level,
    map: &[f32],
    [batch, channels, height, width]: [usize; 4],
) -> (Vec<f32>, Vec<f32>) {
    let (positions, padded) = (height * width, channels.next_multiple_of(level.lanes()));
    let mut partial = vec![0.0; batch * 2 * padded];
    for_each(
        map.chunks_exact(positions * channels).zip(partial.chunks_exact_mut(2 * padded)),
        |(map, partial), scratch| {
            let (sum, squares) = partial.split_at_mut(padded);
            level.run(Moments { map: widened(map, channels, padded, &mut scratch.staged), sum, squares });
        },
    );
    let (images, count) = (partial.chunks_exact(2 * padded), positions as f64);
    let mut mean = vec![0.0; channels];
    for image in images.clone() {
        mean.iter_mut().zip(image).for_each(|(mean, sum)| *mean += f64::from(*sum));
    }
    mean.iter_mut().for_each(|mean| *mean /= count * batch as f64);
    let mut variance = vec![0.0; channels];
    for image in images {
        for ((variance, mean), (sum, squares)) in variance.iter_mut().zip(&mean).zip(image.iter().zip(&image[padded..]))
        {
            let off = f64::from(*sum) / count - mean;
            *variance += f64::from(*squares) + count * off * off;
        }
    }
    let total = count * batch as f64;
    (
        mean.iter().map(|mean| *mean as f32).collect(),
        variance.iter().map(|variance| (variance / total) as f32).collect(),
    )
}

/// `[position][channel]` with channels padded by zeros; the map itself if they need no padding.
fn widened<'a>(map: &'a [f32], channels: usize, padded: usize, buffer: &'a mut Buffer) -> &'a [f32] {
    if channels == padded {
        return map;
    }
    let to = buffer.take(map.len() / channels * padded);
    for (to, from) in to.chunks_exact_mut(padded).zip(map.chunks_exact(channels)) {
        to[..channels].copy_from_slice(from);
        to[channels..].fill(0.0);
    }
    to
}

/// Constants of each channel, channels padded by zeros.
pub(crate) struct Constants {
    mean: Vec<f32>,
    /// `1 / √(variance + ε)`
    inverse: Vec<f32>,
    /// `weight · inverse`
    factor: Vec<f32>,
    bias: Vec<f32>,
}

impl Constants {
    pub fn new(mean: &[f32], variance: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, padded: usize) -> Self {
        let wide = |mut values: Vec<f32>| {
            values.resize(padded, 0.0);
            values
        };
        let inverse: Vec<f32> = variance.iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect();
        let factor = inverse.iter().zip(weight).map(|(inverse, weight)| inverse * weight).collect();
        Self { mean: wide(mean.to_vec()), inverse: wide(inverse), factor: wide(factor), bias: wide(bias.to_vec()) }
    }
}

/// A norm with its sizes, ready to run.
pub(crate) struct Plan<'a> {
    pub level: Level,
    pub geometry: Geometry,
    pub spec: &'a NormSpec,
    pub constants: Constants,
}

/// The gradients; `map` is `[image][row][column][channel]`.
pub(crate) struct Gradients {
    pub map: Option<Vec<f32>>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Plan<'_> {
    fn padded(&self) -> usize {
        self.constants.mean.len()
    }

    /// Rows and columns that the pool looks at.
    fn seen(&self) -> (usize, usize) {
        let g = &self.geometry;
        (g.spread() * g.out_height, g.spread() * g.out_width)
    }

    /// Returns those rows and columns of an image, channels padded.
    fn staged<'a>(&self, image: &'a [f32], buffer: &'a mut Buffer) -> &'a [f32] {
        let g = &self.geometry;
        let (channels, padded, (rows, columns)) = (g.channels_in, self.padded(), self.seen());
        if columns == g.width {
            return widened(&image[..rows * columns * channels], channels, padded, buffer);
        }
        let to = buffer.take(rows * columns * padded);
        for (to, from) in to.chunks_exact_mut(columns * padded).zip(image.chunks_exact(g.width * channels)) {
            for (to, from) in to.chunks_exact_mut(padded).zip(from.chunks_exact(channels)) {
                to[..channels].copy_from_slice(from);
                to[channels..].fill(0.0);
            }
        }
        to
    }

    fn normalize(&self, staged: &[f32], to: &mut [f32]) {
        let Constants { mean, factor, bias, .. } = &self.constants;
        self.level.run(Normalize { map: staged, mean, factor, shift: bias, to });
    }

    /// `[image][output][channel]` or `[image][channel][output]`, as the specification says.
    pub fn forward(&self, map: &[f32]) -> Vec<f32> {
        let g = &self.geometry;
        let (size, image) = (g.height * g.width * g.channels_in, g.outputs() * g.channels_out);
        let mut values = Fresh::new(g.batch * image);
        for_each(map.chunks_exact(size).zip(values.parts(image)), |(map, out), scratch| {
            self.forward_image(map, out.cleared(), scratch);
        });
        values.finish()
    }

    fn forward_image(&self, image: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        let (g, padded) = (&self.geometry, self.padded());
        let (before, after) = (&self.spec.before_pool, &self.spec.after_pool);
        let direct = self.spec.memory == Memory::ChannelsLast && padded == g.channels_out;
        let staged = self.staged(image, &mut scratch.staged);
        let (values, pooled) = match (g.window.is_some(), direct) {
            (false, true) => (&mut *out, Default::default()),
            (false, false) => (scratch.values.take(staged.len()), Default::default()),
            (true, true) => (scratch.values.take(staged.len()), &mut *out),
            (true, false) => (scratch.values.take(staged.len()), scratch.pooled.take(g.outputs() * padded)),
        };
        self.normalize(staged, values);
        self.level.run(Activate { chain: before, values, slopes: None });
        let result = match g.window {
            None => values,
            Some(window) => {
                self.level.run(PoolMap {
                    window,
                    width: g.out_width,
                    channels: padded,
                    map: values,
                    slopes: None,
                    pooled,
                });
                pooled
            }
        };
        self.level.run(Activate { chain: after, values: result, slopes: None });
        if !direct {
            let from = if g.window.is_some() { &scratch.pooled } else { &scratch.values }.get(g.outputs() * padded);
            match self.spec.memory {
                Memory::ChannelsLast => layout::compact(from, padded, g.channels_out, out),
                Memory::Contiguous => layout::transpose(from, padded, g.outputs(), out),
            }
        }
    }

    /// Slopes of the result with respect to the normalised values of an image.
    fn slopes(
        &self,
        staged: &[f32],
        values: &mut Buffer,
        slopes: &mut [f32],
        pooled: &mut Buffer,
        pooled_slopes: &mut Buffer,
    ) {
        let (g, channels) = (&self.geometry, self.padded());
        let (before, after) = (&self.spec.before_pool, &self.spec.after_pool);
        let values = values.take(staged.len());
        self.normalize(staged, values);
        let Some(window) = g.window else {
            let chain: Vec<_> = before.iter().chain(after).copied().collect();
            return self.level.run(Activate { chain: &chain, values, slopes: Some(slopes) });
        };
        self.level.run(Activate { chain: before, values, slopes: Some(&mut *slopes) });
        let (width, pooled) = (g.out_width, pooled.take(g.outputs() * channels));
        self.level.run(PoolMap { window, width, channels, map: values, slopes: Some(&mut *slopes), pooled });
        if !after.is_empty() {
            let outer = pooled_slopes.take(pooled.len());
            self.level.run(Activate { chain: after, values: pooled, slopes: Some(&mut *outer) });
            self.level.run(Spread { width, channels, outer, slopes });
        }
    }

    /// Values of an image that the pool looks at, channels padded.
    fn seen_values(&self) -> usize {
        let (rows, columns) = self.seen();
        rows * columns * self.padded()
    }

    /// Writes the gradient of image `n`'s normalised values to `to`, and returns its staged map.
    fn behind_norm<'a>(
        &self,
        n: usize,
        image: &'a [f32],
        gradient: &View,
        to: &mut [f32],
        scratch: &'a mut Scratch,
    ) -> &'a [f32] {
        let Scratch { staged, values, slopes, pooled, pooled_slopes, .. } = scratch;
        let staged = self.staged(image, staged);
        let slopes = slopes.take(staged.len());
        self.slopes(staged, values, slopes, pooled, pooled_slopes);
        let (geometry, channels) = (&self.geometry, self.padded());
        self.level.run(ScaledGradient { view: gradient, n, geometry, channels, slopes, to });
        staged
    }

    /// The gradients, given that of the result.
    pub fn backward(&self, map: &[f32], gradient: &View, map_wanted: bool) -> Gradients {
        let (g, padded) = (&self.geometry, self.padded());
        let size = g.height * g.width * g.channels_in;
        let images = || map.chunks_exact(size).enumerate();
        let mut partial = vec![0.0; g.batch * 2 * padded];
        let add = |map: &[f32], gradient: &[f32], partial: &mut [f32]| {
            let (sum, product) = partial.split_at_mut(padded);
            self.level.run(GradientSums { map, gradient, mean: &self.constants.mean, sum, product });
        };
        // Where the pool looks at every value and no channel is padded, the gradient behind the norm is kept where that
        // of the map will be.
        let keeps = map_wanted && padded == g.channels_in && self.seen() == (g.height, g.width);
        let mut kept = Fresh::new(if keeps { map.len() } else { 0 });
        let sums = images().zip(partial.chunks_exact_mut(2 * padded));
        if keeps {
            for_each(sums.zip(kept.parts(size)), |(((n, image), partial), to), scratch| {
                let to = to.cleared();
                let map = self.behind_norm(n, image, gradient, to, scratch);
                add(map, to, partial);
            });
        } else {
            for_each(sums, |((n, image), partial), scratch| {
                let mut buffer = std::mem::take(&mut scratch.gradient);
                let to = buffer.take(self.seen_values());
                let map = self.behind_norm(n, image, gradient, to, scratch);
                add(map, to, partial);
                scratch.gradient = buffer;
            });
        }
        let mut sums = vec![0.0; 2 * padded];
        for image in partial.chunks_exact(2 * padded) {
            sums.iter_mut().zip(image).for_each(|(sum, part)| *sum += f64::from(*part));
        }
        let (sum, product) = sums.split_at(padded);
        let Constants { mean, inverse, factor, .. } = &self.constants;
        let of_weight: Vec<f64> =
            product.iter().zip(inverse).map(|(product, inverse)| product * f64::from(*inverse)).collect();
        let narrow = |values: &[f64]| values[..g.channels_in].iter().map(|value| *value as f32).collect();
        let (weight, bias) = (narrow(&of_weight), narrow(sum));
        if !map_wanted {
            return Gradients { map: None, weight, bias };
        }
        let count = (g.batch * g.height * g.width) as f64;
        let share = |values: &[f64], times: &dyn Fn(usize) -> f32| -> Vec<f32> {
            values.iter().zip(0..).map(|(value, i)| (-value / count * f64::from(times(i))) as f32).collect()
        };
        let slope = &share(&of_weight, &|i| factor[i] * inverse[i]);
        let offset = &share(sum, &|i| factor[i]);
        if keeps {
            let mut result = kept.finish();
            for_each(map.chunks_exact(size).zip(result.chunks_exact_mut(size)), |(map, to), _| {
                self.level.run(MapGradientInPlace { map, mean, factor, slope, offset, to });
            });
            return Gradients { map: Some(result), weight, bias };
        }
        let mut result = Fresh::new(map.len());
        for_each(images().zip(result.parts(size)), |((n, image), to), scratch| {
            let mut buffer = std::mem::take(&mut scratch.gradient);
            let seen = buffer.take(self.seen_values());
            self.behind_norm(n, image, gradient, seen, scratch);
            let kernel = |map: &[f32], gradient: Option<&[f32]>, to: &mut [f32]| {
                self.level.run(MapGradient { map, gradient, mean, factor, slope, offset, to });
            };
            self.map_gradient(image, seen, to.cleared(), &mut scratch.rows, kernel);
            scratch.gradient = buffer;
        });
        Gradients { map: Some(result.finish()), weight, bias }
    }

    /// Fills an image's gradient row by row; `seen` is the gradient of what the pool looks at.
    fn map_gradient(
        &self,
        image: &[f32],
        seen: &[f32],
        to: &mut [f32],
        buffer: &mut Buffer,
        kernel: impl Fn(&[f32], Option<&[f32]>, &mut [f32]),
    ) {
        let (g, padded, (rows, columns)) = (&self.geometry, self.padded(), self.seen());
        let channels = g.channels_in;
        if padded == channels && columns == g.width {
            let (inside, outside) = to.split_at_mut(seen.len());
            kernel(&image[..seen.len()], Some(seen), inside);
            return kernel(&image[seen.len()..], None, outside);
        }
        let line = g.width * channels;
        let wide = g.width * padded;
        for (y, (from, to)) in image.chunks_exact(line).zip(to.chunks_exact_mut(line)).enumerate() {
            let (map, result) = buffer.take(2 * wide).split_at_mut(wide);
            for (to, from) in map.chunks_exact_mut(padded).zip(from.chunks_exact(channels)) {
                to[..channels].copy_from_slice(from);
                to[channels..].fill(0.0);
            }
            let inside = if y < rows { columns * padded } else { 0 };
            if inside > 0 {
                kernel(&map[..inside], Some(&seen[y * inside..][..inside]), &mut result[..inside]);
            }
            kernel(&map[inside..], None, &mut result[inside..]);
            layout::compact(result, padded, channels, to);
        }
    }
}
