//! Predictor of a finished run: the only file of the service that evaluates its models.

use std::sync::Arc;

use super::models::{Predictor, Reading};
use crate::{
    data::{Images, PIXELS, Probabilities},
    pipeline::{Reader, RunFailure, SavedRun, WORTH_A_BATCH},
    progress::Silent,
};

/// Models of a run with the buffers of one thread.
pub(in crate::serve) struct RunPredictor {
    run: Arc<SavedRun>,
    reader: Reader,
}

impl RunPredictor {
    /// Predictor for one thread.
    ///
    /// # Errors
    /// If the models of the run do not belong together.
    pub(in crate::serve) fn new(run: &Arc<SavedRun>) -> Result<Self, RunFailure> {
        Ok(Self { run: Arc::clone(run), reader: Reader::new(run)? })
    }
}

impl Predictor for RunPredictor {
    fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, RunFailure> {
        if images.len() < WORTH_A_BATCH {
            let read = |image| {
                let reading = self.reader.read(image)?;
                let rows = reading.opinions.iter().map(|opinion| opinion.probabilities).collect();
                Ok(Reading { verdict: reading.verdict, rows })
            };
            return images.iter().map(read).collect();
        }
        let prepared = self.run.prepare(&Images::from_images(images.iter().copied()))?;
        let opinions = self.run.opinions(&prepared, &Silent)?;
        let read = |(index, image)| {
            let opinions: Vec<_> = opinions.iter().map(|opinion| opinion.of_image(index)).collect();
            let rows = opinions.iter().map(|opinion| opinion.probabilities).collect();
            Reading { verdict: self.reader.judge(image, &opinions), rows }
        };
        Ok(images.iter().enumerate().map(read).collect())
    }

    fn predict(&mut self, model: usize, images: &[[u8; PIXELS]]) -> Result<Probabilities, RunFailure> {
        Ok(self.read(images)?.into_iter().map(|reading| reading.rows[model]).collect())
    }

    fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        self.reader.prepared(image)
    }
}
