//! A fit: down the loss, iteration by iteration.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use super::{LogisticConfig, TrainedLogistic, loss::PixelLoss, pixels::Inked};
use crate::{
    classical::{ClassicalError, ClassicalFit, ClassicalJob, fit::timing},
    data::Digits,
    fit::{History, HistoryPoint},
    optimize::{End, GOOD_ENOUGH, Limits, Unsolved, descend},
};

/// What is fitted, in messages.
const MODEL: &str = "logistic regression";

/// Fits a logistic regression on `train` and scores every iteration on `validation`, from which it learns nothing.
///
/// The same settings and digits give the same model, whatever the seed and the number of threads.
///
/// # Errors
/// For impossible settings, no images, when asked to stop, and if the solver ends before it should.
pub fn train_logistic(
    config: &LogisticConfig,
    train: &Digits,
    validation: Option<&Digits>,
    job: &ClassicalJob<'_>,
) -> Result<ClassicalFit<TrainedLogistic>, ClassicalError> {
    config.check()?;
    let start = Instant::now();
    let classes = job.classes(train)?;
    let images = Inked::new(&train.images);
    let watched = validation
        .filter(|digits| !digits.is_empty())
        .map(|digits| (Inked::new(&digits.images), digits.labels.as_slice()));
    let problem = PixelLoss::new(&images, &train.labels, &classes, config.c);
    let task = job.progress.task(job.name, u64::from(config.max_iterations), "iterations");
    let mut history = History { unit: "iteration".to_owned(), ..History::default() };
    let mut ends: Vec<Duration> = Vec::new();
    let limits = Limits { tolerance: config.tolerance, iterations: u64::from(config.max_iterations) };
    job.go_on()?;
    let found = descend(MODEL, &problem, vec![0.0; problem.parameters()], limits, |step| {
        let train = problem.standing();
        let validation = watched.as_ref().map(|(images, labels)| problem.standing_on(step.at, images, labels));
        let point = HistoryPoint {
            step: step.iteration as u32,
            train_loss: Some(train.loss),
            train_accuracy: Some(train.accuracy),
            validation_loss: validation.map(|standing| standing.loss),
            validation_accuracy: validation.map(|standing| standing.accuracy),
            learning_rate: None,
        };
        history.points.push(point);
        ends.push(start.elapsed());
        task.advance(1);
        if let Some(standing) = validation {
            task.note(&format!("validation {:.2} %", 100.0 * standing.accuracy));
        }
        if job.cancel.is_cancelled() || job.ends_at(&point) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    drop(task);
    let short = |advice: &str| {
        job.progress.message(&format!(
            "{}: {} iterations led to a gradient of {:.1e}, not to the tolerance of {:.1e}; {advice}",
            job.name, found.iterations, found.gradient, config.tolerance
        ));
    };
    match found.end {
        End::Converged => {}
        End::Watched => return Err(job.cancelled()),
        End::Iterations => short("a higher `max_iterations` goes on"),
        End::Stalled(_) if found.gradient <= GOOD_ENOUGH => short("rounding lets it go no further"),
        End::Stalled(reason) => {
            let (iterations, gradient) = (found.iterations, Some(found.gradient));
            return Err(Unsolved { model: MODEL, iterations, gradient, expected: config.tolerance, reason }.into());
        }
    }
    let model = TrainedLogistic::new(&classes, &problem.table(&found.at));
    let images = found.iterations * train.len() as u64;
    Ok(ClassicalFit { model, history, timing: timing(images, &ends, start.elapsed()) })
}
