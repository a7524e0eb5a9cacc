//! Net behind a decorated learner.

use super::{
    classifier::Classifier,
    error::LearnerError,
    learner::{Learner, NetCapabilities},
};
use crate::{
    device::ChosenDevice,
    nn::{GradientCheck, Throughput, WeightsFile},
    progress::Progress,
    seed::Seed,
};

/// Learner that decorates another.
pub(super) trait Decorator {
    /// Decorates a fitted model.
    fn model(&self, inner: Box<dyn Classifier>) -> Box<dyn Classifier>;
    /// Decorates the learner of the overfit test.
    fn overfitting(&self, inner: Box<dyn Learner>) -> Box<dyn Learner>;
}

/// Net of a decorated learner: measured and checked as it is; imported models are decorated like fitted ones.
pub(super) struct DecoratedNet<'a, D> {
    pub(super) inner: Box<dyn NetCapabilities + 'a>,
    pub(super) decorator: &'a D,
}

impl<D: Decorator> NetCapabilities for DecoratedNet<'_, D> {
    fn overfitting(&self, images: usize, epochs: u32) -> Box<dyn Learner> {
        self.decorator.overfitting(self.inner.overfitting(images, epochs))
    }

    fn check_gradients(
        &self,
        seed: Seed,
        device: &ChosenDevice,
        progress: &dyn Progress,
    ) -> Result<Vec<GradientCheck>, LearnerError> {
        self.inner.check_gradients(seed, device, progress)
    }

    fn throughput(
        &self,
        device: &ChosenDevice,
        batch: Option<usize>,
        seconds: f64,
    ) -> Result<Throughput, LearnerError> {
        self.inner.throughput(device, batch, seconds)
    }

    fn import(&self, weights: &WeightsFile, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(self.decorator.model(self.inner.import(weights, device)?))
    }
}
