//! Numbers in pictures, read by the models of an artifact.

use super::{failure::RunFailure, trained_models::TrainedModels};
use crate::{
    data::{CLASSES, Images, PIXELS},
    imaging::PagePicture,
    reading::{Evidence, Number, ReadingOptions, read_numbers},
    verdict::Judge,
};

/// Reads numbers with one model of an artifact, on one thread.
pub struct NumberReader<'a> {
    trained: &'a TrainedModels,
    model: usize,
    /// Of a run: its calibration holds for the recommended model alone, its detector for all.
    judge: Option<Judge>,
}

impl<'a> NumberReader<'a> {
    /// Makes a reader that asks the model of this index.
    ///
    /// # Errors
    /// If the run's detector cannot be used for single images.
    pub fn new(trained: &'a TrainedModels, model: usize) -> Result<Self, RunFailure> {
        Ok(Self { trained, model, judge: trained.judge()? })
    }

    /// Reads the numbers of a page, in reading order.
    ///
    /// # Errors
    /// A picture without pixels or ink of any kind, or a model whose rows are no distributions.
    pub fn read(&mut self, page: &PagePicture, options: &ReadingOptions) -> Result<Vec<Number>, RunFailure> {
        read_numbers(page, options, |images| self.evidence(images))
    }

    /// Evidence for 28×28 images before preprocessing: probabilities, and the score of the detector.
    ///
    /// # Errors
    /// A model whose rows are no distributions.
    pub fn evidence(&mut self, images: &Images) -> Result<Vec<Evidence>, RunFailure> {
        let rows = self.trained.predict(self.model, images)?;
        let is_calibrated = self.model == self.trained.recommended();
        let mut of_image = |(image, row): (&[u8; PIXELS], &[f32; CLASSES])| match &mut self.judge {
            Some(judge) => Evidence {
                probabilities: if is_calibrated { judge.calibrated(row) } else { *row },
                unlikeness: judge.unlikeness(image),
                is_several: judge.shows_several(image),
            },
            None => Evidence { probabilities: *row, unlikeness: 0.0, is_several: false },
        };
        Ok(images.iter().zip(&rows).map(&mut of_image).collect())
    }
}
