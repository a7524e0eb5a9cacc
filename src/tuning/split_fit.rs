//! Fit of a trial on one split.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
    time::Instant,
};

use super::{error::TuningError, outcome::Score, splits::SplitData};
use crate::{
    data::{Digits, Probabilities},
    evaluation,
    fit::{FitContext, HistoryPoint, panic_message},
    learners::{Learner, LearnerError},
    seed::Seed,
};

/// Resources and score of a fit.
pub(super) struct Fitting<'a> {
    pub(super) context: FitContext<'a>,
    pub(super) score: Score,
}

/// Fit of one learner on one split.
pub(super) struct SplitFit<'a> {
    pub(super) learner: &'a dyn Learner,
    pub(super) split: &'a SplitData,
    pub(super) seed: Seed,
    /// File for its state, to continue after a pause or a crash. Removed once the trial is recorded.
    pub(super) checkpoint: &'a Path,
    pub(super) label: &'a str,
    /// Observer of intermediate accuracies, which may end the fit. `None`: there are no intermediate scores.
    pub(super) watch: Option<&'a Watch<'a>>,
}

/// Observer of a step and the validation accuracy after it.
pub(super) type Watch<'a> = dyn Fn(u64, f64) -> ControlFlow<()> + Sync + 'a;

/// Result of a fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FitResult {
    pub(super) status: FitStatus,
    /// Validation accuracy after each observed step.
    pub(super) steps: Vec<(u64, f64)>,
    /// Training accuracy after each observed step, if the learner measures it.
    pub(super) train_steps: Vec<(u64, f64)>,
    /// Number of epochs or trees, over all its pauses.
    pub(super) steps_run: u64,
    pub(super) seconds: f64,
}

/// State in which a fit ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FitStatus {
    /// It ran to its last step and was scored.
    Scored {
        /// Score on the validation images.
        score: f64,
        /// Score on a sample of the training images.
        train_score: f64,
    },
    /// The observer ended it.
    Stopped,
    /// It diverged or panicked, as a device out of memory does.
    Failed(String),
}

impl Fitting<'_> {
    /// Fits and scores.
    ///
    /// # Errors
    /// [`TuningError::Cancelled`], or a checkpoint that cannot be written or read. An error of the fit itself is not an
    /// error here but a [`FitStatus::Failed`].
    pub(super) fn fit(&self, job: &SplitFit) -> Result<FitResult, TuningError> {
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
        let (status, steps_run) = match outcome {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) if error.is_cancelled() => {
                if !*lock(&stopped) {
                    return Err(TuningError::Cancelled);
                }
                (FitStatus::Stopped, last)
            }
            Ok(Err(error)) if error.is_storage() => return Err(error.into()),
            Ok(Err(error)) => (FitStatus::Failed(error.to_string()), last),
            Err(panic) => (FitStatus::Failed(format!("it panicked: {}", panic_message(panic.as_ref()))), last),
        };
        if matches!(status, FitStatus::Failed(_)) {
            let _ = std::fs::remove_file(job.checkpoint);
        }
        let on = |score: &dyn Fn(&HistoryPoint) -> Option<f64>| {
            points.iter().filter_map(|point| Some((u64::from(point.step), score(point)?))).collect()
        };
        Ok(FitResult {
            status,
            steps: on(&|point| point.validation_accuracy),
            train_steps: on(&|point| point.train_accuracy),
            steps_run,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn fitted(
        &self,
        job: &SplitFit,
        observe: &(dyn Fn(&HistoryPoint) -> ControlFlow<()> + Sync),
    ) -> Result<(FitStatus, u64), LearnerError> {
        // Images that a learner selects by must not be those that it is scored on; those that are only observed may be.
        let (data, validation) = match (&job.split.selecting, job.watch) {
            (Some(selecting), _) if job.learner.selects_by_validation() => (&**selecting, Some(&selecting.validation)),
            (None, _) if job.learner.selects_by_validation() => {
                return Ok((
                    FitStatus::Failed(
                        "it selects an epoch or a number of trees, and no images were set aside for that".to_owned(),
                    ),
                    0,
                ));
            }
            (_, Some(_)) => (job.split, Some(&job.split.validation)),
            _ => (job.split, None),
        };
        let context = self.context.seeded(job.seed).labelled(job.label).checkpointed(Some(job.checkpoint));
        let context = context.observed(job.watch.is_some().then_some(observe)).sharing(Some(&data.shared));
        let fitted = job.learner.fit(&data.train, validation, &context)?;
        let score =
            |digits: &Digits| Ok::<_, LearnerError>(self.of(&fitted.classifier.predict_proba(&digits.images)?, digits));
        let (score, train_score) = (score(&job.split.validation)?, score(&job.split.train_sample)?);
        let run =
            fitted.history.points.last().map_or(u64::from(job.learner.length().steps), |point| u64::from(point.step));
        if !score.is_finite() {
            return Ok((FitStatus::Failed(format!("its score is {score}")), run));
        }
        Ok((FitStatus::Scored { score, train_score }, run))
    }

    /// Returns the score of predictions.
    fn of(&self, probabilities: &Probabilities, digits: &Digits) -> f64 {
        match (evaluation::score(probabilities, &digits.labels), self.score) {
            (Ok(scores), Score::Accuracy) => scores.accuracy.value,
            (Ok(scores), Score::LogLoss) => -scores.log_loss,
            (Err(_), _) => f64::NAN,
        }
    }
}

/// Returns an observer that ends a fit at a step.
pub(super) fn until(limit: u64) -> impl Fn(u64, f64) -> ControlFlow<()> + Sync {
    move |step, _| if step >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
