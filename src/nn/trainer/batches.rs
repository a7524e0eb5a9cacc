//! Batches prepared ahead by other threads.
//!
//! Which images a batch holds, in which order and with which augmentation follows from the seed, the epoch and the image's place alone.
//! Thread `t` of `n` prepares the batches t, t + n, … and hands them over through a bounded channel of its own; the trainer takes them in
//! turn. However the threads are scheduled, the trainer sees the same batches.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use rand::seq::SliceRandom;

use crate::{
    data::{Digits, PIXELS},
    nn::loss::targets,
    seed::Seed,
};

/// Changes an image: the original and a seed of its own → what the net is trained on. Must not panic.
pub type Augment<'a> = dyn Fn(&[u8; PIXELS], Seed) -> [u8; PIXELS] + Sync + 'a;

/// Batches that each feeder may have ready.
const AHEAD: usize = 2;

/// One step's input.
pub(super) struct Batch {
    /// `[images, 28, 28]`, 0 to 1.
    pub pixels: Vec<f32>,
    /// `[images, 10]`.
    pub targets: Vec<f32>,
    /// How many.
    pub images: usize,
}

/// The batches of one epoch.
pub(super) struct EpochBatches<'a> {
    digits: &'a Digits,
    order: Vec<usize>,
    batch_size: usize,
    smoothing: f64,
    augment: Option<(&'a Augment<'a>, Seed)>,
}

impl<'a> EpochBatches<'a> {
    /// All images, shuffled by `seed`, which belongs to the epoch.
    pub fn shuffled(digits: &'a Digits, batch_size: usize, smoothing: f64, augment: Option<&'a Augment<'a>>, seed: Seed) -> Self {
        let mut order: Vec<usize> = (0..digits.len()).collect();
        order.shuffle(&mut seed.derive("order").rng());
        let augment = augment.map(|augment| (augment, seed.derive("augmentation")));
        Self { digits, order, batch_size, smoothing, augment }
    }

    /// All images in their order.
    pub fn in_order(digits: &'a Digits, batch_size: usize, smoothing: f64) -> Self {
        Self { digits, order: (0..digits.len()).collect(), batch_size, smoothing, augment: None }
    }

    /// Number of batches; the last may be smaller.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Prepares one. Panics past the end.
    pub fn prepare(&self, index: usize) -> Batch {
        let places = &self.order[index * self.batch_size..((index + 1) * self.batch_size).min(self.order.len())];
        let mut pixels = Vec::with_capacity(places.len() * PIXELS);
        for &place in places {
            let image = self.digits.images.get(place);
            match self.augment {
                Some((augment, seed)) => pixels.extend(augment(image, seed.index(place as u64)).iter().map(unit)),
                None => pixels.extend(image.iter().map(unit)),
            }
        }
        let labels: Vec<u8> = places.iter().map(|&place| self.digits.labels[place]).collect();
        Batch { pixels, targets: targets(&labels, self.smoothing), images: places.len() }
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

    #[test]
    fn every_image_comes_once_and_threads_change_nothing() {
        let digits = digits();
        let add: &Augment = &|image, seed| image.map(|pixel| pixel + (seed.0 % 5) as u8);
        let collect = |feeders| {
            let batches = EpochBatches::shuffled(&digits, 4, 0.0, Some(add), Seed(1));
            std::thread::scope(|scope| {
                batches.feed(scope, feeders).map(|batch| (batch.pixels, batch.targets, batch.images)).collect::<Vec<_>>()
            })
        };
        let plain = collect(0);
        assert_eq!(plain.iter().map(|batch| batch.2).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 3]);
        for feeders in [1, 2, 3, 9] {
            assert_eq!(collect(feeders), plain);
        }
        let unchanged = EpochBatches::shuffled(&digits, 4, 0.0, None, Seed(1));
        let mut seen: Vec<u8> =
            (0..6).flat_map(|i| unchanged.prepare(i).pixels).step_by(PIXELS).map(|p| (p * 255.0).round() as u8).collect();
        assert_ne!(seen, (0..23).collect::<Vec<u8>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..23).collect::<Vec<u8>>());
    }

    #[test]
    fn a_dropped_feed_ends_its_threads() {
        let digits = digits();
        let batches = EpochBatches::in_order(&digits, 1, 0.0);
        let first = std::thread::scope(|scope| batches.feed(scope, 2).next().map(|batch| batch.images));
        assert_eq!(first, Some(1));
    }
}
