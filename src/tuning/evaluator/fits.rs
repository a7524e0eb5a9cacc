//! Fits of proposals, and the trials that they make.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    time::Instant,
};

use super::{medians::Medians, rungs::Rungs};
use crate::{
    fit::{Job, JobContext, run_jobs},
    learners::{self, Learner},
    progress::{Silent, Task},
    seed::Seed,
    tuning::{
        context::StudyContext,
        error::TuningError,
        log::StageLog,
        outcome::TrialState,
        space::Candidate,
        split_fit::{FitResult, FitStatus, Fitting, SplitFit, Watch},
        splits::SplitData,
        stage::Stage,
        trial::{Details, Trial, mean_and_error},
    },
};

/// Objective of a stage: fits candidates on every split, side by side, and records each trial in the log as it ends.
pub(in crate::tuning) struct Evaluator<'a> {
    pub(super) stage: &'a Stage,
    /// Settings that a candidate's values are written into.
    base: toml::Table,
    pub(super) splits: &'a [SplitData],
    pub(super) seed: Seed,
    log: &'a StageLog,
    context: &'a StudyContext<'a>,
    scratch: PathBuf,
    pub(super) task: Box<dyn Task>,
    /// Trials that ended, by their key.
    pub(super) known: HashMap<String, Trial>,
    /// Keys in the order of their proposal.
    pub(super) proposed: Vec<String>,
    /// Keys of `proposed`, for looking them up.
    pub(super) seen: HashSet<String>,
    pub(super) clock: Clock,
    pub(super) rungs: Rungs,
    pub(super) medians: Medians,
}

/// Wall-clock time of a stage over its interruptions.
pub(super) struct Clock {
    before: f64,
    started: Instant,
    limit: Option<f64>,
}

impl Clock {
    fn elapsed(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    pub(super) fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() > limit)
    }
}

/// Candidate that is to be fitted.
pub(super) struct Proposal {
    pub(super) key: String,
    /// Index among the stage's proposals.
    pub(super) order: usize,
    candidate: Candidate,
    /// Its learner, or the reason why its settings are refused.
    pub(super) learner: Result<Box<dyn Learner>, String>,
}

impl<'a> Evaluator<'a> {
    pub(in crate::tuning) fn new(
        stage: &'a Stage,
        base: toml::Table,
        splits: &'a [SplitData],
        seed: Seed,
        log: &'a StageLog,
        context: &'a StudyContext<'a>,
    ) -> Self {
        let known: HashMap<String, Trial> = log
            .trials()
            .iter()
            .filter_map(|logged| Trial::from_log(logged, &stage.space))
            .map(|trial| (stage.space.key(&trial.details.values), trial))
            .collect();
        let before = known.values().map(|trial| trial.details.elapsed).fold(0.0, f64::max);
        let total = stage.config.budget.trials.unwrap_or(stage.space.grid_size());
        let task = context.fit.progress.task(&stage.config.name, total as u64, "trials");
        let limit = stage.config.budget.minutes.map(|minutes| 60.0 * minutes);
        Self {
            stage,
            base,
            splits,
            seed,
            log,
            context,
            scratch: context.scratch.join(&stage.config.name),
            task,
            known,
            proposed: Vec::new(),
            seen: HashSet::new(),
            clock: Clock { before, started: Instant::now(), limit },
            rungs: Rungs::default(),
            medians: Medians::default(),
        }
    }

    /// Returns the trials that ended, in the order of their proposal.
    pub(in crate::tuning) fn into_trials(self) -> Vec<Trial> {
        let mut known = self.known;
        self.proposed.iter().filter_map(|key| known.remove(key)).collect()
    }

    pub(super) fn score_of(&self, key: &str) -> Option<f64> {
        self.known.get(key).filter(|trial| trial.state != TrialState::Failed).and_then(|trial| trial.score)
    }

    pub(super) fn proposal(&self, key: String, order: usize, candidate: &Candidate) -> Proposal {
        let settings = self.stage.settings(&self.base, candidate);
        let learner = settings.and_then(learners::build).map_err(|error| format!("its settings are refused: {error}"));
        Proposal { key, order, candidate: candidate.clone(), learner }
    }

    /// Returns the path of a fit's checkpoint; a fit on a number of images has one of its own.
    pub(super) fn checkpoint(&self, key: &str, split: usize, images: Option<u64>) -> PathBuf {
        let images = images.map_or_else(String::new, |images| format!("-of-{images}"));
        self.scratch.join(format!("{:016x}-{split}{images}", Seed(0).derive(key).0))
    }

    /// Removes the checkpoints of a trial that was recorded.
    fn forget(&self, key: &str) {
        for split in 0..self.splits.len() {
            let _ = std::fs::remove_file(self.checkpoint(key, split, None));
        }
    }

    /// Calls `run` for each (proposal, split) on the workers; returns its results in order.
    pub(super) fn fits<R: Send>(
        &self,
        jobs: Vec<(&Proposal, usize)>,
        run: impl Fn(&Proposal, usize, &Fitting) -> Result<R, TuningError> + Sync,
    ) -> Result<Vec<R>, TuningError> {
        let on_device =
            jobs.iter().any(|(proposal, _)| proposal.learner.as_ref().is_ok_and(|learner| learner.runs_on_device()));
        let (workers, threads) = self.context.share(jobs.len(), on_device);
        let cost = |proposal: &Proposal| proposal.learner.as_ref().map_or(0.0, |learner| learner.cost(1000));
        let jobs = jobs
            .into_iter()
            .map(|(proposal, split)| Job {
                name: format!("{}: {}", self.stage.config.name, proposal.key),
                cost: cost(proposal),
                input: (proposal, split),
            })
            .collect();
        run_jobs(
            jobs,
            workers,
            threads,
            self.context.fit.cancel,
            |(proposal, split): &(&Proposal, usize), job: &JobContext| {
                let context = self.context.fit.with_progress(&Silent).in_job(job);
                let fitting = Fitting { context, score: self.stage.config.score };
                run(proposal, *split, &fitting)
            },
        )
    }

    /// Fits a proposal on one split, with `images` of the training images if given. Refused settings are a failure.
    pub(super) fn fit(
        &self,
        proposal: &Proposal,
        split: usize,
        images: Option<u64>,
        data: &SplitData,
        watch: Option<&Watch>,
        fitting: &Fitting,
    ) -> Result<FitResult, TuningError> {
        match &proposal.learner {
            Err(problem) => Ok(FitResult {
                status: FitStatus::Failed(problem.clone()),
                steps: Vec::new(),
                train_steps: Vec::new(),
                steps_run: 0,
                seconds: 0.0,
            }),
            Ok(learner) => fitting.fit(&SplitFit {
                learner: learner.as_ref(),
                split: data,
                seed: self.seed.derive(&proposal.key).index(split as u64),
                checkpoint: &self.checkpoint(&proposal.key, split, images),
                label: &proposal.key,
                watch,
            }),
        }
    }

    /// Returns the trial of fits that all ended: scored if all of them were, failed if one did.
    pub(super) fn ended(&self, proposal: &Proposal, ends: &[FitResult], steps: Vec<(u64, f64)>) -> Trial {
        let failure = ends
            .iter()
            .find_map(|end| if let FitStatus::Failed(problem) = &end.status { Some(problem.clone()) } else { None });
        let scored = |end: &FitResult| {
            if let FitStatus::Scored { score, train_score } = end.status { Some((score, train_score)) } else { None }
        };
        let scores: Vec<(f64, f64)> = ends.iter().filter_map(scored).collect();
        let split_scores: Vec<f64> = scores.iter().map(|(score, _)| *score).collect();
        let complete = failure.is_none() && scores.len() == self.splits.len();
        let (score, standard_error) = match complete {
            true => {
                let (mean, error) = mean_and_error(&split_scores, self.splits[0].validation.len());
                (Some(mean), error)
            }
            false => (steps.last().map(|(_, score)| *score).filter(|_| failure.is_none()), None),
        };
        let train = scores.iter().map(|(_, train)| train).sum::<f64>() / scores.len().max(1) as f64;
        Trial {
            state: match (&failure, complete) {
                (Some(_), _) => TrialState::Failed,
                (None, true) => TrialState::Complete,
                (None, false) => TrialState::Pruned,
            },
            score,
            steps,
            details: Details {
                values: proposal.candidate.clone(),
                order: proposal.order,
                standard_error,
                split_scores: if complete { split_scores } else { Vec::new() },
                train_score: complete.then_some(train),
                steps_run: ends.iter().map(|end| end.steps_run).sum(),
                seconds: ends.iter().map(|end| end.seconds).sum(),
                elapsed: self.clock.elapsed(),
                error: failure,
            },
        }
    }

    /// Records a trial in the log.
    pub(super) fn record(&self, proposal: &Proposal, trial: &Trial) -> Result<(), TuningError> {
        self.log.record(&trial.to_log(&self.stage.space))?;
        self.forget(&proposal.key);
        self.task.advance(1);
        Ok(())
    }

    pub(super) fn note_best(&self) {
        let scores =
            self.known.values().filter(|trial| trial.state == TrialState::Complete).filter_map(|trial| trial.score);
        let best = scores.fold(f64::NEG_INFINITY, f64::max);
        if best.is_finite() {
            self.task.note(&format!("best {}", self.stage.config.score.format(best)));
        }
    }
}
