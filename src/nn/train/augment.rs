//! Random augmentation of training images.

use crate::{
    data::PIXELS,
    imaging::{Processor, SingleWarp},
    seed::Seed,
};

/// Random augmentation of an image; implemented by every function from an image and a seed to an image.
pub trait Augment: Sync {
    /// Returns the augmented image; `seed` belongs to this image and epoch. Must not panic.
    fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS];

    /// Returns the augmentation as a single warp, if it is one: a device other than the CPU then computes it.
    /// Otherwise, and by default, `None`.
    fn single_warp(&self) -> Option<SingleWarp<'_>> {
        None
    }
}

impl Augment for Processor {
    fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        Processor::apply(self, image, seed)
    }

    fn single_warp(&self) -> Option<SingleWarp<'_>> {
        Processor::single_warp(self)
    }
}

impl<F: Fn(&[u8; PIXELS], Seed) -> [u8; PIXELS] + Sync> Augment for F {
    fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
        self(image, seed)
    }
}
