//! Batches prepared ahead by other threads.
//!
//! Which images a batch holds, in which order and with which augmentation follows from the seed, the epoch and the
//! image's place alone, whether the host makes the pixels or only draws the random numbers of a device that does.
//! Thread `t` of `n` prepares the batches t, t + n, … and hands them over through a bounded channel of its own; the
//! trainer takes them in turn. However the threads are scheduled, the trainer sees the same batches.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use rand::seq::SliceRandom;

use super::Augment;
use crate::{
    data::{Digits, PIXELS},
    imaging::SingleWarp,
    nn::{loss::Targets, resident::Draws},
    seed::Seed,
};

/// Batches that each feeder may have ready.
const AHEAD: usize = 2;

/// What the host does for a batch.
pub(super) enum Preparation<'a> {
    /// All of it.
    Pixels { digits: &'a Digits, targets: Targets, augment: Option<&'a dyn Augment> },
    /// It draws the random numbers of a warp; the images are on the device.
    Draws { warp: Option<SingleWarp<'a>> },
}

/// One step's input, as the host hands it over.
pub(super) enum Batch {
    /// Complete.
    Pixels {
        /// `[images, 28, 28]`, 0 to 1.
        pixels: Vec<f32>,
        /// `[images, 10]`.
        targets: Vec<f32>,
    },
    /// To be made of images on the device.
    Draws {
        /// The images' places in the data set.
        places: Vec<usize>,
        /// How they are warped.
        draws: Option<Draws>,
    },
}

impl Batch {
    /// How many.
    pub fn images(&self) -> usize {
        match self {
            Self::Pixels { pixels, .. } => pixels.len() / PIXELS,
            Self::Draws { places, .. } => places.len(),
        }
    }
}

/// The batches of one epoch.
pub(super) struct EpochBatches<'a> {
    order: Vec<usize>,
    batch_size: usize,
    preparation: &'a Preparation<'a>,
    /// Of the augmentation; without it images stay as they are.
    seed: Option<Seed>,
}

impl<'a> EpochBatches<'a> {
    /// All of so many images, shuffled and augmented by `seed`, which belongs to the epoch.
    pub fn shuffled(images: usize, batch_size: usize, preparation: &'a Preparation<'a>, seed: Seed) -> Self {
        let mut order: Vec<usize> = (0..images).collect();
        order.shuffle(&mut seed.derive("order").rng());
        Self { order, batch_size, preparation, seed: Some(seed.derive("augmentation")) }
    }

    /// All images in their order, as they are.
    pub fn in_order(images: usize, batch_size: usize, preparation: &'a Preparation<'a>) -> Self {
        Self { order: (0..images).collect(), batch_size, preparation, seed: None }
    }

    /// Number of batches; the last may be smaller.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Prepares one. Panics past the end.
    pub fn prepare(&self, index: usize) -> Batch {
        let places = &self.order[index * self.batch_size..((index + 1) * self.batch_size).min(self.order.len())];
        match self.preparation {
            Preparation::Pixels { digits, targets, augment } => {
                let mut pixels = Vec::with_capacity(places.len() * PIXELS);
                for &place in places {
                    let image = digits.images.get(place);
                    match (augment, self.seed) {
                        (Some(augment), Some(seed)) => {
                            pixels.extend(augment.apply(image, seed.index(place as u64)).iter().map(unit))
                        }
                        _ => pixels.extend(image.iter().map(unit)),
                    }
                }
                let labels: Vec<u8> = places.iter().map(|&place| digits.labels[place]).collect();
                Batch::Pixels { pixels, targets: targets.rows(&labels) }
            }
            Preparation::Draws { warp } => {
                let draws = warp.as_ref().zip(self.seed);
                let draws =
                    draws.map(|(warp, seed)| Draws::new(warp, places.iter().map(|&place| seed.index(place as u64))));
                Batch::Draws { places: places.to_vec(), draws }
            }
        }
    }

    /// Starts `feeders` threads (0: the batches are prepared as they are asked for). They end when the feed is dropped.
    pub fn feed<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, feeders: usize) -> Feed<'scope, 'a> {
        let receivers = (0..feeders.min(self.len()))
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                scope.spawn(move || {
                    for index in (first..self.len()).step_by(feeders) {
                        if sender.send(self.prepare(index)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        Feed { batches: self, receivers, next: 0 }
    }
}

fn unit(pixel: &u8) -> f32 {
    f32::from(*pixel) / 255.0
}

/// Hands the batches out in order.
pub(super) struct Feed<'scope, 'a> {
    batches: &'scope EpochBatches<'a>,
    receivers: Vec<Receiver<Batch>>,
    next: usize,
}

impl Iterator for Feed<'_, '_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next == self.batches.len() {
            return None;
        }
        let index = self.next;
        self.next += 1;
        if self.receivers.is_empty() {
            return Some(self.batches.prepare(index));
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

    fn pixels<'a>(digits: &'a Digits, augment: Option<&'static dyn Augment>) -> Preparation<'a> {
        Preparation::Pixels { digits, targets: Targets::ONE_HOT, augment }
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
        let collect = |feeders| {
            let batches = EpochBatches::shuffled(23, 4, &augmented, Seed(1));
            std::thread::scope(|scope| {
                batches.feed(scope, feeders).map(|batch| (batch.images(), content(batch))).collect::<Vec<_>>()
            })
        };
        let plain = collect(0);
        assert_eq!(plain.iter().map(|batch| batch.0).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 3]);
        for feeders in [1, 2, 3, 9] {
            assert_eq!(collect(feeders), plain);
        }
        let unchanged = pixels(&digits, None);
        let unchanged = EpochBatches::shuffled(23, 4, &unchanged, Seed(1));
        let mut seen: Vec<u8> = (0..6)
            .flat_map(|i| content(unchanged.prepare(i)).0)
            .step_by(PIXELS)
            .map(|p| (p * 255.0).round() as u8)
            .collect();
        assert_ne!(seen, (0..23).collect::<Vec<u8>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..23).collect::<Vec<u8>>());
    }

    #[test]
    fn a_dropped_feed_ends_its_threads() {
        let digits = digits();
        let pixels = pixels(&digits, None);
        let batches = EpochBatches::in_order(23, 1, &pixels);
        let first = std::thread::scope(|scope| batches.feed(scope, 2).next().map(|batch| batch.images()));
        assert_eq!(first, Some(1));
    }
}
