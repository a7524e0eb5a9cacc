//! One fit of a trial on one split.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
    time::Instant,
};

use super::{Score, TuningError, splits::SplitData};
use crate::{
    data::{Digits, Probabilities},
    evaluation,
    fit::HistoryPoint,
    learners::{FitContext, Learner, LearnerError},
    nn::ChosenDevice,
    progress::{Cancel, Progress},
    seed::Seed,
    stacking::panic_message,
};

/// What surrounds every fit of a study.
pub(super) struct Fitting<'a> {
    pub(super) device: &'a ChosenDevice,
    pub(super) progress: &'a dyn Progress,
    pub(super) threads: usize,
    pub(super) cancel: &'a Cancel,
    pub(super) score: Score,
}

/// One fit to do.
pub(super) struct FitJob<'a> {
    pub(super) learner: &'a dyn Learner,
    pub(super) split: &'a SplitData,
    pub(super) seed: Seed,
    /// Where it keeps its state, to go on after a pause or a crash. Removed once it is scored.
    pub(super) checkpoint: &'a Path,
    pub(super) label: &'a str,
    /// Called with every step after which the accuracy is known; it may end the fit there. None: nothing is read on the
    /// way.
    pub(super) watch: Option<&'a Watch<'a>>,
}

/// Sees a step and the validation accuracy after it.
pub(super) type Watch<'a> = dyn Fn(u64, f64) -> ControlFlow<()> + Sync + 'a;

/// What became of a fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FitEnd {
    pub(super) end: End,
    /// The accuracy after each step that was watched.
    pub(super) steps: Vec<(u64, f64)>,
    /// The training accuracy after each step that was watched, where the learner knows it.
    pub(super) train_steps: Vec<(u64, f64)>,
    /// Epochs or trees that it ran, over all its pauses.
    pub(super) steps_run: u64,
    pub(super) seconds: f64,
}

/// How a fit ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// To its last step; its score and that on a sample of the training images.
    Scored { score: f64, train_score: f64 },
    /// The watch ended it.
    Stopped,
    /// It diverged or panicked (a device out of memory does).
    Failed(String),
}

impl Fitting<'_> {
    /// Fits, and scores what was fitted.
    ///
    /// # Errors
    /// [`TuningError::Cancelled`], and a disk that takes or gives no checkpoint; what goes wrong in the fit is its end.
    pub(super) fn fit(&self, job: &FitJob) -> Result<FitEnd, TuningError> {
        let started = Instant::now();
        let points: Mutex<Vec<HistoryPoint>> = Mutex::default();
        let stopped = Mutex::new(false);
        let observe = |point: &HistoryPoint| {
            let Some(score) = point.validation_accuracy else { return ControlFlow::Continue(()) };
            lock(&points).push(*point);
            let flow = job.watch.map_or(ControlFlow::Continue(()), |watch| watch(u64::from(point.step), score));
            *lock(&stopped) = flow.is_break();
            flow
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| self.fitted(job, &observe)));
        let points = points.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let last = points.last().map_or(0, |point| u64::from(point.step));
        let (end, steps_run) = match outcome {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) if error.is_cancelled() => {
                if !*lock(&stopped) {
                    return Err(TuningError::Cancelled);
                }
                (End::Stopped, last)
            }
            Ok(Err(error)) if error.is_storage() => return Err(error.into()),
            Ok(Err(error)) => (End::Failed(error.to_string()), last),
            Err(panic) => (End::Failed(format!("it panicked: {}", panic_message(panic.as_ref()))), last),
        };
        if matches!(end, End::Failed(_)) {
            let _ = std::fs::remove_file(job.checkpoint);
        }
        let on = |score: &dyn Fn(&HistoryPoint) -> Option<f64>| {
            points.iter().filter_map(|point| Some((u64::from(point.step), score(point)?))).collect()
        };
        Ok(FitEnd {
            end,
            steps: on(&|point| point.validation_accuracy),
            train_steps: on(&|point| point.train_accuracy),
            steps_run,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn fitted(
        &self,
        job: &FitJob,
        observe: &(dyn Fn(&HistoryPoint) -> ControlFlow<()> + Sync),
    ) -> Result<(End, u64), LearnerError> {
        // What a learner chooses by must not be what it is scored on; what is merely watched may be.
        let (data, validation) = match (&job.split.selecting, job.watch) {
            (Some(selecting), _) if job.learner.selects_by_validation() => (&**selecting, Some(&selecting.validation)),
            (None, _) if job.learner.selects_by_validation() => {
                return Ok((
                    End::Failed(
                        "it chooses an epoch or a number of trees, and no images were set aside for that".to_owned(),
                    ),
                    0,
                ));
            }
            (_, Some(_)) => (job.split, Some(&job.split.validation)),
            _ => (job.split, None),
        };
        let context = FitContext {
            seed: job.seed,
            device: self.device,
            threads: self.threads,
            checkpoint: Some(job.checkpoint),
            progress: self.progress,
            label: job.label,
            cancel: self.cancel,
            observe: job.watch.is_some().then_some(observe),
            shared: Some(&data.shared),
        };
        let fitted = job.learner.fit(&data.train, validation, &context)?;
        let score =
            |digits: &Digits| Ok::<_, LearnerError>(self.of(&fitted.classifier.predict_proba(&digits.images)?, digits));
        let (score, train_score) = (score(&job.split.validation)?, score(&job.split.train_sample)?);
        let run =
            fitted.history.points.last().map_or(u64::from(job.learner.length().steps), |point| u64::from(point.step));
        if !score.is_finite() {
            return Ok((End::Failed(format!("its score is {score}")), run));
        }
        Ok((End::Scored { score, train_score }, run))
    }

    /// The score of predictions.
    fn of(&self, probabilities: &Probabilities, digits: &Digits) -> f64 {
        match (evaluation::score(probabilities, &digits.labels), self.score) {
            (Ok(scores), Score::Accuracy) => scores.accuracy.value,
            (Ok(scores), Score::LogLoss) => -scores.log_loss,
            (Err(_), _) => f64::NAN,
        }
    }
}

/// A watch that ends a fit at a step.
pub(super) fn until(limit: u64) -> impl Fn(u64, f64) -> ControlFlow<()> + Sync {
    move |step, _| if step >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
