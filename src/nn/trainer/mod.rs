//! The one training loop, for every net.
//!
//! What it promises: on the CPU the result is the same bit for bit for the same settings, seed, images and build,
//! whatever the number of threads and whether or not the training was interrupted and resumed; a crash loses at most
//! the epoch under way.
//!
//! It is its own loop rather than burn-train's `Learner`, whose checkpoint is three files that are not replaced
//! together and that hold neither the order of the images nor the random state, whose optimizer comes back on the
//! process's default device, and whose metrics read the loss from the device at every step; none of this fits the
//! promise above. Its early stopping hangs on those metrics and its schedulers keep a state that must be saved: both
//! are functions of the history and the step here. Its terminal dashboard shows one training and takes the whole
//! terminal, while a run trains several folds at once: progress goes to [`Progress`] instead.

mod augment;
mod average;
mod batches;
mod checkpoint;
mod config;
mod meter;
mod standing;
mod supply;

use std::{ops::ControlFlow, thread, time::Instant};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

pub use augment::Augment;
pub use config::{EarlyStopping, Monitor, TrainingConfig};

use batches::EpochBatches;
use checkpoint::{Checkpoint, fingerprint};
use meter::Meter;
use standing::Standing;
use supply::Supply;

use super::{Film, Network, NetworkConfig, NnError, TrainedNet, Updater, trained::PREDICTION_BATCH, weights::Weights};
use crate::{
    data::{Digits, FieldError, Images},
    fit::{FitContext, FitTiming, History, HistoryPoint, TracePoint},
    progress::Task,
};

/// Steps between two readings of the running loss, which stop the host until the device is done.
const READING: usize = 100;

/// Threads that prepare batches ahead of a device other than the CPU.
const DEVICE_FEEDERS: usize = 4;

/// Trains a net on `train`, by the validation images' figures if there are any, and returns the net of the last or best
/// epoch.
///
/// Runs on the caller's rayon pool if the device is the CPU.
///
/// # Errors
/// An impossible setting, no images, a setting that needs validation images without any, divergence, cancellation, a
/// checkpoint that cannot be written, a device that fails. A checkpoint that cannot be *used* is reported to `progress`
/// and training starts over.
pub fn train(
    network: &NetworkConfig,
    training: &TrainingConfig,
    train: &Digits,
    validation: Option<&Digits>,
    augment: Option<&dyn Augment>,
    context: &FitContext<'_>,
) -> Result<TrainedNet, NnError> {
    training.check()?;
    training.check_loss(network)?;
    check_digits(training, train, validation, context)?;
    let fingerprint = fingerprint(network, training, train, validation, augment.is_some(), context);
    let mut run = Run::begin(network, training, &train.images, context, &fingerprint)?;
    let task = context.progress.task(context.label, u64::from(training.epochs) * train.len() as u64, "images");
    task.advance(run.timing.images);
    for point in run.history.points.clone() {
        run.show(&point)?;
    }
    let supply = Supply::new(train, training.targets(), augment, context.device);
    let validation = validation.map(|digits| Supply::new(digits, training.validation_targets(), None, context.device));
    while !run.is_finished() {
        let start = Instant::now();
        let epoch = run.epochs_done() + 1;
        let seed = context.seed.derive("epoch").index(u64::from(epoch));
        let batches = supply.shuffled(training.batch_size, seed);
        let point = run.epoch(epoch, &supply, &batches, validation.as_ref(), task.as_ref())?;
        run.timing.step_seconds.push(start.elapsed().as_secs_f64());
        run.timing.seconds += start.elapsed().as_secs_f64();
        run.timing.images += train.len() as u64;
        let accuracy = point
            .validation_accuracy
            .map_or(String::new(), |accuracy| format!(", validation {:.2} %", accuracy * 100.0));
        task.note(&format!("epoch {epoch}, loss {:.4}{accuracy}", point.train_loss.unwrap_or_default()));
        if let Some(path) = context.checkpoint {
            run.checkpoint()?.save(path, &fingerprint)?;
        }
        run.show(&point)?;
    }
    let steps = train.len().div_ceil(training.batch_size) as u64;
    run.film.end(&run.network, u64::from(run.epochs_done()) * steps)?;
    run.finish()
}

/// Threads that prepare batches ahead; with 0, each batch is prepared when its turn comes. Changes nothing but the speed.
fn feeders(context: &FitContext) -> usize {
    if context.device.is_cpu() { context.threads.saturating_sub(1) } else { DEVICE_FEEDERS }
}

fn check_digits(
    training: &TrainingConfig,
    train: &Digits,
    validation: Option<&Digits>,
    context: &FitContext,
) -> Result<(), NnError> {
    let empty =
        |what: &str| NnError::Digits { name: context.label.to_owned(), problem: format!("there are no {what} images") };
    if train.is_empty() {
        return Err(empty("training"));
    }
    match validation {
        Some(validation) if validation.is_empty() => Err(empty("validation")),
        None if training.keep_best_epoch => {
            Err(FieldError::new("keep_best_epoch", "needs validation images, there are none").into())
        }
        None if training.early_stopping.is_some() => {
            Err(FieldError::new("early_stopping", "needs validation images, there are none").into())
        }
        _ => Ok(()),
    }
}

/// A training under way.
struct Run<'a> {
    config: &'a NetworkConfig,
    training: &'a TrainingConfig,
    context: &'a FitContext<'a>,
    device: Device,
    network: Network,
    updater: Updater,
    average: Option<Network>,
    best: Option<Weights>,
    film: Film,
    history: History,
    timing: FitTiming,
}

impl<'a> Run<'a> {
    /// From the checkpoint if it is this training's, otherwise from new weights.
    fn begin(
        config: &'a NetworkConfig,
        training: &'a TrainingConfig,
        images: &Images,
        context: &'a FitContext<'a>,
        fingerprint: &str,
    ) -> Result<Self, NnError> {
        let device = context.device.training();
        let mut network = Network::new(config, context.seed.derive("weights"), &device)?;
        network.fit_input(images);
        let average = training.weight_average.map(|_| network.valid());
        let updater = Updater::new(&training.optimizer);
        let history = History { unit: String::from("epoch"), ..History::default() };
        let (film, timing) = (Film::default(), FitTiming::default());
        let fresh =
            Self { config, training, context, device, network, updater, average, best: None, film, history, timing };
        let Some(path) = context.checkpoint else { return Ok(fresh) };
        let resumed = Checkpoint::load(path, fingerprint)
            .and_then(|found| found.map(|checkpoint| fresh.resumed(checkpoint)).transpose());
        match resumed {
            Ok(Some(run)) => Ok(run),
            Ok(None) => Ok(fresh),
            Err(problem) => {
                context.progress.message(&format!(
                    "{}: the checkpoint {} {problem}; training starts over",
                    context.label,
                    path.display()
                ));
                Ok(fresh)
            }
        }
    }

    /// The same run where the checkpoint left it, or what does not fit.
    fn resumed(&self, checkpoint: Checkpoint) -> Result<Self, String> {
        let network = checkpoint.weights.put_into(self.network.clone())?;
        let average = match (&self.average, checkpoint.average) {
            (Some(average), Some(weights)) => Some(weights.put_into(average.clone())?),
            (None, None) => None,
            _ => return Err(String::from("disagrees about averaged weights")),
        };
        let updater = Updater::restore(&self.training.optimizer, checkpoint.optimizer, self.context.device.device())
            .ok_or("lacks a part of the optimizer's state")?;
        Ok(Self {
            config: self.config,
            training: self.training,
            context: self.context,
            device: self.device.clone(),
            network,
            updater,
            average,
            best: checkpoint.best,
            film: checkpoint.film,
            history: checkpoint.history,
            timing: checkpoint.timing,
        })
    }

    /// Shows a point to who observes; an end asked for before the last epoch cancels the training.
    fn show(&self, point: &HistoryPoint) -> Result<(), NnError> {
        let flow = self.context.observe.map_or(ControlFlow::Continue(()), |observe| observe(point));
        if flow.is_break() && !self.is_finished() {
            return Err(NnError::Cancelled { name: self.context.label.to_owned(), epochs: self.epochs_done() });
        }
        Ok(())
    }

    fn epochs_done(&self) -> u32 {
        self.history.points.last().map_or(0, |point| point.step)
    }

    fn standing(&self) -> Standing {
        let least = self.training.early_stopping.map_or(0.0, |stopping| stopping.minimum_improvement);
        Standing::of(&self.history.points, self.training.monitor, least)
    }

    fn is_finished(&self) -> bool {
        let stopped = self
            .training
            .early_stopping
            .is_some_and(|stopping| self.standing().without_improvement >= stopping.patience);
        stopped || self.epochs_done() >= self.training.epochs
    }

    /// Trains for one epoch and validates; adds the point to the history.
    fn epoch(
        &mut self,
        epoch: u32,
        supply: &Supply,
        batches: &EpochBatches,
        validation: Option<&Supply>,
        task: &dyn Task,
    ) -> Result<HistoryPoint, NnError> {
        let (name, done, steps) = (self.context.label, self.epochs_done(), batches.len() as u64);
        let finite = |loss: f64| {
            if loss.is_finite() { Ok(()) } else { Err(NnError::Diverged { name: name.to_owned(), epoch, loss }) }
        };
        let mut meter = Meter::default();
        let mut learning_rate = 0.0;
        if epoch == 1 {
            self.film_iteration(0, steps)?;
        }
        thread::scope(|scope| {
            let feeders = feeders(self.context);
            let mut feed = batches.feed(scope, feeders);
            for index in 0..batches.len() {
                let asked = Instant::now();
                let Some(batch) = feed.next() else { break };
                let spent =
                    if feeders == 0 { &mut self.timing.preparing_seconds } else { &mut self.timing.waiting_seconds };
                *spent += asked.elapsed().as_secs_f64();
                if self.context.cancel.is_cancelled() {
                    return Err(NnError::Cancelled { name: name.to_owned(), epochs: done });
                }
                let step = u64::from(done) * steps + index as u64;
                learning_rate = self.training.optimizer.learning_rate()
                    * self.training.schedule.factor(step, steps, self.training.epochs);
                let size = batch.images();
                let (images, targets) = supply.tensors(batch);
                self.step(images, targets, learning_rate, step, &mut meter);
                task.advance(size as u64);
                self.film_iteration(step + 1, steps)?;
                let trace = u64::from(self.training.trace);
                if trace > 0 && ((step + 1).is_multiple_of(trace) || index + 1 == batches.len()) {
                    let (loss, accuracy) = meter.lap()?;
                    finite(loss)?;
                    self.history.trace.push(TracePoint { iteration: step + 1, loss, accuracy });
                }
                if (index + 1) % READING == 0 {
                    let (loss, accuracy) = meter.read()?;
                    finite(loss)?;
                    task.note(&format!("epoch {epoch}, loss {loss:.4}, {:.2} %", accuracy * 100.0));
                }
            }
            Ok(())
        })?;
        let (train_loss, train_accuracy) = meter.read()?;
        finite(train_loss)?;
        let judged = self.judged();
        let (mut validation_loss, mut validation_accuracy) = (None, None);
        if let Some(validation) = validation {
            let (loss, accuracy) = self.validate(&judged, validation)?;
            finite(loss)?;
            (validation_loss, validation_accuracy) = (Some(loss), Some(accuracy));
        }
        let point = HistoryPoint {
            step: epoch,
            train_loss: Some(train_loss),
            train_accuracy: Some(train_accuracy),
            validation_loss,
            validation_accuracy,
            learning_rate: Some(learning_rate),
        };
        self.history.points.push(point);
        if self.training.keep_best_epoch && self.standing().best == Some(epoch) {
            self.best = Some(Weights::of(&judged)?);
        }
        Ok(point)
    }

    /// One step on `images`, `[batch, 1, 28, 28]`, and `targets`, `[batch, 10]`, both without autodiff. Waits for
    /// nothing.
    fn step(&mut self, images: Tensor<4>, targets: Tensor<2>, learning_rate: f64, step: u64, meter: &mut Meter) {
        let outputs =
            self.network.forward_training(Tensor::from_inner(images), self.context.seed.derive("dropout").index(step));
        let loss =
            self.training.loss.forward(outputs.clone(), Tensor::from_inner(targets.clone()), self.config.output());
        meter.add(outputs.inner(), targets, loss.clone().inner());
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.updater.step(learning_rate, self.network.clone(), gradients);
        if let (Some(kept), Some(average)) = (self.training.weight_average, self.average.take()) {
            self.average = Some(average::fold_in(average, &self.network, kept, step));
        }
    }

    /// Takes a picture of the filters if it is time for one.
    fn film_iteration(&mut self, iteration: u64, steps_per_epoch: u64) -> Result<(), NnError> {
        let iterations = steps_per_epoch * u64::from(self.training.epochs);
        self.film.watch(&self.network, iteration, iterations, self.training.film)
    }

    /// The net that is validated, kept and returned, without autodiff.
    fn judged(&self) -> Network {
        self.average.clone().unwrap_or_else(|| self.network.valid())
    }

    /// Mean loss and accuracy.
    fn validate(&self, network: &Network, supply: &Supply) -> Result<(f64, f64), NnError> {
        let batches = supply.in_order(PREDICTION_BATCH);
        let mut meter = Meter::default();
        for index in 0..batches.len() {
            let (images, targets) = supply.tensors(batches.prepare(index));
            let outputs = network.forward(images);
            let loss = self.training.loss.forward(outputs.clone(), targets.clone(), self.config.output());
            meter.add(outputs, targets, loss);
        }
        meter.read()
    }

    fn checkpoint(&self) -> Result<Checkpoint, NnError> {
        Ok(Checkpoint {
            history: self.history.clone(),
            timing: self.timing.clone(),
            weights: Weights::of(&self.network)?,
            optimizer: self.updater.state(),
            average: self.average.as_ref().map(Weights::of).transpose()?,
            best: self.best.clone(),
            film: self.film.clone(),
        })
    }

    fn finish(mut self) -> Result<TrainedNet, NnError> {
        let mut network = self.judged();
        if let Some(best) = self.best.take() {
            self.history.best_step = self.standing().best;
            network = best.put_into(network).map_err(NnError::Execution)?;
        }
        Ok(TrainedNet::new(network, self.config.clone(), self.history, self.timing, self.context.device)
            .with_film(self.film))
    }
}
