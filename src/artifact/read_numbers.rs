//! Numbers in pictures, read by the models of an artifact.

use super::{failure::RunFailure, session::Session, trained_models::TrainedModels};
use crate::{
    data::{CLASSES, Images, PIXELS},
    fit::Cancel,
    imaging::PagePicture,
    reading::{Evidence, Number, PageReading, ReadingOptions},
    verdict::Judge,
};

/// Images that are evaluated at a time; between two batches a reading can be cancelled.
const BATCH: usize = 1024;

/// Reads numbers with one model of an artifact.
pub struct NumberReader<'a> {
    trained: &'a TrainedModels,
    model: usize,
    /// Of a run: its calibration holds for the recommended model alone, its detector for all.
    judge: Option<Judge>,
    cancel: Cancel,
}

impl<'a> NumberReader<'a> {
    /// Makes a reader that asks the model of this index.
    ///
    /// # Errors
    /// If the run's detector cannot be used for single images.
    pub fn new(trained: &'a TrainedModels, model: usize) -> Result<Self, RunFailure> {
        Ok(Self { trained, model, judge: trained.judge()?, cancel: Cancel::default() })
    }

    /// The reader, which stops soon after `cancel` is set.
    pub fn cancelled_by(self, cancel: Cancel) -> Self {
        Self { cancel, ..self }
    }

    /// Reads the numbers of a page, in reading order; none on an empty page.
    ///
    /// # Errors
    /// A picture without pixels, a model whose rows are no distributions, or [`RunFailure::Cancelled`].
    pub fn read(&mut self, page: &PagePicture, options: &ReadingOptions) -> Result<Vec<Number>, RunFailure> {
        let mut reading = PageReading::new(page, options.clone(), BATCH)?;
        while !reading.advance(|images| self.evidence(images))? {
            if self.cancel.is_cancelled() {
                return Err(RunFailure::Cancelled);
            }
        }
        Ok(reading.finish())
    }

    /// Evidence for 28×28 images before preprocessing: probabilities, and the score of the detector.
    ///
    /// # Errors
    /// A model whose rows are no distributions.
    pub fn evidence(&mut self, images: &Images) -> Result<Vec<Evidence>, RunFailure> {
        let rows = self.trained.predict(self.model, images)?;
        Ok(evidence(images, &rows, self.judge.as_mut(), self.model == self.trained.recommended()))
    }
}

impl TrainedModels {
    /// As [`NumberReader::evidence`], on one thread and with its buffers.
    ///
    /// # Errors
    /// A model whose rows are no distributions.
    ///
    /// # Panics
    /// If there is no model of that index.
    pub fn evidence_with(
        &self,
        session: &mut Session,
        model: usize,
        images: &Images,
    ) -> Result<Vec<Evidence>, RunFailure> {
        let rows = self.predict_with(session, model, images)?;
        Ok(evidence(images, &rows, session.judge_mut(), model == self.recommended()))
    }
}

/// Evidence of a model's rows for some images; `is_calibrated`: the judge's calibration is that of the model.
fn evidence(
    images: &Images,
    rows: &[[f32; CLASSES]],
    mut judge: Option<&mut Judge>,
    is_calibrated: bool,
) -> Vec<Evidence> {
    let of_image = |(image, row): (&[u8; PIXELS], &[f32; CLASSES])| match &mut judge {
        Some(judge) => Evidence {
            probabilities: if is_calibrated { judge.calibrated(row) } else { *row },
            unlikeness: judge.unlikeness(image),
            is_several: judge.shows_several(image),
        },
        None => Evidence { probabilities: *row, unlikeness: 0.0, is_several: false },
    };
    images.iter().zip(rows).map(of_image).collect()
}
