//! Running loss and accuracy over many batches, summed on the device.
//!
//! Reading a number makes the host wait for a GPU, so the sums stay on the device and are read at intervals.

use burn::tensor::Tensor;

use crate::nn::{error::NnError, network::weights::read};

/// Running sums of loss and accuracy.
#[derive(Default)]
pub(super) struct Meter {
    /// Σ loss · images and number of correct predictions since the last reading, `[1]` each.
    pending: Option<(Tensor<1>, Tensor<1>)>,
    loss: f64,
    correct: f64,
    images: usize,
    /// Loss, correct predictions and images up to the last [`lap`](Self::lap).
    laps: (f64, f64, usize),
}

impl Meter {
    /// Adds a batch: its outputs and targets, `[images, 10]`, and its mean loss, all without autodiff.
    pub fn add(&mut self, outputs: Tensor<2>, targets: Tensor<2>, loss: Tensor<1>) {
        let images = outputs.dims()[0];
        let correct = outputs.argmax(1).equal(targets.argmax(1)).float().sum();
        let loss = loss * images as f64;
        self.images += images;
        self.pending = Some(match self.pending.take() {
            Some((all_loss, all_correct)) => (all_loss + loss, all_correct + correct),
            None => (loss, correct),
        });
    }

    /// Returns mean loss and accuracy (0 to 1) since the last lap. Waits for the device.
    pub fn lap(&mut self) -> Result<(f64, f64), NnError> {
        self.read()?;
        let (loss, correct, images) = std::mem::replace(&mut self.laps, (self.loss, self.correct, self.images));
        let count = (self.images - images).max(1) as f64;
        Ok(((self.loss - loss) / count, (self.correct - correct) / count))
    }

    /// Returns mean loss and accuracy (0 to 1) of all batches. Waits for the device.
    pub fn read(&mut self) -> Result<(f64, f64), NnError> {
        if let Some((loss, correct)) = self.pending.take() {
            self.loss += read(loss)?.iter().map(|&value| f64::from(value)).sum::<f64>();
            self.correct += read(correct)?.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
        let images = self.images.max(1) as f64;
        Ok((self.loss / images, self.correct / images))
    }
}
