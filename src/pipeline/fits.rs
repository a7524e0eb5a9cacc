//! Every fit of a run: each member on each fold, and once more on everything if the finished stack asks refitted
//! models.
//!
//! A fit is a *part* of the run directory: its model, its history, and its predictions for the images of its fold. A
//! part that is complete is never fitted again, so that an interrupted run goes on where it was; a net goes on from its
//! last finished epoch.

use std::{path::Path, time::Instant};

use rayon::prelude::*;

use super::{RunConfig, RunFailure, predictions};
use crate::{
    data::{Digits, Folds, Probabilities},
    fit::{FitContext, FitTiming, Job, JobContext, run_jobs},
    learners::{Classifier, Learner, set_aside_for_selection},
    seed::Seed,
    storage::RunDirectory,
};

/// A fit's predictions for its own fold.
const OUT_OF_FOLD: &str = "out_of_fold.safetensors";
/// A fit's course.
pub(super) const HISTORY: &str = "history.json";
/// How long a fit took.
const TIMING: &str = "timing.json";

/// One fit to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// Place of the member in the configuration.
    pub(super) member: usize,
    /// The fold left out; none: all images are used.
    pub(super) fold: Option<usize>,
}

impl Fit {
    /// Every fit of a configuration.
    pub(super) fn all(config: &RunConfig) -> Vec<Self> {
        let folds = (0..config.stacking.folds).map(Some);
        let refit = config.refits().then_some(None);
        let places: Vec<_> = folds.chain(refit).collect();
        (0..config.members.len()).flat_map(|member| places.iter().map(move |&fold| Self { member, fold })).collect()
    }

    /// The part's name: `models/cnn/fold-1`.
    pub(super) fn part(self, config: &RunConfig) -> String {
        format!("models/{}", self.name(config))
    }

    /// What its model is called in a run: `cnn/fold-1`.
    pub(super) fn name(self, config: &RunConfig) -> String {
        format!("{}/{}", config.members[self.member].name(), self.place())
    }

    /// What people call it: `cnn, fold 1`.
    pub(super) fn label(self, config: &RunConfig) -> String {
        let name = config.members[self.member].name();
        match self.fold {
            Some(fold) => format!("{name}, fold {}", fold + 1),
            None => format!("{name}, all"),
        }
    }

    fn place(self) -> String {
        self.fold.map_or_else(|| "all".to_owned(), |fold| format!("fold-{}", fold + 1))
    }

    fn seed(self, config: &RunConfig) -> Seed {
        Seed(config.seed).derive("fit").derive(config.members[self.member].name()).derive(&self.place())
    }
}

/// What is left of a finished fit.
pub(super) struct FitResult {
    pub(super) fit: Fit,
    pub(super) timing: FitTiming,
    /// For the fold's validation images; none if all images were used.
    pub(super) out_of_fold: Option<Probabilities>,
}

/// Does every fit that is not done yet; returns all of them in order.
///
/// On a CPU the fits run at once, one thread each while there are as many fits as threads. Nets on a GPU run one after
/// another, beside the fits that need the CPU alone.
pub(super) fn fit_all(
    config: &RunConfig,
    digits: &Digits,
    folds: &Folds,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<Vec<FitResult>, RunFailure> {
    let all = Fit::all(config);
    let on_device = |fit: &Fit| !work.device.is_cpu() && config.members[fit.member].runs_on_device();
    let (device_fits, cpu_fits): (Vec<Fit>, Vec<Fit>) = all.iter().copied().partition(on_device);
    let run = |fits: &[Fit], workers: usize, threads: usize| {
        let job = |&fit: &Fit| Job {
            name: fit.label(config),
            cost: config.members[fit.member].cost(digits.len()),
            input: fit,
        };
        let jobs = fits.iter().map(job).collect();
        run_jobs(jobs, workers, threads, work.cancel, |fit: &Fit, job: &JobContext| {
            one(config, *fit, digits, folds, directory, job, work)
        })
    };
    let (device_results, cpu_results) = std::thread::scope(|scope| {
        let device = scope.spawn(|| run(&device_fits, 1, 1));
        let workers = work.threads.min(cpu_fits.len()).max(1);
        let cpu = run(&cpu_fits, workers, (work.threads / workers).max(1));
        (device.join(), cpu)
    });
    let mut results = device_results.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    results.extend(cpu_results?);
    results.sort_by_key(|result| all.iter().position(|fit| *fit == result.fit));
    Ok(results)
}

fn one(
    config: &RunConfig,
    fit: Fit,
    digits: &Digits,
    folds: &Folds,
    directory: &RunDirectory,
    job: &JobContext,
    work: &FitContext,
) -> Result<FitResult, RunFailure> {
    let name = fit.part(config);
    if let Some(part) = directory.part_if_complete(&name, work.progress)? {
        return Ok(FitResult {
            fit,
            timing: part.read_json(TIMING)?,
            out_of_fold: fit
                .fold
                .map(|_| Ok::<_, RunFailure>(predictions::decode(&part.read(OUT_OF_FOLD)?)?))
                .transpose()?,
        });
    }
    let learner = config.members[fit.member].as_ref();
    let seed = fit.seed(config);
    let split = Split::of(learner, fit, digits, folds, config.stacking.watched_images, seed)?;
    let label = fit.label(config);
    let checkpoint = directory.scratch_file(&name)?;
    let context = work.seeded(seed.derive("fit")).labelled(&label).checkpointed(Some(&checkpoint));
    let context = context.in_job(job);
    let started = Instant::now();
    let fitted = learner.fit(&split.train, split.validation.as_ref(), &context)?;
    let FitTiming { seconds, waiting_seconds, preparing_seconds, .. } = fitted.timing;
    let share = |part: f64, doing: &str| {
        if part > 0.0 { format!(", {:.1} % of it {doing} images", 100.0 * part / seconds) } else { String::new() }
    };
    let (waited, prepared) = (share(waiting_seconds, "waiting for"), share(preparing_seconds, "preparing"));
    work.progress.message(&format!("{label}: fitted in {:.1} s{waited}{prepared}", started.elapsed().as_secs_f64()));
    let out_of_fold =
        split.left_out.as_ref().map(|left_out| fitted.classifier.predict_proba(&left_out.images)).transpose()?;
    let part = directory.begin_part(&name)?;
    fitted.classifier.save(part.folder())?;
    part.write_json(HISTORY, &fitted.history)?;
    part.write_json(TIMING, &fitted.timing)?;
    if let Some(probabilities) = &out_of_fold {
        part.write(OUT_OF_FOLD, &predictions::encode(probabilities)?)?;
    }
    part.commit()?;
    let _ = std::fs::remove_file(&checkpoint);
    Ok(FitResult { fit, timing: fitted.timing, out_of_fold })
}

/// The images of one fit.
struct Split {
    train: Digits,
    /// Watched during the fit. If the learner chooses by it, it is cut from the training part, never from the fold that
    /// is left out.
    validation: Option<Digits>,
    /// The fold that is predicted afterwards.
    left_out: Option<Digits>,
}

impl Split {
    fn of(
        learner: &dyn Learner,
        fit: Fit,
        digits: &Digits,
        folds: &Folds,
        watched: usize,
        seed: Seed,
    ) -> Result<Self, RunFailure> {
        let (train, left_out) = match fit.fold {
            Some(fold) => {
                (digits.select(&folds.train_indices(fold)), Some(digits.select(&folds.validation_indices(fold))))
            }
            None => (digits.clone(), None),
        };
        if learner.selects_by_validation() {
            let (train, selection) = set_aside_for_selection(&train, seed)?;
            return Ok(Self { train, validation: Some(selection), left_out });
        }
        let validation = match &left_out {
            Some(left_out) if watched > 0 => Some(left_out.select(&sample(left_out.len(), watched))),
            _ => None,
        };
        Ok(Self { train, validation, left_out })
    }
}

/// At most `count` places of `0..total`, evenly spread.
pub(super) fn sample(total: usize, count: usize) -> Vec<usize> {
    let count = count.min(total);
    (0..count).map(|place| place * total / count).collect()
}

/// The SHA-256 of every file of every fitted model, one text for each: what the test set is opened for.
pub(super) fn model_hashes(
    config: &RunConfig,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<Vec<String>, RunFailure> {
    let parts = Fit::all(config).into_iter().map(|fit| {
        let name = fit.part(config);
        let part =
            directory.part_if_complete(&name, work.progress)?.ok_or_else(|| RunFailure::LostPart(name.clone()))?;
        Ok(format!("{name} {}", part.manifest().reproducible_hash()))
    });
    parts.collect()
}

/// The models that the finished stack asks, by member.
pub(super) fn load_final(
    config: &RunConfig,
    folder: &Path,
    work: &FitContext,
) -> Result<Vec<Vec<Box<dyn Classifier>>>, RunFailure> {
    let wanted = |fit: &Fit| fit.fold.is_none() == config.refits();
    let load = |fit: &Fit| -> Result<Box<dyn Classifier>, RunFailure> {
        Ok(config.members[fit.member].load(&folder.join(fit.part(config)), work.device)?)
    };
    let fits: Vec<Fit> = Fit::all(config).into_iter().filter(wanted).collect();
    let loaded: Vec<_> = fits.par_iter().map(load).collect::<Result<_, _>>()?;
    let mut models: Vec<Vec<Box<dyn Classifier>>> = config.members.iter().map(|_| Vec::new()).collect();
    for (fit, model) in fits.iter().zip(loaded) {
        models[fit.member].push(model);
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_and_never_larger_than_asked() {
        assert_eq!(sample(10, 3), [0, 3, 6]);
        assert_eq!(sample(3, 10), [0, 1, 2]);
        assert!(sample(0, 5).is_empty());
    }
}
