//! Batches of an epoch, computed ahead by worker threads.
//!
//! The images of a batch, their order and their augmentation follow from the seed, the epoch and the images' indices
//! alone, whether the host computes the pixels or only draws the random numbers for a device that does. Worker `t` of
//! `n` computes the batches t, t + n, … and sends them through a bounded channel of its own; the trainer receives them
//! in turn. However the threads are scheduled, the trainer sees the same batches.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use rand::seq::SliceRandom;

use super::{augment::Augment, device_data::Draws, loss::Targets};
use crate::{
    data::{Digits, PIXELS},
    imaging::SingleWarp,
    seed::Seed,
};

/// Finished batches that each worker may hold.
const AHEAD: usize = 2;

/// Part of a batch that the host computes.
pub(super) enum BatchSource<'a> {
    /// Pixels and targets.
    Pixels { digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment> },
    /// Random numbers of a warp; the images are on the device.
    Draws { warp: Option<SingleWarp<'a>> },
}

/// Input of one step, as the host computes it.
pub(super) enum Batch {
    /// Pixels and targets.
    Pixels {
        /// `[images, 28, 28]`, 0 to 1.
        pixels: Vec<f32>,
        /// `[images, 10]`.
        targets: Vec<f32>,
    },
    /// Indices of images on the device.
    Draws {
        /// Indices of the images in the data set.
        indices: Vec<usize>,
        /// Random numbers of their warp.
        draws: Option<Draws>,
    },
}

impl Batch {
    /// Returns the number of images.
    pub fn images(&self) -> usize {
        match self {
            Self::Pixels { pixels, .. } => pixels.len() / PIXELS,
            Self::Draws { indices, .. } => indices.len(),
        }
    }
}

/// The batches of one epoch.
pub(super) struct EpochBatches<'a> {
    order: Vec<usize>,
    batch_size: usize,
    source: &'a BatchSource<'a>,
    /// Seed of the augmentation; without one images stay unchanged.
    seed: Option<Seed>,
}

impl<'a> EpochBatches<'a> {
    /// Creates the batches of all `images`, shuffled and augmented by `seed`, which belongs to the epoch.
    pub fn shuffled(images: usize, batch_size: usize, source: &'a BatchSource<'a>, seed: Seed) -> Self {
        let mut order: Vec<usize> = (0..images).collect();
        order.shuffle(&mut seed.derive("order").rng());
        Self { order, batch_size, source, seed: Some(seed.derive("augmentation")) }
    }

    /// Creates the batches of all images in their order, without augmentation.
    pub fn in_order(images: usize, batch_size: usize, source: &'a BatchSource<'a>) -> Self {
        Self { order: (0..images).collect(), batch_size, source, seed: None }
    }

    /// Returns the number of batches; the last may be smaller.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Computes one batch. Panics past the end.
    pub fn load(&self, index: usize) -> Batch {
        let indices = &self.order[index * self.batch_size..((index + 1) * self.batch_size).min(self.order.len())];
        match self.source {
            BatchSource::Pixels { digits, targets, augment } => {
                let mut pixels = Vec::with_capacity(indices.len() * PIXELS);
                for &index in indices {
                    let image = digits.images.get(index);
                    match (augment, self.seed) {
                        (Some(augment), Some(seed)) => {
                            pixels.extend(augment.apply(image, seed.index(index as u64)).iter().map(unit))
                        }
                        _ => pixels.extend(image.iter().map(unit)),
                    }
                }
                let labels: Vec<u8> = indices.iter().map(|&index| digits.labels[index]).collect();
                Batch::Pixels { pixels, targets: targets.rows(&labels) }
            }
            BatchSource::Draws { warp } => {
                let draws = warp.as_ref().zip(self.seed);
                let draws =
                    draws.map(|(warp, seed)| Draws::new(warp, indices.iter().map(|&index| seed.index(index as u64))));
                Batch::Draws { indices: indices.to_vec(), draws }
            }
        }
    }

    /// Starts worker threads (0: each batch is computed when it is requested). They end when the stream is dropped.
    pub fn stream<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, workers: usize) -> BatchStream<'scope, 'a> {
        let receivers = (0..workers.min(self.len()))
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                scope.spawn(move || {
                    for index in (first..self.len()).step_by(workers) {
                        if sender.send(self.load(index)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        BatchStream { batches: self, receivers, next: 0 }
    }
}

fn unit(pixel: &u8) -> f32 {
    f32::from(*pixel) / 255.0
}

/// Batches of an epoch in order.
pub(super) struct BatchStream<'scope, 'a> {
    batches: &'scope EpochBatches<'a>,
    receivers: Vec<Receiver<Batch>>,
    next: usize,
}

impl Iterator for BatchStream<'_, '_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next == self.batches.len() {
            return None;
        }
        let index = self.next;
        self.next += 1;
        if self.receivers.is_empty() {
            return Some(self.batches.load(index));
        }
        // A channel closes early only if its thread panicked, which the scope passes on.
        self.receivers[index % self.receivers.len()].recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    fn digits() -> Digits {
        Digits::new(Images::from_images((0..23u8).map(|i| [i; PIXELS])), (0..23).map(|i| i % 10).collect())
    }

    fn pixels<'a>(digits: &'a Digits, augment: Option<&'static dyn Augment>) -> BatchSource<'a> {
        BatchSource::Pixels { digits, targets: Targets::ONE_HOT, augment }
    }

    fn content(batch: Batch) -> (Vec<f32>, Vec<f32>) {
        match batch {
            Batch::Pixels { pixels, targets } => (pixels, targets),
            Batch::Draws { .. } => panic!("pixels were asked for"),
        }
    }

    fn add(image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        image.map(|pixel| pixel + (seed.0 % 5) as u8)
    }

    #[test]
    fn every_image_comes_once_and_threads_change_nothing() {
        let digits = digits();
        let augmented = pixels(&digits, Some(&add));
        let collect = |workers| {
            let batches = EpochBatches::shuffled(23, 4, &augmented, Seed(1));
            std::thread::scope(|scope| {
                batches.stream(scope, workers).map(|batch| (batch.images(), content(batch))).collect::<Vec<_>>()
            })
        };
        let plain = collect(0);
        assert_eq!(plain.iter().map(|batch| batch.0).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 3]);
        for workers in [1, 2, 3, 9] {
            assert_eq!(collect(workers), plain);
        }
        let unchanged = pixels(&digits, None);
        let unchanged = EpochBatches::shuffled(23, 4, &unchanged, Seed(1));
        let mut seen: Vec<u8> = (0..6)
            .flat_map(|i| content(unchanged.load(i)).0)
            .step_by(PIXELS)
            .map(|p| (p * 255.0).round() as u8)
            .collect();
        assert_ne!(seen, (0..23).collect::<Vec<u8>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..23).collect::<Vec<u8>>());
    }

    #[test]
    fn a_dropped_stream_ends_its_threads() {
        let digits = digits();
        let pixels = pixels(&digits, None);
        let batches = EpochBatches::in_order(23, 1, &pixels);
        let first = std::thread::scope(|scope| batches.stream(scope, 2).next().map(|batch| batch.images()));
        assert_eq!(first, Some(1));
    }
}
