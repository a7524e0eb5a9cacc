//! The training loop.
//!
//! The library's own loop cannot be interrupted and does not report its best round, so the loop is here: one round at a
//! time, then evaluation, early stopping, progress, checkpoints and the poll of the request to stop.

use std::{ops::ControlFlow, time::Instant};

use super::{
    booster::TrainedBooster,
    checkpoint::{Checkpoint, Resumed, fingerprint},
    config::BoosterConfig,
    dataset::Dataset,
    error::BoostingError,
    ffi::{BoosterHandle, Metrics, Threads},
    model_text::ModelText,
};
use crate::{
    data::Images,
    fit::{FitContext, FitTiming, History, HistoryPoint},
};

/// Boosting rounds from one checkpoint to the next.
const CHECKPOINT_EVERY: u32 = 25;

/// Fitted booster with its history and timing.
#[derive(Clone, Debug)]
pub struct BoosterFit {
    /// The model.
    pub booster: TrainedBooster,
    /// One point for each evaluated round, unit `"tree"`; losses are log-losses. `best_step` is the number of rounds of
    /// the model.
    pub history: History,
    /// Wall time of the fit and of each round; `images` counts rows times rounds.
    pub timing: FitTiming,
}

/// Grows `config.trees` trees of each class on `training`, evaluated on `validation`.
///
/// The same seed, settings and data give the same model text, whatever the number of threads and whether or not the fit
/// was interrupted and resumed from its checkpoint. Fits with the same number of threads run side by side; fits with
/// different numbers take turns, round by round. The checkpoint takes no effect when [`BoosterConfig::draws_samples`]:
/// such a fit cannot be resumed.
///
/// # Errors
/// For impossible settings, a dataset with other bins, early stopping without a validation set, when cancelled, and
/// when the library fails.
pub fn train(
    config: &BoosterConfig,
    training: &Dataset,
    validation: Option<&Dataset>,
    context: &FitContext<'_>,
) -> Result<BoosterFit, BoostingError> {
    train_with_checkpoints(config, training, validation, context, CHECKPOINT_EVERY)
}

/// Does the work of [`train`] with a checkpoint after every `rounds` rounds, 1 or more (0 counts as 1).
///
/// # Errors
/// Returns the errors of [`train`].
pub fn train_with_checkpoints(
    config: &BoosterConfig,
    training: &Dataset,
    validation: Option<&Dataset>,
    context: &FitContext<'_>,
    rounds: u32,
) -> Result<BoosterFit, BoostingError> {
    config.check()?;
    let context = &context.with_threads(config.threads(context.threads));
    if training.max_bin() != config.max_bin {
        return Err(BoostingError::Bins { dataset: training.max_bin(), config: config.max_bin });
    }
    if validation.is_some_and(|validation| !validation.shares_bins_with(training)) {
        return Err(BoostingError::Unaligned);
    }
    if validation.is_none() && config.early_stopping_rounds > 0 {
        return Err(BoostingError::NoValidation);
    }
    let checkpoint = context.checkpoint.filter(|_| !config.draws_samples());
    let checkpoint = checkpoint.map(|path| Checkpoint { path, every: rounds.max(1) });
    let fit = checkpoint.map(|_| fingerprint(config, context.seed, training, validation)).unwrap_or_default();
    let resumed = checkpoint.and_then(|checkpoint| {
        checkpoint.read(&fit).unwrap_or_else(|problem| {
            context.progress.message(&format!(
                "{}: starting over, {} is not used: {problem}",
                context.label,
                checkpoint.path.display()
            ));
            None
        })
    });
    Fit { config, training, validation, context, checkpoint, fit }.run(resumed)
}

struct Fit<'a> {
    config: &'a BoosterConfig,
    training: &'a Dataset,
    validation: Option<&'a Dataset>,
    context: &'a FitContext<'a>,
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
        let task = self.context.progress.task(self.context.label, u64::from(self.config.trees), "trees");
        task.advance(u64::from(first));

        // A resumed fit starts from the scores of the earlier trees, set on copies: other fits may use the datasets at
        // the same time.
        let copies = match &earlier {
            Some(model) => {
                let scores = self.sets().map(|set| {
                    set.map(|set| model.forest().scores(Images::from_images(set.images().copied()).as_slice()))
                });
                let threads = Threads::enter(self.context.threads);
                let mut copies = self.sets().into_iter().zip(scores).map(|(set, scores)| set.zip(scores));
                let mut next =
                    || copies.next().flatten().map(|(set, scores)| set.starting_from(&scores, &threads)).transpose();
                (next()?, next()?)
            }
            None => (None, None),
        };
        let training = copies.0.as_ref().unwrap_or(self.training.handle());
        let validation = copies.1.as_ref().or(self.validation.map(Dataset::handle));
        let parameters = self.config.training_parameters(self.context.seed);
        let mut booster = BoosterHandle::new(&Threads::enter(self.context.threads), training, validation, &parameters)?;

        let mut done = first;
        let mut ended = history.points.iter().any(|point| self.show(point).is_break());
        while done < self.config.trees && !self.should_stop(&history, done) {
            if ended || self.context.cancel.is_cancelled() {
                if let Some(checkpoint) = self.checkpoint.filter(|_| done > first) {
                    let model =
                        joined(booster.text(&Threads::enter(self.context.threads), done - first)?, earlier.as_ref())?;
                    timing.seconds = seconds_before + start.elapsed().as_secs_f64();
                    checkpoint.write(&self.fit, &model, &history, &timing)?;
                }
                return Err(BoostingError::Cancelled { trees: done });
            }
            let round = Instant::now();
            let threads = Threads::enter(self.context.threads);
            if !booster.update(&threads)? {
                // No node can be split. A first round without a split is kept: it holds the frequency of each class.
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
            let due =
                self.checkpoint.filter(|checkpoint| done < self.config.trees && done.is_multiple_of(checkpoint.every));
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
            if done > first { Some(booster.text(&Threads::enter(self.context.threads), done - first)?) } else { None };
        let model = match (text, earlier) {
            (Some(text), earlier) => joined(text, earlier.as_ref())?,
            (None, Some(earlier)) => earlier,
            (None, None) => joined(booster.text(&Threads::enter(self.context.threads), done)?, None)?,
        };
        timing.seconds = seconds_before + start.elapsed().as_secs_f64();
        Ok(BoosterFit { booster: TrainedBooster::new(&model.first_rounds(kept)), history, timing })
    }

    fn sets(&self) -> [Option<&Dataset>; 2] {
        [Some(self.training), self.validation]
    }

    fn show(&self, point: &HistoryPoint) -> ControlFlow<()> {
        self.context.observe.map_or(ControlFlow::Continue(()), |observe| observe(point))
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

/// Evaluated round with the least validation loss, the first of equals.
fn best(history: &History) -> Option<&HistoryPoint> {
    history.points.iter().filter(|point| point.validation_loss.is_some()).min_by(|a, b| {
        let loss = |point: &HistoryPoint| point.validation_loss.unwrap_or(f64::INFINITY);
        loss(a).total_cmp(&loss(b))
    })
}

/// The library's text after the trees of an earlier part of the fit.
fn joined(text: String, earlier: Option<&ModelText>) -> Result<ModelText, BoostingError> {
    let model = ModelText::parse(text.as_bytes())?;
    Ok(match earlier {
        Some(earlier) => model.after(earlier),
        None => model,
    })
}
