//! Antialiased resizing like Pillow's `Image.resize`: horizontally first, then vertically. (Pillow 13 starts vertically
//! for pictures more than twice as high as wide, where the result differs by some grey levels.)
//!
//! The reference pipeline used Pillow. Its filters differ from the interpolation of OpenCV and of most GPU libraries:
//! the filter is stretched when an image shrinks, so that every input pixel counts and thin strokes do not break up.
//! Source of the algorithm: `src/libImaging/Resample.c` of Pillow.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{
    ink::InkBox,
    vector::{clamp, grey_level, round, vectorised},
};
use crate::data::{PIXELS, SIDE};

/// Resampling filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Triangle, two pixels wide: smooth, without overshoot.
    Bilinear,
    /// Keys' cubic with a = −0.5, four pixels wide: sharper, with slight overshoot at edges. Pillow's default.
    #[default]
    Bicubic,
}

impl Filter {
    /// Half-width of the filter, in pixels of the coarser image.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// Value of the filter at distance `x` from its middle.
    fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bicubic => 0.0,
        }
    }
}

/// Weights of the input pixels for each output position along one axis.
#[derive(Debug)]
pub(super) struct Weights {
    /// `(first input pixel, end of its weights in values)`.
    spans: Vec<(usize, usize)>,
    values: Vec<f32>,
}

impl Weights {
    /// Computes the weights for resizing from `input` to `output` pixels, both at least 1.
    pub(super) fn new(input: usize, output: usize, filter: Filter) -> Self {
        let scale = input as f64 / output as f64;
        let widening = scale.max(1.0);
        let support = filter.support() * widening;
        let (mut spans, mut values) = (Vec::with_capacity(output), Vec::new());
        let mut weights = Vec::new();
        for position in 0..output {
            let middle = (position as f64 + 0.5) * scale;
            let start = (middle - support + 0.5).max(0.0) as usize;
            let end = ((middle + support + 0.5) as usize).min(input);
            weights.clear();
            weights.extend((start..end).map(|pixel| filter.at((pixel as f64 - middle + 0.5) / widening)));
            let total: f64 = weights.iter().sum();
            values.extend(weights.iter().map(|weight| (weight / total) as f32));
            spans.push((start, values.len()));
        }
        Self { spans, values }
    }

    /// For each output position: the first input pixel and the weights from that pixel on.
    #[inline(always)]
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let mut from = 0;
        self.spans.iter().map(move |&(start, to)| {
            let weights = &self.values[from..to];
            from = to;
            (start, weights)
        })
    }
}

/// Weights between any two sizes up to 28, computed once.
struct SmallWeights {
    bilinear: Vec<Weights>,
    bicubic: Vec<Weights>,
}

static SMALL: LazyLock<SmallWeights> = LazyLock::new(|| {
    let all = |filter| (0..SIDE * SIDE).map(|pair| Weights::new(pair / SIDE + 1, pair % SIDE + 1, filter)).collect();
    SmallWeights { bilinear: all(Filter::Bilinear), bicubic: all(Filter::Bicubic) }
});

/// Weights for resizing from `input` to `output` pixels, both 1 to 28.
fn small_weights(input: usize, output: usize, filter: Filter) -> &'static Weights {
    let tables = match filter {
        Filter::Bilinear => &SMALL.bilinear,
        Filter::Bicubic => &SMALL.bicubic,
    };
    &tables[(input - 1) * SIDE + output - 1]
}

/// Length of a padded row: 28 rounded up to whole vectors.
const LANES: usize = 32;
type Rows = [[f32; LANES]; LANES];

/// Resizes the part of `image` inside `area` to `width`×`height` (1 to 28) and pastes it into an empty image with its
/// top left corner at (`left`, `top`).
pub(super) fn resize_into_frame(
    image: &[u8; PIXELS],
    area: InkBox,
    (width, height): (usize, usize),
    (left, top): (usize, usize),
    filter: Filter,
) -> [u8; PIXELS] {
    let across = small_weights(area.width, width, filter);
    let down = small_weights(area.height, height, filter);
    vectorised(|| resize_kernel(image, area, across, down, (width, height), (left, top)))
}

#[inline(always)]
fn resize_kernel(
    image: &[u8; PIXELS],
    area: InkBox,
    across: &Weights,
    down: &Weights,
    (width, height): (usize, usize),
    (left, top): (usize, usize),
) -> [u8; PIXELS] {
    let source = image.as_chunks::<SIDE>().0;
    // Both passes add whole rows, which vectorises; the image is transposed for the horizontal pass.
    let mut columns: Rows = [[0.0; LANES]; LANES];
    for (y, row) in source[area.top..area.top + area.height].iter().enumerate() {
        for (column, &pixel) in columns.iter_mut().zip(&row[area.left..area.left + area.width]) {
            column[y & (LANES - 1)] = f32::from(pixel);
        }
    }
    let mut narrowed: Rows = [[0.0; LANES]; LANES];
    weigh_rows(&columns, across, &mut narrowed);
    // The first buffer is reused for rows; its remaining old values get no weight.
    let rows = &mut columns;
    for (x, column) in narrowed[..width].iter().enumerate() {
        for (row, &value) in rows.iter_mut().zip(&column[..area.height]) {
            row[x & (LANES - 1)] = value;
        }
    }
    let mut resized: Rows = [[0.0; LANES]; LANES];
    weigh_rows(rows, down, &mut resized);
    let mut out = [0; PIXELS];
    let target = out.as_chunks_mut::<SIDE>().0;
    for (row, values) in target[top..top + height].iter_mut().zip(&resized) {
        let levels = values.map(grey_level);
        row[left..left + width].copy_from_slice(&levels[..width]);
    }
    out
}

/// Computes `out[i] = Σ weight · rows[start + k]`, rounded to grey levels as Pillow does between its passes.
#[inline(always)]
fn weigh_rows(rows: &Rows, weights: &Weights, out: &mut Rows) {
    for (out, (start, weights)) in out.iter_mut().zip(weights.rows()) {
        let mut sums = [0.0f32; LANES];
        for (k, &weight) in weights.iter().enumerate() {
            let row = &rows[(start + k) & (LANES - 1)];
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        for (out, &sum) in out.iter_mut().zip(&sums) {
            *out = round(clamp(sum, 0.0, 255.0)).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Gray;

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (input, output) in [(1, 1), (1, 28), (28, 1), (13, 20), (4096, 20)] {
                let weights = Weights::new(input, output, filter);
                assert_eq!(weights.rows().count(), output);
                for (start, row) in weights.rows() {
                    assert!(start + row.len() <= input && !row.is_empty());
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn the_fixed_size_path_agrees_with_the_general_one() {
        let image: [u8; PIXELS] = std::array::from_fn(|i| (i * i % 251) as u8);
        let gray = Gray::new(SIDE, SIDE, image.to_vec()).unwrap();
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (width, height, out) in
                [(28, 28, (20, 20)), (5, 28, (4, 20)), (28, 1, (20, 1)), (1, 1, (20, 20)), (11, 17, (13, 20))]
            {
                let area = InkBox { left: 28 - width, top: 0, width, height };
                let expected = gray.crop(area).unwrap().resize(out.0, out.1, filter);
                let small = resize_into_frame(&image, area, out, (3, 5), filter);
                let found = Gray::new(SIDE, SIDE, small.to_vec())
                    .unwrap()
                    .crop(InkBox { left: 3, top: 5, width: out.0, height: out.1 })
                    .unwrap();
                let worst = expected.pixels().iter().zip(found.pixels()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(worst <= 1, "{width}×{height} {filter:?}: {worst}");
            }
        }
    }
}
