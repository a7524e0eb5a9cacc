//! Where a step's images and targets come from.
//!
//! On the CPU, and where a recipe holds a step that only the host can do, feeder threads make pixels of a batch and the
//! step uploads them. On another device the images lie there ([`ResidentDigits`]), feeders draw the random numbers of a
//! batch, and the step sends those. The trainer sees a [`Supply`] and does not know which.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    Augment,
    batches::{Batch, EpochBatches, Preparation},
};
use crate::{
    data::{CLASSES, Digits, PIXELS, SIDE},
    nn::{
        ChosenDevice,
        loss::Targets,
        resident::{DeviceWarp, ResidentDigits, unchanged},
    },
    seed::Seed,
};

/// One data set for one fit.
pub(super) struct Supply<'a> {
    images: usize,
    preparation: Preparation<'a>,
    /// Without autodiff.
    device: Device,
    resident: Option<(ResidentDigits, Option<DeviceWarp>)>,
}

impl<'a> Supply<'a> {
    /// The images, each changed by `augment`, with such targets, for nets on `device`.
    pub fn new(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &ChosenDevice) -> Self {
        if device.is_cpu() || !ResidentDigits::holds(digits.len()) {
            Self::from_host(digits, targets, augment, device.device())
        } else {
            Self::on_device(digits, targets, augment, device.device())
        }
    }

    /// Pixels are made by the host.
    fn from_host(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &Device) -> Self {
        let preparation = Preparation::Pixels { digits, targets, augment };
        Self { images: digits.len(), preparation, device: device.clone(), resident: None }
    }

    /// Pixels are made by the device if it can.
    fn on_device(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &Device) -> Self {
        let warp = match augment.map(Augment::single_warp) {
            Some(None) => return Self::from_host(digits, targets, augment, device),
            Some(warp) => warp,
            None => None,
        };
        let resident =
            (ResidentDigits::upload(digits, targets, device), warp.as_ref().map(|warp| DeviceWarp::new(warp, device)));
        Self {
            images: digits.len(),
            preparation: Preparation::Draws { warp },
            device: device.clone(),
            resident: Some(resident),
        }
    }

    /// All images, shuffled by `seed`, which belongs to the epoch.
    pub fn shuffled(&self, batch_size: usize, seed: Seed) -> EpochBatches<'_> {
        EpochBatches::shuffled(self.images, batch_size, &self.preparation, seed)
    }

    /// All images in their order, as they are.
    pub fn in_order(&self, batch_size: usize) -> EpochBatches<'_> {
        EpochBatches::in_order(self.images, batch_size, &self.preparation)
    }

    /// A batch of this supply's on the device, without autodiff: images `[batch, 1, 28, 28]`, 0 to 1, and targets
    /// `[batch, 10]`. Waits for nothing.
    pub fn tensors(&self, batch: Batch) -> (Tensor<4>, Tensor<2>) {
        match (batch, &self.resident) {
            (Batch::Draws { places, draws }, Some((digits, warp))) => {
                let (levels, targets) = digits.select(&places);
                let images = match (warp, draws) {
                    (Some(warp), Some(draws)) => warp.apply(levels, draws),
                    _ => unchanged(levels),
                };
                (images, targets)
            }
            (Batch::Pixels { pixels, targets }, _) => {
                let count = pixels.len() / PIXELS;
                (
                    Tensor::from_data(TensorData::new(pixels, [count, 1, SIDE, SIDE]), &self.device),
                    Tensor::from_data(TensorData::new(targets, [count, CLASSES]), &self.device),
                )
            }
            (Batch::Draws { .. }, None) => unreachable!("draws are prepared only for a set on the device"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Images, imaging::Recipe, nn::weights::read};

    #[test]
    fn the_device_supplies_what_the_host_does() {
        let images = (0..23usize).map(|n| std::array::from_fn(|i| (i * (n + 3) % 256) as u8));
        let digits = Digits::new(Images::from_images(images), (0..23).map(|i| i % 10).collect());
        let light = Recipe::preset("light").unwrap().compile().unwrap();
        let strong = Recipe::preset("strong").unwrap().compile().unwrap();
        for (augment, resident) in [(None, true), (Some(&light), true), (Some(&strong), false)] {
            let augment = augment.map(|processor| processor as &dyn Augment);
            let host = Supply::from_host(&digits, Targets::smoothed(0.1), augment, &Device::flex());
            let device = Supply::on_device(&digits, Targets::smoothed(0.1), augment, &Device::flex());
            assert_eq!(device.resident.is_some(), resident);
            for (host_batches, device_batches) in
                [(host.shuffled(5, Seed(2)), device.shuffled(5, Seed(2))), (host.in_order(6), device.in_order(6))]
            {
                assert_eq!(host_batches.len(), device_batches.len());
                for index in 0..host_batches.len() {
                    let expected = host_batches.prepare(index);
                    let found = device_batches.prepare(index);
                    assert_eq!(found.images(), expected.images());
                    let ((images, targets), (expected_images, expected_targets)) =
                        (device.tensors(found), host.tensors(expected));
                    assert_eq!(read(targets).unwrap(), read(expected_targets).unwrap());
                    assert_eq!(images.dims(), expected_images.dims());
                    for (found, expected) in read(images).unwrap().iter().zip(read(expected_images).unwrap()) {
                        assert!((found - expected).abs() < 1.001 / 255.0, "{found}, from the host {expected}");
                    }
                }
            }
        }
    }
}
