//! Scores the candidates of a stage: fits them on every split, side by side, and keeps each trial in the log as it
//! ends.
//!
//! What a trial comes to depends on the study, the stage, its parameters and the trials proposed in earlier batches,
//! never on those beside it or on the number of workers.

mod halving;
mod plain;
mod pruning;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    time::Instant,
};

use super::{
    Candidate, Objective, Stage, Stop, TrialState, TuningError,
    fit::{End, FitEnd, FitJob, Fitting, Watch},
    log::StageLog,
    splits::SplitData,
    study::Work,
    trial::{Details, Trial, summary},
};
use crate::{
    learners::{self, Learner},
    progress::{Silent, Task},
    seed::Seed,
    stacking::{self, Job, JobContext},
};

/// The trials of a stage, known and to come.
pub(super) struct Evaluator<'a> {
    stage: &'a Stage,
    /// Settings that the candidates' values are put into.
    base: toml::Table,
    splits: &'a [SplitData],
    seed: Seed,
    log: &'a StageLog,
    work: &'a Work<'a>,
    scratch: PathBuf,
    task: Box<dyn Task>,
    /// Trials that ended, by their key.
    known: HashMap<String, Trial>,
    /// Keys in the order of their proposal, and the same for looking up.
    proposed: Vec<String>,
    seen: HashSet<String>,
    clock: Clock,
    rungs: halving::Rungs,
    medians: pruning::Medians,
}

/// Time that a stage took by the clock, over its interruptions.
struct Clock {
    before: f64,
    started: Instant,
    limit: Option<f64>,
}

impl Clock {
    fn elapsed(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() > limit)
    }
}

/// A candidate to be fitted.
struct Proposal {
    key: String,
    order: usize,
    candidate: Candidate,
    /// Its learner, or why its settings are impossible.
    learner: Result<Box<dyn Learner>, String>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        stage: &'a Stage,
        base: toml::Table,
        splits: &'a [SplitData],
        seed: Seed,
        log: &'a StageLog,
        work: &'a Work<'a>,
    ) -> Self {
        let known: HashMap<String, Trial> = log
            .trials()
            .iter()
            .filter_map(|logged| Trial::from_log(logged, &stage.space))
            .map(|trial| (stage.space.key(&trial.details.values), trial))
            .collect();
        let before = known.values().map(|trial| trial.details.elapsed).fold(0.0, f64::max);
        let total = stage.config.budget.trials.unwrap_or(stage.space.grid_size());
        let task = work.progress.task(&stage.config.name, total as u64, "trials");
        let limit = stage.config.budget.minutes.map(|minutes| 60.0 * minutes);
        Self {
            stage,
            base,
            splits,
            seed,
            log,
            work,
            scratch: work.scratch.join(&stage.config.name),
            task,
            known,
            proposed: Vec::new(),
            seen: HashSet::new(),
            clock: Clock { before, started: Instant::now(), limit },
            rungs: halving::Rungs::default(),
            medians: pruning::Medians::default(),
        }
    }

    /// What was proposed, in order, as far as it ended.
    pub(super) fn into_trials(self) -> Vec<Trial> {
        let mut known = self.known;
        self.proposed.iter().filter_map(|key| known.remove(key)).collect()
    }

    fn score_of(&self, key: &str) -> Option<f64> {
        self.known.get(key).filter(|trial| trial.state != TrialState::Failed).and_then(|trial| trial.score)
    }

    fn proposal(&self, key: String, order: usize, candidate: &Candidate) -> Proposal {
        let settings = self.stage.settings(&self.base, candidate);
        let learner = settings.and_then(learners::build).map_err(|error| format!("its settings are refused: {error}"));
        Proposal { key, order, candidate: candidate.clone(), learner }
    }

    /// Where a fit keeps its state; one on so many images only has a place of its own.
    fn checkpoint(&self, key: &str, split: usize, images: Option<u64>) -> PathBuf {
        let images = images.map_or_else(String::new, |images| format!("-of-{images}"));
        self.scratch.join(format!("{:016x}-{split}{images}", Seed(0).derive(key).0))
    }

    fn forget(&self, key: &str) {
        for split in 0..self.splits.len() {
            let _ = std::fs::remove_file(self.checkpoint(key, split, None));
        }
    }

    /// Fits side by side: for each (proposal, split) what `run` returns, in order.
    fn fits<R: Send>(
        &self,
        jobs: Vec<(&Proposal, usize)>,
        run: impl Fn(&Proposal, usize, &Fitting) -> Result<R, TuningError> + Sync,
    ) -> Result<Vec<R>, TuningError> {
        let on_device =
            jobs.iter().any(|(proposal, _)| proposal.learner.as_ref().is_ok_and(|learner| learner.runs_on_device()));
        let (workers, threads) = self.work.share(jobs.len(), on_device);
        let cost = |proposal: &Proposal| proposal.learner.as_ref().map_or(0.0, |learner| learner.work(1000));
        let jobs = jobs
            .into_iter()
            .map(|(proposal, split)| Job {
                name: format!("{}: {}", self.stage.config.name, proposal.key),
                cost: cost(proposal),
                input: (proposal, split),
            })
            .collect();
        stacking::run_jobs(
            jobs,
            workers,
            threads,
            self.work.cancel,
            |(proposal, split): &(&Proposal, usize), job: &JobContext| {
                let fitting = Fitting {
                    device: self.work.device,
                    progress: &Silent,
                    threads: job.threads,
                    cancel: &job.cancel,
                    score: self.stage.config.score,
                };
                run(proposal, *split, &fitting)
            },
        )
    }

    /// One fit of a proposal, on `images` of the training images if not on all; one whose settings are impossible
    /// fails.
    fn fit(
        &self,
        proposal: &Proposal,
        split: usize,
        images: Option<u64>,
        data: &SplitData,
        watch: Option<&Watch>,
        fitting: &Fitting,
    ) -> Result<FitEnd, TuningError> {
        match &proposal.learner {
            Err(problem) => Ok(FitEnd {
                end: End::Failed(problem.clone()),
                steps: Vec::new(),
                train_steps: Vec::new(),
                steps_run: 0,
                seconds: 0.0,
            }),
            Ok(learner) => fitting.fit(&FitJob {
                learner: learner.as_ref(),
                split: data,
                seed: self.seed.derive(&proposal.key).index(split as u64),
                checkpoint: &self.checkpoint(&proposal.key, split, images),
                label: &proposal.key,
                watch,
            }),
        }
    }

    /// A trial whose fits all ended: scored if all were, failed if one did.
    fn ended(&self, proposal: &Proposal, ends: &[FitEnd], steps: Vec<(u64, f64)>) -> Trial {
        let failure =
            ends.iter().find_map(|end| if let End::Failed(problem) = &end.end { Some(problem.clone()) } else { None });
        let scored = |end: &FitEnd| {
            if let End::Scored { score, train_score } = end.end { Some((score, train_score)) } else { None }
        };
        let scores: Vec<(f64, f64)> = ends.iter().filter_map(scored).collect();
        let split_scores: Vec<f64> = scores.iter().map(|(score, _)| *score).collect();
        let complete = failure.is_none() && scores.len() == self.splits.len();
        let (score, standard_error) = match complete {
            true => {
                let (mean, error) = summary(&split_scores, self.splits[0].validation.len());
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

    /// Writes a trial to the log.
    fn record(&self, proposal: &Proposal, trial: &Trial) -> Result<(), TuningError> {
        self.log.record(&trial.to_log(&self.stage.space))?;
        self.forget(&proposal.key);
        self.task.advance(1);
        Ok(())
    }

    fn note_best(&self) {
        let scores =
            self.known.values().filter(|trial| trial.state == TrialState::Complete).filter_map(|trial| trial.score);
        let best = scores.fold(f64::NEG_INFINITY, f64::max);
        if best.is_finite() {
            self.task.note(&format!("best {}", self.stage.config.score.format(best)));
        }
    }
}

impl Objective for Evaluator<'_> {
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop> {
        let keys: Vec<String> = candidates.iter().map(|candidate| self.stage.space.key(candidate)).collect();
        let mut batch = Vec::new();
        let mut over = false;
        for (key, candidate) in keys.iter().zip(candidates) {
            if self.seen.contains(key) {
                continue;
            }
            if self.stage.config.budget.trials.is_some_and(|most| self.proposed.len() >= most) {
                over = true;
                break;
            }
            if self.known.contains_key(key) {
                self.task.advance(1);
            }
            batch.push(self.proposal(key.clone(), self.proposed.len(), candidate));
            self.seen.insert(key.clone());
            self.proposed.push(key.clone());
        }
        for part in self.parts(batch).into_iter().filter(|part| !part.is_empty()) {
            let time_left = self.evaluate_batch(&part).map_err(Stop::Failure)?;
            self.note_best();
            over |= !time_left;
            if over && !time_left {
                break;
            }
        }
        if over { Err(Stop::Budget) } else { Ok(keys.iter().map(|key| self.score_of(key)).collect()) }
    }
}

impl Evaluator<'_> {
    /// A batch in the parts that are scored one after the other: pruning compares with what is done, so it takes few at
    /// a time.
    fn parts(&self, mut batch: Vec<Proposal>) -> Vec<Vec<Proposal>> {
        if self.stage.config.pruning.is_none() {
            return vec![batch];
        }
        let mut parts = Vec::new();
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(pruning::BATCH));
            parts.push(std::mem::replace(&mut batch, rest));
        }
        parts
    }

    /// Scores proposals, those that are known included; false if the time ran out before all were begun.
    fn evaluate_batch(&mut self, batch: &[Proposal]) -> Result<bool, TuningError> {
        match (&self.stage.config.halving, self.stage.config.pruning) {
            (Some(halving), _) => self.evaluate_by_halving(batch, halving),
            (None, Some(pruning)) => self.evaluate_with_pruning(batch, pruning),
            (None, None) => self.evaluate_plainly(batch),
        }
    }
}
