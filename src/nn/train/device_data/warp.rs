//! The augmentation of a batch as tensor operations.
//!
//! [`SingleWarp`] says what is computed; here it is computed for a batch at once: the fields are smoothed by two
//! batched 28×28 products, then each pixel is looked up once. Images are rounded to whole grey levels as the host's
//! are, so that a net sees the same data wherever they are made: a level differs by one where the sum in front of the
//! rounding is a hair on the other side of a half, which the order of additions decides. A card that multiplies
//! matrices in a shorter format (TF32 on NVIDIA's tensor cores, if Burn's tuning picks it) displaces an elastic image's
//! pixels by about a thousandth of their displacement.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::digits::BORDERED;
use crate::{
    data::{PIXELS, SIDE},
    imaging::SingleWarp,
    seed::Seed,
};

/// Numbers of an affine lookup.
const COEFFICIENTS: usize = 6;

/// The random numbers of a batch, as they are uploaded.
pub(in crate::nn) struct Draws {
    images: usize,
    /// `[6, images]`: xx, xy, x0, yx, yy, y0.
    affines: Vec<f32>,
    /// `[images, 784]`: the draw for x in the lower half, that for y in the upper; empty without an elastic step.
    fields: Vec<i32>,
}

impl Draws {
    /// Draws the random numbers of images with these seeds.
    pub fn new(warp: &SingleWarp, seeds: impl ExactSizeIterator<Item = Seed>) -> Self {
        let images = seeds.len();
        let mut affines = vec![0.0; COEFFICIENTS * images];
        let mut fields = Vec::with_capacity(if warp.smoothing().is_some() { images * PIXELS } else { 0 });
        for (image, seed) in seeds.enumerate() {
            let (affine, field) = warp.draw(seed);
            for (row, value) in
                [affine.xx, affine.xy, affine.x0, affine.yx, affine.yy, affine.y0].into_iter().enumerate()
            {
                affines[row * images + image] = value;
            }
            fields.extend(
                field
                    .iter()
                    .flat_map(|field| field.pixels())
                    .map(|(x, y)| (u32::from(x) | u32::from(y) << 16).cast_signed()),
            );
        }
        Self { images, affines, fields }
    }
}

/// [`SingleWarp`] whose constants are on a device.
pub(in crate::nn) struct DeviceWarp {
    /// Column of every pixel, `[1, 784]`.
    columns: Tensor<2>,
    /// Row of every pixel, `[1, 784]`.
    rows: Tensor<2>,
    smoother: Option<Smoother>,
}

impl DeviceWarp {
    /// Uploads the constants of `warp` to `device`, which is without autodiff.
    pub fn new(warp: &SingleWarp, device: &Device) -> Self {
        let of_pixel = |value: fn(usize) -> usize| {
            let values: Vec<f32> = (0..PIXELS).map(|pixel| value(pixel) as f32).collect();
            Tensor::from_data(TensorData::new(values, [1, PIXELS]), device)
        };
        Self {
            columns: of_pixel(|pixel| pixel % SIDE),
            rows: of_pixel(|pixel| pixel / SIDE),
            smoother: Smoother::new(warp, device),
        }
    }

    /// Warps grey levels with their border, `[images, 900]`, to a net's input, `[images, 1, 28, 28]`, 0 to 1.
    pub fn apply(&self, levels: Tensor<2>, draws: Draws) -> Tensor<4> {
        let images = draws.images;
        let device = self.columns.device();
        let affines = Tensor::<2>::from_data(TensorData::new(draws.affines, [COEFFICIENTS, images]), &device);
        let [xx, xy, x0, yx, yy, y0] =
            [0, 1, 2, 3, 4, 5].map(|row| affines.clone().slice([row..row + 1, 0..images]).reshape([images, 1]));
        let (mut column, mut row) = (self.columns.clone(), self.rows.clone());
        if let Some(smoother) = &self.smoother {
            let (dx, dy) =
                smoother.displacements(Tensor::from_data(TensorData::new(draws.fields, [images, PIXELS]), &device));
            (column, row) = (column + dx, row + dy);
        }
        let x = xx * column.clone() + xy * row.clone() + x0;
        let y = yx * column + yy * row + y0;
        look_up(levels, x, y).div_scalar(255.0).reshape([images, 1, SIDE, SIDE])
    }
}

/// Smoothing of random fields to displacements.
struct Smoother {
    /// `[1, 28, 28]`.
    matrix: Tensor<3>,
    /// Right shifts of the draws of x and of y in bits, `[2, 1, 1]`.
    shifts: Tensor<3, Int>,
}

impl Smoother {
    fn new(warp: &SingleWarp, device: &Device) -> Option<Self> {
        let matrix = warp.smoothing()?.as_flattened().to_vec();
        let matrix = Tensor::from_data(TensorData::new(matrix, [1, SIDE, SIDE]), device);
        Some(Self { matrix, shifts: Tensor::<1, Int>::arange_step(0..32, 16, device).reshape([2, 1, 1]) })
    }

    /// Computes displacements along x and along y, `[images, 784]` each, from draws, `[images, 784]`.
    fn displacements(&self, words: Tensor<2, Int>) -> (Tensor<2>, Tensor<2>) {
        let images = words.dims()[0];
        let by = self.shifts.clone().expand([2, images, PIXELS]);
        let draws = words
            .reshape([1, images, PIXELS])
            .expand([2, images, PIXELS])
            .bitwise_right_shift(by)
            .bitwise_and_scalar(0xFFFF);
        let raw =
            draws.float().add_scalar(0.5).mul_scalar(1.0 / 32768.0).sub_scalar(1.0).reshape([2 * images, SIDE, SIDE]);
        let smooth =
            self.matrix.clone().matmul(raw.matmul(self.matrix.clone().swap_dims(1, 2))).reshape([2 * images, PIXELS]);
        (smooth.clone().slice([0..images, 0..PIXELS]), smooth.slice([images..2 * images, 0..PIXELS]))
    }
}

/// The bilinear value of `levels`, `[images, 900]`, at every (x, y), `[images, 784]` each, in the frame's coordinates,
/// as a whole grey level: `[images, 784]`.
fn look_up(levels: Tensor<2>, x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    // Beyond the border there is nothing but more of it. The last column and row are only ever a right or lower
    // neighbour.
    let [(left, right_share), (top, lower_share)] = [x, y].map(|along| {
        let along = along.add_scalar(1.0).clamp(0.0, (BORDERED - 1) as f64);
        let before = along.clone().floor().clamp_max((BORDERED - 2) as f64);
        (before.clone(), along - before)
    });
    let corner = (top * BORDERED as f64 + left).int();
    let at = |offset: usize| levels.clone().gather(1, corner.clone().add_scalar(offset as i64));
    let between = |a: Tensor<2>, b: Tensor<2>, share: Tensor<2>| a.clone() + (b - a) * share;
    let upper = between(at(0), at(1), right_share.clone());
    let lower = between(at(BORDERED), at(BORDERED + 1), right_share);
    between(upper, lower, lower_share).round()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::train::loss::Targets;
    use crate::{
        imaging::Recipe,
        nn::train::device_data::digits::{DeviceDigits, tests::digits},
    };

    #[test]
    fn the_device_makes_the_images_of_the_host() {
        let digits = digits(40);
        let indices: Vec<usize> = (0..40).rev().collect();
        let set = DeviceDigits::upload(&digits, Targets::ONE_HOT, &Device::flex());
        for recipe in [
            r#"["light"]"#,
            r#"["elastic"]"#,
            r#"["light", { "step": "elastic", "alpha": 20.0 }]"#,
            // Most of the frame is looked up beyond its edges.
            r#"[{ "step": "affine", "rotate": 180.0, "shift": 28.0, "scale": 0.9, "shear": 60.0 }, { "step": "elastic", "alpha": 2000.0 }]"#,
        ] {
            let processor = serde_json::from_str::<Recipe>(recipe).unwrap().compile().unwrap();
            let warp = processor.single_warp().unwrap();
            let on_device = DeviceWarp::new(&warp, &Device::flex());
            let (mut equal, mut pixels) = (0, 0);
            for seed in (0..5).map(Seed) {
                let draws = Draws::new(&warp, indices.iter().map(|&index| seed.index(index as u64)));
                let found = on_device.apply(set.select(&indices).0, draws);
                assert_eq!(found.dims(), [40, 1, SIDE, SIDE]);
                let found = found.into_data().try_to_vec::<f32>().unwrap();
                for (found, &index) in found.as_chunks::<PIXELS>().0.iter().zip(&indices) {
                    let expected = processor.apply(digits.images.get(index), seed.index(index as u64));
                    for (found, expected) in found.iter().zip(expected) {
                        let level = found * 255.0;
                        assert!((level - level.round()).abs() < 1e-4, "{level} is no grey level");
                        assert!(
                            (level - f32::from(expected)).abs() < 1.0001,
                            "{recipe}: {level}, on the host {expected}"
                        );
                        equal += usize::from((level - f32::from(expected)).abs() < 0.5);
                        pixels += 1;
                    }
                }
            }
            assert!(equal * 1000 > pixels * 999, "{recipe}: {equal} of {pixels} pixels are equal");
        }
    }
}
