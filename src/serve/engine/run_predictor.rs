//! Predictor of a finished run: the only file of the service that evaluates its models.

use std::sync::Arc;

use super::models::{Predictor, Reading};
use crate::{
    artifact::{RunFailure, Session, TrainedModels},
    data::{CLASSES, Images, PIXELS, Probabilities},
    reading::Evidence,
};

/// Models of a run with the buffers of one thread.
pub(in crate::serve) struct RunPredictor {
    models: Arc<TrainedModels>,
    session: Session,
}

impl RunPredictor {
    /// Predictor for one thread.
    ///
    /// # Errors
    /// If a model cannot be used for single images, or the artifact gives no verdict.
    pub(in crate::serve) fn new(models: &Arc<TrainedModels>) -> Result<Self, RunFailure> {
        models.artifact().expect_stack()?;
        Ok(Self { models: Arc::clone(models), session: models.session()? })
    }
}

impl Predictor for RunPredictor {
    fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, RunFailure> {
        let batch = Images::from_images(images.iter().copied());
        let predictions = self.models.predict_all_with(&mut self.session, &batch)?;
        let recommended = self.models.recommended();
        let read = |(index, image)| {
            let rows: Vec<[f32; CLASSES]> =
                predictions.iter().map(|prediction| prediction.probabilities[index]).collect();
            self.session.verdict(image, &rows[recommended]).map(|verdict| Reading { verdict, rows })
        };
        // A stack gives a verdict on every image.
        Ok(images.iter().enumerate().filter_map(read).collect())
    }

    fn predict(&mut self, model: usize, images: &[[u8; PIXELS]]) -> Result<Probabilities, RunFailure> {
        let batch = Images::from_images(images.iter().copied());
        self.models.predict_with(&mut self.session, model, &batch)
    }

    fn evidence(&mut self, model: usize, images: &Images) -> Result<Vec<Evidence>, RunFailure> {
        self.models.evidence_with(&mut self.session, model, images)
    }

    fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        self.session.preprocessed(image)
    }
}
