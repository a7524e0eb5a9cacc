//! The fit of a logistic regression by L-BFGS.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use super::{LogisticConfig, loss::PixelLoss, model::TrainedLogistic, pixels::Inked};
use crate::{
    classical::{
        error::ClassicalError,
        fit::{self, ClassicalFit, timing},
    },
    data::Digits,
    fit::{FitContext, History, HistoryPoint},
    optimize::{GOOD_ENOUGH, Limits, Termination, Unsolved, descend},
};

/// Name of the model in messages.
const MODEL: &str = "logistic regression";

/// Fits a logistic regression on `train` and scores every iteration on `validation`, from which it learns nothing.
///
/// The same settings and digits give the same model, whatever the seed and the number of threads.
///
/// # Errors
/// For settings out of range, no images, when asked to stop, and if the solver stalls before the minimum.
pub fn train_logistic(
    config: &LogisticConfig,
    train: &Digits,
    validation: Option<&Digits>,
    context: &FitContext<'_>,
) -> Result<ClassicalFit<TrainedLogistic>, ClassicalError> {
    config.check()?;
    let start = Instant::now();
    let classes = fit::classes(train, context)?;
    let images = Inked::new(&train.images);
    let watched = validation
        .filter(|digits| !digits.is_empty())
        .map(|digits| (Inked::new(&digits.images), digits.labels.as_slice()));
    let problem = PixelLoss::new(&images, &train.labels, &classes, config.c);
    let task = context.progress.task(context.label, u64::from(config.max_iterations), "iterations");
    let mut history = History { unit: "iteration".to_owned(), ..History::default() };
    let mut ends: Vec<Duration> = Vec::new();
    let limits = Limits { tolerance: config.tolerance, iterations: u64::from(config.max_iterations) };
    fit::check_cancelled(context)?;
    let found = descend(MODEL, &problem, vec![0.0; problem.parameters()], limits, |iteration| {
        let train = problem.standing();
        let validation = watched.as_ref().map(|(images, labels)| problem.standing_on(iteration.at, images, labels));
        let point = HistoryPoint {
            step: iteration.number as u32,
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
        if context.cancel.is_cancelled() || fit::ends_at(&point, context) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    drop(task);
    let short = |advice: &str| {
        context.progress.message(&format!(
            "{}: {} iterations led to a gradient of {:.1e}, not to the tolerance of {:.1e}; {advice}",
            context.label, found.iterations, found.gradient, config.tolerance
        ));
    };
    match found.end {
        Termination::Converged => {}
        Termination::Stopped => return Err(fit::cancelled(context)),
        Termination::Iterations => short("raise `max_iterations` to go further"),
        Termination::Stalled(_) if found.gradient <= GOOD_ENOUGH => short("rounding errors allow no further step"),
        Termination::Stalled(reason) => {
            let (iterations, gradient) = (found.iterations, Some(found.gradient));
            return Err(Unsolved { model: MODEL, iterations, gradient, expected: config.tolerance, reason }.into());
        }
    }
    let model = TrainedLogistic::new(&classes, &problem.table(&found.at));
    let images = found.iterations * train.len() as u64;
    Ok(ClassicalFit { model, history, timing: timing(images, &ends, start.elapsed()) })
}
