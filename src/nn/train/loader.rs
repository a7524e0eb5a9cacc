//! Data loader: the images and targets of each training step.
//!
//! On the CPU, and if a recipe holds a step that only the host can do, worker threads compute the pixels of a batch and
//! the step uploads them. On another device the images are in its memory ([`DeviceDigits`]), workers draw the random
//! numbers of a batch, and the step uploads those. The trainer sees a [`DataLoader`] and does not know which.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    augment::Augment,
    batches::{Batch, BatchSource, EpochBatches},
    device_data::{DeviceDigits, DeviceWarp, unchanged},
    loss::Targets,
};
use crate::{
    data::{CLASSES, Digits, PIXELS, SIDE},
    device::ChosenDevice,
    seed::Seed,
};

/// Data set of one fit, on the host or on the device.
pub(super) struct DataLoader<'a> {
    images: usize,
    source: BatchSource<'a>,
    /// Without autodiff.
    device: Device,
    device_data: Option<(DeviceDigits, Option<DeviceWarp>)>,
}

impl<'a> DataLoader<'a> {
    /// Creates a loader of the images, each changed by `augment`, with such targets, for nets on `device`.
    pub fn new(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &ChosenDevice) -> Self {
        if device.is_cpu() || !DeviceDigits::holds(digits.len()) {
            Self::from_host(digits, targets, augment, device.device())
        } else {
            Self::on_device(digits, targets, augment, device.device())
        }
    }

    /// Creates a loader whose pixels are computed by the host.
    fn from_host(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &Device) -> Self {
        let source = BatchSource::Pixels { digits, targets, augment };
        Self { images: digits.len(), source, device: device.clone(), device_data: None }
    }

    /// Creates a loader whose pixels are computed by the device, if it can.
    fn on_device(digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment>, device: &Device) -> Self {
        let warp = match augment.map(Augment::single_warp) {
            Some(None) => return Self::from_host(digits, targets, augment, device),
            Some(warp) => warp,
            None => None,
        };
        let device_data =
            (DeviceDigits::upload(digits, targets, device), warp.as_ref().map(|warp| DeviceWarp::new(warp, device)));
        Self {
            images: digits.len(),
            source: BatchSource::Draws { warp },
            device: device.clone(),
            device_data: Some(device_data),
        }
    }

    /// Returns the batches of all images, shuffled by `seed`, which belongs to the epoch.
    pub fn shuffled(&self, batch_size: usize, seed: Seed) -> EpochBatches<'_> {
        EpochBatches::shuffled(self.images, batch_size, &self.source, seed)
    }

    /// Returns the batches of all images in their order, without augmentation.
    pub fn in_order(&self, batch_size: usize) -> EpochBatches<'_> {
        EpochBatches::in_order(self.images, batch_size, &self.source)
    }

    /// Puts a batch of this loader on the device, without autodiff: images `[batch, 1, 28, 28]`, 0 to 1, and targets
    /// `[batch, 10]`. Does not wait for the
    /// device.
    pub fn tensors(&self, batch: Batch) -> (Tensor<4>, Tensor<2>) {
        match (batch, &self.device_data) {
            (Batch::Draws { indices, draws }, Some((digits, warp))) => {
                let (levels, targets) = digits.select(&indices);
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
            (Batch::Draws { .. }, None) => unreachable!("draws are made only for a set on the device"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Images, imaging::Recipe, nn::network::weights::read};

    #[test]
    fn device_and_host_load_equal_batches() {
        let images = (0..23usize).map(|n| std::array::from_fn(|i| (i * (n + 3) % 256) as u8));
        let digits = Digits::new(Images::from_images(images), (0..23).map(|i| i % 10).collect());
        let light = Recipe::preset("light").unwrap().compile().unwrap();
        let strong = Recipe::preset("strong").unwrap().compile().unwrap();
        for (augment, device_data) in [(None, true), (Some(&light), true), (Some(&strong), false)] {
            let augment = augment.map(|processor| processor as &dyn Augment);
            let host = DataLoader::from_host(&digits, Targets::smoothed(0.1), augment, &Device::flex());
            let device = DataLoader::on_device(&digits, Targets::smoothed(0.1), augment, &Device::flex());
            assert_eq!(device.device_data.is_some(), device_data);
            for (host_batches, device_batches) in
                [(host.shuffled(5, Seed(2)), device.shuffled(5, Seed(2))), (host.in_order(6), device.in_order(6))]
            {
                assert_eq!(host_batches.len(), device_batches.len());
                for index in 0..host_batches.len() {
                    let expected = host_batches.load(index);
                    let found = device_batches.load(index);
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
