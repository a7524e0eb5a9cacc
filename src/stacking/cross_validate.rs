//! Fits of several members at once, and their predictions for the digits that they held out.

use std::thread;

use crate::{
    data::{Digits, Probabilities},
    fit::{FitContext, Job, JobContext, JobError, run_jobs},
    learners::{Fitted, Learner, LearnerError, set_aside_for_selection},
    seed::Seed,
};

/// Validation images of a fit: they are watched, and a learner may select an epoch or a number of trees by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// At most so many of the digits held out are watched; a learner that selects gets images that are set aside from
    /// its training digits instead, so that nothing is selected by digits that predictions are for.
    Sample(usize),
    /// All digits held out, for a learner that selects, too.
    HeldOut,
}

/// Runs fits at once and returns their results in order. On a CPU as many run as there are `workers`, each with its
/// share of the threads; none: as many as there are threads. Fits on a GPU run one after another, beside those that
/// need the CPU alone.
///
/// # Errors
/// The first fit that fails, panics or is cancelled.
pub fn run_fits<T, R, E>(
    fits: Vec<Job<T>>,
    on_device: impl Fn(&T) -> bool,
    workers: Option<usize>,
    context: &FitContext,
    fit: impl Fn(&T, &JobContext) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E>
where
    T: Send + Sync,
    R: Send,
    E: From<JobError> + Send,
{
    let is_gpu = !context.device.is_cpu();
    let indexed = fits.into_iter().enumerate().map(|(index, Job { name, cost, input })| {
        let on_device = is_gpu && on_device(&input);
        (on_device, Job { name, cost, input: (index, input) })
    });
    let (device_fits, cpu_fits): (Vec<_>, Vec<_>) = indexed.partition(|(on_device, _)| *on_device);
    let run = |fits: Vec<(bool, Job<(usize, T)>)>, workers: usize, threads: usize| {
        let jobs = fits.into_iter().map(|(_, job)| job).collect();
        run_jobs(jobs, workers, threads, context.cancel, |(index, input): &(usize, T), job: &JobContext| {
            fit(input, job).map(|result| (*index, result))
        })
    };
    let (device_results, cpu_results) = thread::scope(|scope| {
        let device = scope.spawn(|| run(device_fits, 1, 1));
        let workers = workers.unwrap_or(context.threads).min(cpu_fits.len()).max(1);
        let cpu = run(cpu_fits, workers, (context.threads / workers).max(1));
        (device.join(), cpu)
    });
    let mut results = device_results.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    results.extend(cpu_results?);
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Fits a learner on `train` and predicts the digits held out, `[n, 10]`. `seed`: of the images that are set aside for
/// selection.
///
/// # Errors
/// If the fit or the prediction fails, or a class has too few groups of images.
pub fn fit_and_predict<E>(
    learner: &dyn Learner,
    train: Digits,
    held_out: Option<&Digits>,
    validation: Validation,
    seed: Seed,
    context: &FitContext,
) -> Result<(Fitted, Option<Probabilities>), E>
where
    E: From<LearnerError> + From<crate::data::DataError>,
{
    let (train, validation) = match (validation, held_out) {
        (Validation::HeldOut, held_out) => (train, held_out.cloned()),
        (Validation::Sample(_), _) if learner.selects_by_validation() => {
            let (train, selection) = set_aside_for_selection(&train, seed)?;
            (train, Some(selection))
        }
        (Validation::Sample(count), Some(held_out)) if count > 0 => {
            (train, Some(held_out.select(&evenly_spread(held_out.len(), count))))
        }
        _ => (train, None),
    };
    let fitted = learner.fit(&train, validation.as_ref(), context)?;
    let rows = held_out.map(|held_out| fitted.classifier.predict_proba(&held_out.images)).transpose()?;
    Ok((fitted, rows))
}

/// At most `count` indices of `0..total`, evenly spread.
pub fn evenly_spread(total: usize, count: usize) -> Vec<usize> {
    let count = count.min(total);
    (0..count).map(|index| index * total / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_evenly_spread_and_never_larger_than_asked() {
        assert_eq!(evenly_spread(10, 3), [0, 3, 6]);
        assert_eq!(evenly_spread(3, 10), [0, 1, 2]);
        assert!(evenly_spread(0, 5).is_empty());
    }
}
