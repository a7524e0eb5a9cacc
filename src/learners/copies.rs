//! Augmented copies of the training images, for learners that see each image once and not once per epoch.

use crate::{
    data::{Digits, FieldError, Images},
    imaging::{Processor, Recipe},
    seed::Seed,
};

/// Greatest number of copies of an image.
const MOST_COPIES: usize = 20;

/// Augmentation of training images: the random steps and the number of copies.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    processor: Processor,
    count: usize,
}

impl Copies {
    /// Checks the settings `augment` and `augment_copies`.
    pub(super) fn new(augment: &Recipe, count: usize) -> Result<Self, FieldError> {
        let processor = augment.compile().map_err(|error| error.inside("augment"))?;
        if count > MOST_COPIES {
            return Err(FieldError::new("augment_copies", format!("found {count}, expected 0 to {MOST_COPIES}")));
        }
        if (count > 0) != processor.is_random() {
            return Err(FieldError::new(
                "augment_copies",
                "and `augment` belong together: copies need random steps, and steps need copies",
            ));
        }
        Ok(Self { processor, count })
    }

    /// Number of training images that one becomes: itself and its copies.
    pub(super) fn times(&self) -> usize {
        self.count + 1
    }

    /// The images followed by their augmented copies; none if the number of copies is 0.
    pub(super) fn augmented(&self, train: &Digits, seed: Seed) -> Option<Digits> {
        if self.count == 0 {
            return None;
        }
        let mut pixels = train.images.pixels().to_vec();
        for copy in 0..self.count {
            let seed = seed.derive("augment").index(copy as u64);
            pixels.extend_from_slice(self.processor.apply_all(&train.images, seed).pixels());
        }
        let images = Images::new(pixels).unwrap_or_default();
        let times = self.times();
        Some(Digits {
            images,
            labels: train.labels.repeat(times),
            groups: train.groups.repeat(times),
            origins: train.origins.repeat(times),
        })
    }
}
