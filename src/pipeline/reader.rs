//! One image through every model of a finished run, and what is said of it.

use super::{Opinion, RunFailure, SavedRun, StackPredictor};
use crate::{
    data::{CLASSES, PIXELS},
    verdict::{Judge, Verdict},
};

/// Reads single images, as the service, its page and `digitstack predict` do. Clones share the models: one for each
/// thread.
#[derive(Clone)]
pub struct Reader {
    predictor: StackPredictor,
    judge: Judge,
    /// The place of the stack among the opinions.
    stack: usize,
}

/// What was read.
pub struct Reading<'a> {
    /// What to say.
    pub verdict: Verdict,
    /// What every model thinks: members in order, then the stack, then the ensembles.
    pub opinions: &'a [Opinion<[f32; CLASSES]>],
}

impl Reader {
    /// The reader of a run. It holds all that it needs: the run may be dropped.
    ///
    /// # Errors
    /// If the models of the run do not belong together.
    pub fn new(run: &SavedRun) -> Result<Self, RunFailure> {
        Ok(Self { predictor: run.predictor()?, judge: run.judge()?, stack: run.config.members.len() })
    }

    /// Reads a 28×28 image as it came, before the run's recipe.
    ///
    /// # Errors
    /// If a member's answer is no distribution, which a net gives whose numbers overflow.
    pub fn read(&mut self, image: &[u8; PIXELS]) -> Result<Reading<'_>, RunFailure> {
        let opinions = self.predictor.predict(image)?;
        let verdict = self.judge.judge(image, &opinions[self.stack].probabilities);
        Ok(Reading { verdict, opinions })
    }

    /// The verdict on a 28×28 image as it came, of which the models think this.
    pub fn judge(&mut self, image: &[u8; PIXELS], opinions: &[Opinion<[f32; CLASSES]>]) -> Verdict {
        self.judge.judge(image, &opinions[self.stack].probabilities)
    }

    /// The image after the run's recipe: what the models see.
    pub fn prepared(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        self.predictor.prepared(image)
    }
}
