//! What changes images before the net sees them.

use crate::{
    data::PIXELS,
    imaging::{Processor, SingleWarp},
    seed::Seed,
};

/// Changes an image at random. Every function from an image and a seed to an image does.
pub trait Augment: Sync {
    /// The original and a seed of its own → what the net is trained on. Must not panic.
    fn apply(&self, image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS];

    /// The same as a single warp, if it is one: a device other than the CPU then does it by itself. Otherwise, and by
    /// default, `None`.
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
