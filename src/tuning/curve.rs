//! Curve of the score by epochs or trees, read from one training.

use std::sync::Arc;

use super::{
    context::StudyContext,
    error::TuningError,
    log::StageLog,
    outcome::TrialState,
    split_fit::{FitResult, FitStatus, Fitting, SplitFit, until},
    splits::SplitData,
    stage::Stage,
    trial::{Details, Trial, mean_and_error},
};
use crate::{
    data::FieldError,
    fit::{Job, JobContext, run_jobs},
    learners,
    seed::Seed,
};

/// Fits once on every split, up to the largest number of steps, and records a trial for each searched number of steps.
pub(super) fn run(
    stage: &Stage,
    base: &toml::Table,
    splits: &[SplitData],
    seed: Seed,
    log: &StageLog,
    context: &StudyContext,
    started: std::time::Instant,
) -> Result<Vec<Trial>, TuningError> {
    let wanted: Vec<toml::Value> = stage.space.grid().into_iter().flatten().collect();
    let known: Vec<Trial> = log.trials().iter().filter_map(|logged| Trial::from_log(logged, &stage.space)).collect();
    let of = |value: &toml::Value| known.iter().find(|trial| trial.details.values == [value.clone()]);
    if let Some(all) = wanted.iter().map(|value| of(value).cloned()).collect() {
        return Ok(all);
    }
    let most = wanted.iter().filter_map(toml::Value::as_integer).max().unwrap_or(1);
    let error = |error: FieldError| TuningError::setting(&stage.config.name, error);
    let settings = stage.settings(base, &[most.into()]).map_err(error)?;
    let learner: Arc<dyn learners::Learner> = learners::build(settings).map_err(error)?.into();
    let (workers, threads) = context.share(splits.len(), learner.runs_on_device());
    let jobs: Vec<Job<usize>> = (0..splits.len())
        .map(|split| Job { name: format!("{}, split {}", stage.config.name, split + 1), cost: 1.0, input: split })
        .collect();
    let folder = context.scratch.join(&stage.config.name);
    let ends = run_jobs(jobs, workers, threads, context.fit.cancel, |&split: &usize, job: &JobContext| {
        let fitting = Fitting { context: context.fit.in_job(job), score: stage.config.score };
        fitting.fit(&SplitFit {
            learner: learner.as_ref(),
            split: &splits[split],
            seed: seed.derive("curve").index(split as u64),
            checkpoint: &folder.join(format!("split-{split}")),
            label: &format!("{}, split {}", stage.config.name, split + 1),
            watch: Some(&until(u64::MAX)),
        })
    })?;
    let mut trials = Vec::new();
    for (order, value) in wanted.iter().enumerate() {
        if let Some(trial) = of(value) {
            trials.push(trial.clone());
            continue;
        }
        let mut trial = point(value, order, &ends, splits);
        trial.details.elapsed = started.elapsed().as_secs_f64();
        log.record(&trial.to_log(&stage.space))?;
        trials.push(trial);
    }
    Ok(trials)
}

/// Returns the trial of one number of steps.
fn point(value: &toml::Value, order: usize, ends: &[FitResult], splits: &[SplitData]) -> Trial {
    let step = value.as_integer().and_then(|step| u64::try_from(step).ok()).unwrap_or_default();
    let at = |steps: &[(u64, f64)]| steps.iter().find(|(other, _)| *other == step).map(|(_, score)| *score);
    let scores: Option<Vec<f64>> = ends.iter().map(|end| at(&end.steps)).collect();
    let train: Option<Vec<f64>> = ends.iter().map(|end| at(&end.train_steps)).collect();
    let failure = ends
        .iter()
        .find_map(|end| if let FitStatus::Failed(problem) = &end.status { Some(problem.clone()) } else { None });
    let unread = || {
        format!(
            "no score after {step} steps: the learner does not evaluate there (for a booster see \
             `booster.evaluate_every`), or it had ended before"
        )
    };
    let (score, standard_error) = match &scores {
        Some(scores) => {
            let (mean, error) = mean_and_error(scores, splits[0].validation.len());
            (Some(mean), error)
        }
        None => (None, None),
    };
    // The fits are counted once, in the trial with the most steps.
    let last = ends.iter().all(|end| end.steps_run == step);
    let shared = |whole: f64| if last { whole } else { 0.0 };
    Trial {
        state: if scores.is_some() { TrialState::Complete } else { TrialState::Failed },
        score,
        steps: Vec::new(),
        details: Details {
            values: vec![value.clone()],
            order,
            standard_error,
            split_scores: scores.clone().unwrap_or_default(),
            train_score: train.map(|train| train.iter().sum::<f64>() / train.len() as f64),
            steps_run: if last { ends.iter().map(|end| end.steps_run).sum() } else { 0 },
            seconds: shared(ends.iter().map(|end| end.seconds).sum()),
            elapsed: 0.0,
            error: if scores.is_none() { Some(failure.unwrap_or_else(unread)) } else { None },
        },
    }
}
