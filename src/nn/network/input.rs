//! Scaling of the pixels in front of the first layer.
//!
//! Pixels are 0 (background) to 1 (ink). The scaling is part of the net: it is applied to every input, and its values
//! fitted on the training images are saved with the weights.

use burn::{
    module::{Module, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::data::{FieldError, Images, PIXELS, SIDE};

/// Scaling of the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputScale {
    /// 0 to 1.
    #[default]
    Unit,
    /// −1 to 1.
    Signed,
    /// Range from the first number (background) to the second (ink): `{ range = [0.01, 1.0] }`.
    Range([f64; 2]),
    /// Standardised pixel by pixel: minus the mean of the training images, divided by their standard deviation, or by 1
    /// where they do not vary.
    Standardized,
}

impl InputScale {
    /// Checks the range.
    ///
    /// # Errors
    /// If the numbers of a range are equal, not finite or beyond ±1000.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::Range([low, high])
                if !(low.is_finite() && high.is_finite() && low != high && low.abs().max(high.abs()) <= 1000.0) =>
            {
                Err(FieldError::new(
                    "range",
                    format!("found [{low}, {high}], expected two different numbers from -1000 to 1000"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Returns the scaled values of 0 and of 1, if they are the same for every pixel.
    fn ends(self) -> Option<[f64; 2]> {
        match self {
            Self::Unit => Some([0.0, 1.0]),
            Self::Signed => Some([-1.0, 1.0]),
            Self::Range(ends) => Some(ends),
            Self::Standardized => None,
        }
    }
}

/// Elementwise map of the pixels: pixel · scale + shift.
#[derive(Module, Debug)]
pub struct InputMap {
    /// `[784]`, row-major; none for a map that is the same for every pixel.
    pub scale: Option<Param<Tensor<1>>>,
    /// `[784]`, row-major.
    pub shift: Option<Param<Tensor<1>>>,
    #[module(skip)]
    ends: [f64; 2],
}

impl InputMap {
    /// A standardising map changes nothing before it has been [`fitted`](Self::fit). Its two parameters are never
    /// trained and are numbered from `first_id`.
    pub(in crate::nn) fn new(scale: InputScale, first_id: u64, device: &Device) -> Self {
        let row = |value: f32, id| {
            let mut row =
                Param::from_data(TensorData::new(vec![value; PIXELS], [PIXELS]), device).set_require_grad(false);
            row.id = ParamId::from(id);
            row
        };
        match scale.ends() {
            Some(ends) => Self { scale: None, shift: None, ends },
            None => Self { scale: Some(row(1.0, first_id)), shift: Some(row(0.0, first_id + 1)), ends: [0.0, 1.0] },
        }
    }

    /// Learns what there is to learn from the training images.
    pub(in crate::nn) fn fit(&mut self, images: &Images) {
        let (Some(scale), Some(shift)) = (&mut self.scale, &mut self.shift) else { return };
        let (scales, shifts) = standardization(images);
        let put = |row: &mut Param<Tensor<1>>, values: Vec<f32>| {
            *row = row.clone().map(|old| Tensor::from_data(TensorData::new(values, [PIXELS]), &old.device()));
        };
        put(scale, scales);
        put(shift, shifts);
    }

    /// Returns scale and shift, `[28, 28]` each; none if pixels stay unchanged.
    pub(in crate::nn) fn constants(&self) -> Option<(Tensor<2>, Tensor<2>)> {
        if let (Some(scale), Some(shift)) = (&self.scale, &self.shift) {
            return Some((scale.val().reshape([SIDE, SIDE]), shift.val().reshape([SIDE, SIDE])));
        }
        let device = Device::flex();
        let [low, high] = self.ends;
        let all = |value: f64| Tensor::full([SIDE, SIDE], value as f32, &device);
        (self.ends != [0.0, 1.0]).then(|| (all(high - low), all(low)))
    }

    /// Maps `[batch, 1, 28, 28]` to the same shape.
    pub(in crate::nn) fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        if let (Some(scale), Some(shift)) = (&self.scale, &self.shift) {
            let image = |row: &Param<Tensor<1>>| row.val().reshape([1, 1, SIDE, SIDE]);
            return images * image(scale) + image(shift);
        }
        match self.ends {
            [0.0, 1.0] => images,
            [low, high] => images * (high - low) + low,
        }
    }
}

/// Scale and shift of every pixel, 1 / deviation and −mean / deviation, in units of 0 to 1.
fn standardization(images: &Images) -> (Vec<f32>, Vec<f32>) {
    let mut sums = vec![(0u64, 0u64); PIXELS];
    for image in images.iter() {
        for ((sum, squares), &pixel) in sums.iter_mut().zip(image) {
            *sum += u64::from(pixel);
            *squares += u64::from(pixel) * u64::from(pixel);
        }
    }
    let count = images.len().max(1) as f64;
    sums.into_iter()
        .map(|(sum, squares)| {
            // Whole numbers until here: a constant pixel has a deviation of exactly 0.
            let mean = sum as f64 / count;
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            let is_constant = squares * images.len() as u64 == sum * sum;
            let deviation = if is_constant { 1.0 } else { variance.sqrt() / 255.0 };
            ((1.0 / deviation) as f32, (-mean / 255.0 / deviation) as f32)
        })
        .unzip()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{nn::network::weights::read, seed::Seed};
    use rand::RngExt;

    fn mapped(scale: InputScale, train: &Images, image: [u8; PIXELS]) -> Vec<f32> {
        let device = Device::flex();
        let mut map = InputMap::new(scale, 0, &device);
        map.fit(train);
        let pixels: Vec<f32> = image.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        read(map.forward(Tensor::from_data(TensorData::new(pixels, [1, 1, SIDE, SIDE]), &device))).unwrap()
    }

    #[test]
    fn ranges_are_hit_at_both_ends() {
        let train = Images::default();
        for (scale, ends) in [
            (InputScale::Unit, [0.0, 1.0]),
            (InputScale::Signed, [-1.0, 1.0]),
            (InputScale::Range([0.01, 1.0]), [0.01, 1.0]),
        ] {
            for (pixel, end) in [(0, ends[0]), (255, ends[1])] {
                assert!(
                    mapped(scale, &train, [pixel; PIXELS]).iter().all(|value| (value - end).abs() < 1e-6),
                    "{scale:?}"
                );
            }
        }
    }

    #[test]
    fn standardized_training_images_have_mean_0_and_deviation_1_where_they_vary() {
        let mut rng = Seed(5).rng();
        // The first pixels are constant, at 0, 255 and an odd level.
        let train: Vec<[u8; PIXELS]> = (0..50)
            .map(|_| {
                std::array::from_fn(|i| if i < 3 { [0, 255, 77][i] } else { rng.random::<u8>() / (1 + (i % 7) as u8) })
            })
            .collect();
        let images = Images::from_images(train.iter().copied());
        let all: Vec<Vec<f32>> = train.iter().map(|&image| mapped(InputScale::Standardized, &images, image)).collect();
        for pixel in 0..PIXELS {
            let mean = all.iter().map(|row| f64::from(row[pixel])).sum::<f64>() / 50.0;
            let square = all.iter().map(|row| f64::from(row[pixel]).powi(2)).sum::<f64>() / 50.0;
            assert!(mean.abs() < 1e-5, "pixel {pixel}: mean {mean}");
            let expected = if pixel < 3 { 0.0 } else { 1.0 };
            assert!((square - expected).abs() < 1e-4, "pixel {pixel}: variance {square}");
        }
    }

    #[test]
    fn refuses_a_range_that_is_none() {
        for ends in [[0.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY]] {
            assert_eq!(InputScale::Range(ends).check().unwrap_err().field, "range");
        }
        assert!(InputScale::Range([0.01, 1.0]).check().is_ok());
    }
}
