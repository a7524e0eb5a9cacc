//! A data set in the memory of a device.
//!
//! On a device other than the CPU the images are uploaded once a fit; a step then uploads the indices of its images,
//! and the random numbers of their augmentation where [`DeviceWarp`] can do it: 4 bytes an image, 28 with an `affine`
//! step, 3,164 with an `elastic` one. Computed by the host, an image is 3,136 bytes of pixels and 40 of targets. An
//! `elastic` step saves no transfer, as its field is drawn by the host, but all of the arithmetic.
//!
//! An image takes 900 bytes of the device's memory: grey levels with a border of zeros for lookups beyond the frame;
//! four of them share a 32-bit integer, the smallest of WGSL. MNIST's 60,000
//! training images are 54 MB, the 180,000 with three rotations 162 MB; as `f32` they would be 565 MB. Targets are 40
//! bytes an image. A set above [`LARGEST`] stays with the host.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::{
    data::{CLASSES, Digits, PIXELS, SIDE},
    nn::train::loss::Targets,
};

/// Side of a frame with a border of one pixel.
pub(super) const BORDERED: usize = SIDE + 2;
const AREA: usize = BORDERED * BORDERED;
/// Integers an image; integer `i` holds the pixels i, i + 225, i + 450 and i + 675 of the bordered frame, the first in
/// its lowest byte.
const WORDS: usize = AREA / 4;
/// Images per tensor, 118 MB: WebGPU guarantees bindings of 128 MiB.
const SHARD: usize = 1 << 17;
/// Largest number of bytes of pixels that are uploaded to a device.
const LARGEST: usize = 1 << 30;

/// Images and targets in the memory of a device.
pub(in crate::nn) struct DeviceDigits {
    /// `[images, 225]` each, all but the last of `shard` images.
    shards: Vec<Tensor<2, Int>>,
    shard: usize,
    /// By how many bits a byte is to be shifted down, `[1, 4, 1]`.
    shifts: Tensor<3, Int>,
    /// `[images, 10]`.
    targets: Tensor<2>,
}

impl DeviceDigits {
    /// Tells whether a set of this size is small enough.
    pub fn holds(images: usize) -> bool {
        images <= LARGEST / AREA
    }

    /// Uploads the images, and such targets, to `device`, which is without autodiff.
    pub fn upload(digits: &Digits, targets: Targets, device: &Device) -> Self {
        Self::in_shards(digits, targets, device, SHARD)
    }

    fn in_shards(digits: &Digits, targets: Targets, device: &Device, shard: usize) -> Self {
        let upload = |images: &[[u8; PIXELS]]| {
            let words: Vec<i32> = images.iter().flat_map(packed).collect();
            Tensor::from_data(TensorData::new(words, [images.len(), WORDS]), device)
        };
        let targets = TensorData::new(targets.rows(&digits.labels), [digits.len(), CLASSES]);
        Self {
            shards: digits.images.as_slice().chunks(shard).map(upload).collect(),
            shard,
            shifts: Tensor::<1, Int>::arange_step(0..32, 8, device).reshape([1, 4, 1]),
            targets: Tensor::from_data(targets, device),
        }
    }

    /// Returns grey levels with their border, `[indices, 900]`, 0 to 255, and targets, `[indices, 10]`, of the images
    /// at `indices`.
    pub fn select(&self, indices: &[usize]) -> (Tensor<2>, Tensor<2>) {
        let selected = self.on_device(indices.iter().copied());
        let words = match self.shards.as_slice() {
            [one] => one.clone().select(0, selected.clone()),
            shards => self.select_across(shards, indices),
        };
        let (images, by) = (indices.len(), self.shifts.clone().expand([indices.len(), 4, WORDS]));
        let bytes = words
            .reshape([images, 1, WORDS])
            .expand([images, 4, WORDS])
            .bitwise_right_shift(by)
            .bitwise_and_scalar(0xFF);
        (bytes.float().reshape([images, AREA]), self.targets.clone().select(0, selected))
    }

    /// Takes each shard's images together and puts them into the order of `indices`.
    fn select_across(&self, shards: &[Tensor<2, Int>], indices: &[usize]) -> Tensor<2, Int> {
        let mut by_shard: Vec<usize> = (0..indices.len()).collect();
        by_shard.sort_by_key(|&at| indices[at] / self.shard);
        let parts = by_shard.chunk_by(|&a, &b| indices[a] / self.shard == indices[b] / self.shard).map(|part| {
            let selected = self.on_device(part.iter().map(|&at| indices[at] % self.shard));
            shards[indices[part[0]] / self.shard].clone().select(0, selected)
        });
        let mut position = vec![0; indices.len()];
        for (rank, &at) in by_shard.iter().enumerate() {
            position[at] = rank;
        }
        Tensor::cat(parts.collect(), 0).select(0, self.on_device(position.into_iter()))
    }

    /// Uploads indices.
    fn on_device(&self, indices: impl Iterator<Item = usize>) -> Tensor<1, Int> {
        let indices: Vec<i32> = indices.map(|index| index as i32).collect();
        let count = indices.len();
        Tensor::from_data(TensorData::new(indices, [count]), &self.targets.device())
    }
}

/// Grey levels with their border, `[images, 900]`, as a net's input: `[images, 1, 28, 28]`, 0 to 1.
pub(in crate::nn) fn unchanged(levels: Tensor<2>) -> Tensor<4> {
    let images = levels.dims()[0];
    levels.reshape([images, 1, BORDERED, BORDERED]).slice([0..images, 0..1, 1..SIDE + 1, 1..SIDE + 1]).div_scalar(255.0)
}

fn packed(image: &[u8; PIXELS]) -> [i32; WORDS] {
    let mut bordered = [0; AREA];
    for (row, pixels) in bordered.as_chunks_mut::<BORDERED>().0[1..].iter_mut().zip(image.as_chunks::<SIDE>().0) {
        row[1..=SIDE].copy_from_slice(pixels);
    }
    std::array::from_fn(|word| i32::from_le_bytes([0, 1, 2, 3].map(|byte| bordered[word + byte * WORDS])))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use rand::Rng;

    use super::*;
    use crate::{data::Images, seed::Seed};

    pub(in crate::nn) fn digits(count: usize) -> Digits {
        let mut rng = Seed(4).rng();
        let mut pixels = vec![0; count * PIXELS];
        rng.fill_bytes(&mut pixels);
        Digits::new(Images::new(pixels).unwrap(), (0..count).map(|index| (index * 7 % 10) as u8).collect())
    }

    #[test]
    fn what_was_uploaded_comes_back_however_it_is_divided() {
        let digits = digits(23);
        let indices = [22, 0, 7, 7, 19, 3, 8, 21];
        for shard in [100, 23, 8, 1] {
            let set = DeviceDigits::in_shards(&digits, Targets::smoothed(0.1), &Device::flex(), shard);
            let (levels, found) = set.select(&indices);
            let images = unchanged(levels);
            assert_eq!(images.dims(), [8, 1, SIDE, SIDE]);
            let images = images.into_data().try_to_vec::<f32>().unwrap();
            let labels: Vec<u8> = indices.iter().map(|&index| digits.labels[index]).collect();
            assert_eq!(found.into_data().try_to_vec::<f32>().unwrap(), Targets::smoothed(0.1).rows(&labels));
            for (found, &index) in images.as_chunks::<PIXELS>().0.iter().zip(&indices) {
                assert_eq!(
                    *found,
                    digits.images.get(index).map(|level| f32::from(level) / 255.0),
                    "{index} of {shard} a shard"
                );
            }
        }
    }

    #[test]
    fn the_sets_in_use_are_held() {
        assert!(DeviceDigits::holds(180_000) && !DeviceDigits::holds(2_000_000));
        // Within the binding that every device has.
        assert!(SHARD * WORDS * size_of::<i32>() <= 128 << 20);
    }
}
