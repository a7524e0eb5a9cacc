//! Models as a worker thread uses them.

use crate::{
    artifact::RunFailure,
    data::{CLASSES, Images, PIXELS, Probabilities},
    reading::Evidence,
    verdict::Verdict,
};

use super::super::{options::Log, problem::Problem};

/// Verdict on one image, and the class probabilities that it follows from.
pub(in crate::serve) struct Reading {
    /// Digit or reason for rejection, with calibrated confidence.
    pub(in crate::serve) verdict: Verdict,
    /// Class probabilities of every model, by index.
    pub(in crate::serve) rows: Vec<[f32; CLASSES]>,
}

/// Trained models with the buffers of one thread. Images are 28×28 and not yet preprocessed by the recipe of the run.
pub(in crate::serve) trait Predictor: Send {
    /// Evaluates every model and gives a verdict on each image.
    ///
    /// # Errors
    /// If the output of a model is not a probability distribution.
    fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, RunFailure>;

    /// Class probabilities `[n, 10]` of one model, by index. Evaluates only this model or, for a stack or ensemble,
    /// the members and it.
    ///
    /// # Errors
    /// If the output of a model is not a probability distribution.
    fn predict(&mut self, model: usize, images: &[[u8; PIXELS]]) -> Result<Probabilities, RunFailure>;

    /// Evidence of one model, by index, for what a digit of a number may be.
    ///
    /// # Errors
    /// If the output of a model is not a probability distribution.
    fn evidence(&mut self, model: usize, images: &Images) -> Result<Vec<Evidence>, RunFailure>;

    /// Image after the recipe of the run.
    fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS];
}

/// A [`Predictor`] whose failures are written to the log and become internal errors.
pub(in crate::serve) struct Models {
    predictor: Box<dyn Predictor>,
    log: Log,
}

impl Models {
    pub(in crate::serve) fn new(predictor: Box<dyn Predictor>, log: Log) -> Self {
        Self { predictor, log }
    }

    /// Evaluates every model; see [`Predictor::read`].
    pub(super) fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, Problem> {
        self.predictor.read(images).map_err(|failure| self.internal(&failure))
    }

    /// Evaluates one model; see [`Predictor::predict`].
    pub(in crate::serve) fn predict(
        &mut self,
        model: usize,
        images: &[[u8; PIXELS]],
    ) -> Result<Probabilities, Problem> {
        self.predictor.predict(model, images).map_err(|failure| self.internal(&failure))
    }

    /// Evidence of one model; see [`Predictor::evidence`].
    pub(super) fn evidence(&mut self, model: usize, images: &Images) -> Result<Vec<Evidence>, Problem> {
        self.predictor.evidence(model, images).map_err(|failure| self.internal(&failure))
    }

    /// Image after the recipe of the run.
    pub(super) fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        self.predictor.preprocessed(image)
    }

    fn internal(&self, failure: &RunFailure) -> Problem {
        (self.log)(&format!("a request failed: {failure}"));
        Problem::internal()
    }
}
