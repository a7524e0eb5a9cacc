//! The training loop.
//!
//! The library's own loop stops for nothing and keeps its best round to itself, so the loop is ours: one round at a
//! time, evaluation, early stopping, progress, checkpoints, and a look at the cancel flag in between.

use std::{ops::ControlFlow, time::Instant};

use super::{
    BoosterConfig, BoostingError, Checkpoint, Dataset, TrainedBooster,
    checkpoint::{Resumed, fingerprint},
    ffi::{BoosterHandle, Metrics, Threads},
    model_text::ModelText,
};
use crate::{
    data::Images,
    fit::{FitTiming, History, HistoryPoint, Observe},
    progress::{Cancel, Progress},
    seed::Seed,
};

/// Everything about one fit that is no setting of the model.
#[derive(Clone, Copy)]
pub struct BoosterJob<'a> {
    /// From which every draw derives.
    pub seed: Seed,
    /// Threads of the fit, 1 or more (0 counts as 1). The result does not depend on it. Fits with the same number run
    /// side by side; fits with different numbers take turns, round by round.
    pub threads: usize,
    /// Told of each round.
    pub progress: &'a dyn Progress,
    /// What the fit is called there.
    pub name: &'a str,
    /// Asked between rounds.
    pub cancel: &'a Cancel,
    /// Where to leave checkpoints, if anywhere. Takes no effect when [`BoosterConfig::draws_samples`]: such a fit
    /// cannot be continued.
    pub checkpoint: Option<Checkpoint<'a>>,
    /// Sees each evaluated round, those before a checkpoint first, and may end the fit there.
    pub observe: Option<&'a Observe<'a>>,
}

/// A booster and how it came about.
#[derive(Clone, Debug)]
pub struct BoosterFit {
    /// The model.
    pub booster: TrainedBooster,
    /// One point for each evaluated round, unit `"tree"`; losses are log-losses. `best_step` is the number of rounds
    /// kept.
    pub history: History,
    /// Seconds of each round; `images` counts rows times rounds.
    pub timing: FitTiming,
}

/// Grows `config.trees` trees of each class on `training`, watching `validation`.
///
/// The same seed, settings and data give the same model text, whatever the number of threads and whether or not the fit
/// was interrupted and continued from its checkpoint.
///
/// # Errors
/// For impossible settings, a dataset with other bins, early stopping without a validation set, when cancelled, and
/// when the library fails.
pub fn train(
    config: &BoosterConfig,
    training: &Dataset,
    validation: Option<&Dataset>,
    job: &BoosterJob<'_>,
) -> Result<BoosterFit, BoostingError> {
    config.check()?;
    let job = &BoosterJob { threads: config.threads(job.threads), ..*job };
    if training.max_bin() != config.max_bin {
        return Err(BoostingError::Bins { dataset: training.max_bin(), config: config.max_bin });
    }
    if validation.is_some_and(|validation| !validation.shares_bins_with(training)) {
        return Err(BoostingError::Unaligned);
    }
    if validation.is_none() && config.early_stopping_rounds > 0 {
        return Err(BoostingError::NoValidation);
    }
    let checkpoint = job.checkpoint.filter(|_| !config.draws_samples());
    let fit = checkpoint.map(|_| fingerprint(config, job.seed, training, validation)).unwrap_or_default();
    let resumed = checkpoint.and_then(|checkpoint| {
        checkpoint.read(&fit).unwrap_or_else(|problem| {
            job.progress.message(&format!(
                "{}: starting over, {} is not used: {problem}",
                job.name,
                checkpoint.path.display()
            ));
            None
        })
    });
    Fit { config, training, validation, job, checkpoint, fit }.run(resumed)
}

struct Fit<'a> {
    config: &'a BoosterConfig,
    training: &'a Dataset,
    validation: Option<&'a Dataset>,
    job: &'a BoosterJob<'a>,
    checkpoint: Option<Checkpoint<'a>>,
    fit: String,
}

impl Fit<'_> {
    fn run(&self, resumed: Option<Resumed>) -> Result<BoosterFit, BoostingError> {
        let (earlier, mut history, mut timing) = match resumed {
            Some(resumed) => (Some(resumed.model), resumed.history, resumed.timing),
            None => (None, History { unit: "tree".into(), ..History::default() }, FitTiming::default()),
        };
        let first = earlier.as_ref().map_or(0, ModelText::rounds);
        let seconds_before = timing.seconds;
        let start = Instant::now();
        let task = self.job.progress.task(self.job.name, u64::from(self.config.trees), "trees");
        task.advance(u64::from(first));

        // A continued fit starts from the scores of the earlier trees, set on copies: the datasets may serve other fits
        // meanwhile.
        let copies = match &earlier {
            Some(model) => {
                let scores = self.sets().map(|set| {
                    set.map(|set| model.forest().scores(Images::from_images(set.images().copied()).as_slice()))
                });
                let threads = Threads::enter(self.job.threads);
                let mut copies = self.sets().into_iter().zip(scores).map(|(set, scores)| set.zip(scores));
                let mut next =
                    || copies.next().flatten().map(|(set, scores)| set.starting_from(&scores, &threads)).transpose();
                (next()?, next()?)
            }
            None => (None, None),
        };
        let training = copies.0.as_ref().unwrap_or(self.training.handle());
        let validation = copies.1.as_ref().or(self.validation.map(Dataset::handle));
        let parameters = self.config.training_parameters(self.job.seed);
        let mut booster = BoosterHandle::new(&Threads::enter(self.job.threads), training, validation, &parameters)?;

        let mut done = first;
        let mut ended = history.points.iter().any(|point| self.show(point).is_break());
        while done < self.config.trees && !self.should_stop(&history, done) {
            if ended || self.job.cancel.is_cancelled() {
                if let Some(checkpoint) = self.checkpoint.filter(|_| done > first) {
                    let model =
                        joined(booster.text(&Threads::enter(self.job.threads), done - first)?, earlier.as_ref())?;
                    timing.seconds = seconds_before + start.elapsed().as_secs_f64();
                    checkpoint.write(&self.fit, &model, &history, &timing)?;
                }
                return Err(BoostingError::Cancelled { trees: done });
            }
            let round = Instant::now();
            let threads = Threads::enter(self.job.threads);
            if !booster.update(&threads)? {
                // Nothing is left to split. A first round without a split is kept: it holds the share of each class.
                if done == 0 {
                    done = 1;
                    history.points.push(self.evaluate(&mut booster, &threads, 1)?);
                }
                break;
            }
            done += 1;
            if done.is_multiple_of(self.config.evaluate_every) || done == self.config.trees {
                let point = self.evaluate(&mut booster, &threads, done)?;
                if let Some(accuracy) = point.validation_accuracy {
                    task.note(&format!("validation {:.2} %", 100.0 * accuracy));
                }
                history.points.push(point);
                ended = self.show(&point).is_break();
            }
            timing.step_seconds.push(round.elapsed().as_secs_f64());
            timing.images += self.training.len() as u64;
            timing.seconds = seconds_before + start.elapsed().as_secs_f64();
            let due = self
                .checkpoint
                .filter(|checkpoint| done < self.config.trees && done.is_multiple_of(checkpoint.every.max(1)));
            if let Some(checkpoint) = due {
                let model = joined(booster.text(&threads, done - first)?, earlier.as_ref())?;
                drop(threads);
                checkpoint.write(&self.fit, &model, &history, &timing)?;
            }
            task.advance(1);
        }

        let kept =
            if self.config.early_stopping_rounds > 0 { best(&history).map_or(done, |point| point.step) } else { done };
        history.best_step = Some(kept);
        let text =
            if done > first { Some(booster.text(&Threads::enter(self.job.threads), done - first)?) } else { None };
        let model = match (text, earlier) {
            (Some(text), earlier) => joined(text, earlier.as_ref())?,
            (None, Some(earlier)) => earlier,
            (None, None) => joined(booster.text(&Threads::enter(self.job.threads), done)?, None)?,
        };
        timing.seconds = seconds_before + start.elapsed().as_secs_f64();
        Ok(BoosterFit { booster: TrainedBooster::new(&model.first_rounds(kept)), history, timing })
    }

    fn sets(&self) -> [Option<&Dataset>; 2] {
        [Some(self.training), self.validation]
    }

    fn show(&self, point: &HistoryPoint) -> ControlFlow<()> {
        self.job.observe.map_or(ControlFlow::Continue(()), |observe| observe(point))
    }

    fn should_stop(&self, history: &History, done: u32) -> bool {
        let patience = self.config.early_stopping_rounds;
        patience > 0 && best(history).is_some_and(|best| done - best.step >= patience)
    }

    fn evaluate(
        &self,
        booster: &mut BoosterHandle<'_>,
        threads: &Threads,
        step: u32,
    ) -> Result<HistoryPoint, BoostingError> {
        let training = if self.config.evaluate_training { Some(booster.metrics(threads, 0)?) } else { None };
        let validation = if self.validation.is_some() { Some(booster.metrics(threads, 1)?) } else { None };
        let loss = |metrics: Option<Metrics>| metrics.map(|metrics| metrics.log_loss);
        let accuracy = |metrics: Option<Metrics>| metrics.map(|metrics| 1.0 - metrics.error);
        Ok(HistoryPoint {
            step,
            train_loss: loss(training),
            train_accuracy: accuracy(training),
            validation_loss: loss(validation),
            validation_accuracy: accuracy(validation),
            learning_rate: Some(self.config.learning_rate),
        })
    }
}

/// The evaluated round with the least validation loss, the first of equals.
fn best(history: &History) -> Option<&HistoryPoint> {
    history.points.iter().filter(|point| point.validation_loss.is_some()).min_by(|a, b| {
        let loss = |point: &HistoryPoint| point.validation_loss.unwrap_or(f64::INFINITY);
        loss(a).total_cmp(&loss(b))
    })
}

/// The library's text, behind the trees of an earlier part of the fit.
fn joined(text: String, earlier: Option<&ModelText>) -> Result<ModelText, BoostingError> {
    let model = ModelText::parse(text.as_bytes())?;
    Ok(match earlier {
        Some(earlier) => model.after(earlier),
        None => model,
    })
}
