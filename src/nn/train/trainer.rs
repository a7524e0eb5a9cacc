//! The training loop of every net.
//!
//! Guarantees: on the CPU the result is bit-identical for the same settings, seed, images, build and vector level,
//! whatever the number of threads and whether or not the training was interrupted and resumed; a crash loses at most
//! the epoch in progress.
//!
//! burn-train's `Learner` cannot give them: its checkpoint is three files that are not replaced together and that hold
//! neither the order of the images nor the random state; its optimizer is restored on the process's default device; its
//! metrics read the loss from the device at every step. Its early stopping depends on those metrics and its schedulers
//! have a state that must be saved; here both are functions of the history and the step. Its terminal dashboard shows
//! one training and takes the whole terminal, while a run trains several folds at once; here progress goes to
//! [`Progress`].

use std::{ops::ControlFlow, thread, time::Instant};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

use super::{
    augment::Augment,
    average,
    batches::EpochBatches,
    checkpoint::{Checkpoint, fingerprint},
    config::TrainingConfig,
    early_stopping::BestEpoch,
    loader::DataLoader,
    meter::Meter,
    optimizer::Updater,
};
use crate::{
    data::{Digits, FieldError, Images},
    fit::{FitContext, FitTiming, History, HistoryPoint, OnDivergence, TracePoint},
    nn::{
        error::NnError,
        infer::trained::{PREDICTION_BATCH, TrainedNet},
        network::{config::NetworkConfig, filter_history::FilterHistory, net::Network, weights::Weights},
    },
    progress::Task,
};

/// Steps between two readings of the running loss; each makes the host wait for the device.
const READING: usize = 100;

/// Worker threads of the data loader of a device other than the CPU.
const DEVICE_WORKERS: usize = 4;

/// Trains a net on `train`, monitored on `validation` if given, and returns the net of the last or best epoch.
///
/// Runs on the caller's rayon pool if the device is the CPU.
///
/// # Errors
/// An invalid setting, no images, a setting that needs validation images without any, divergence (unless the context
/// asks for [`OnDivergence::KeepLastFinite`]), cancellation, a checkpoint that cannot be written, a failure of the
/// device. A checkpoint that cannot be *used* is reported to `progress`, and training starts over.
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
    let loader = DataLoader::new(train, training.targets(), augment, context.device);
    let validation =
        validation.map(|digits| DataLoader::new(digits, training.validation_targets(), None, context.device));
    while !run.is_finished() {
        let start = Instant::now();
        let epoch = run.epochs_done() + 1;
        let seed = context.seed.derive("epoch").index(u64::from(epoch));
        let batches = loader.shuffled(training.batch_size, seed);
        let before = run.epoch_start();
        let point = match (run.epoch(epoch, &loader, &batches, validation.as_ref(), task.as_ref()), before) {
            (Err(NnError::Diverged { problem, .. }), Some(before)) => {
                run.end_before(epoch, &problem, before, batches.len() as u64);
                break;
            }
            (result, _) => result?,
        };
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
    run.filter_history.record_last(&run.network, u64::from(run.epochs_done()) * steps)?;
    run.finish()
}

/// Threads that prepare batches ahead; with 0, each batch is prepared when its turn comes. Changes nothing but the
/// speed.
fn workers(context: &FitContext) -> usize {
    if context.device.is_cpu() { context.threads.saturating_sub(1) } else { DEVICE_WORKERS }
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

/// Weights before an epoch.
struct EpochStart {
    network: Network,
    average: Option<Network>,
}

/// Training in progress.
struct Run<'a> {
    config: &'a NetworkConfig,
    training: &'a TrainingConfig,
    context: &'a FitContext<'a>,
    device: Device,
    network: Network,
    updater: Updater,
    average: Option<Network>,
    best: Option<Weights>,
    filter_history: FilterHistory,
    history: History,
    timing: FitTiming,
}

impl<'a> Run<'a> {
    /// Starts from the checkpoint if it is this training's, otherwise from new weights.
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
        let (filter_history, timing) = (FilterHistory::default(), FitTiming::default());
        let fresh = Self {
            config,
            training,
            context,
            device,
            network,
            updater,
            average,
            best: None,
            filter_history,
            history,
            timing,
        };
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

    /// Restores the state of a checkpoint; returns the problem if it does not fit.
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
            filter_history: checkpoint.filter_history,
            history: checkpoint.history,
            timing: checkpoint.timing,
        })
    }

    /// Passes a point to the observer; a request to end before the last epoch cancels the training.
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

    fn best_epoch(&self) -> BestEpoch {
        let least = self.training.early_stopping.map_or(0.0, |stopping| stopping.minimum_improvement);
        BestEpoch::of(&self.history.points, self.training.monitor, least)
    }

    fn is_finished(&self) -> bool {
        let stopped = self
            .training
            .early_stopping
            .is_some_and(|stopping| self.best_epoch().without_improvement >= stopping.patience);
        stopped || self.epochs_done() >= self.training.epochs
    }

    /// The weights before an epoch, if they are to be kept should it diverge.
    fn epoch_start(&self) -> Option<EpochStart> {
        (self.context.on_divergence == OnDivergence::KeepLastFinite)
            .then(|| EpochStart { network: self.network.clone(), average: self.average.clone() })
    }

    /// Ends the training with the weights from before `epoch`, which diverged. What it recorded is dropped.
    fn end_before(&mut self, epoch: u32, problem: &str, before: EpochStart, steps_per_epoch: u64) {
        (self.network, self.average) = (before.network, before.average);
        self.history.diverged = Some(epoch);
        let iterations = u64::from(epoch - 1) * steps_per_epoch;
        self.history.trace.retain(|point| point.iteration <= iterations);
        self.filter_history.snapshots.retain(|&iteration, _| iteration <= iterations);
        let kept = match epoch {
            1 => String::from("the untrained net is kept"),
            _ => format!("the net of epoch {} is kept", epoch - 1),
        };
        self.context.progress.message(&format!(
            "WARNING: {}: {problem} in epoch {epoch}; {kept}; try a lower learning rate",
            self.context.label
        ));
    }

    /// Trains for one epoch, validates, and adds the point to the history.
    fn epoch(
        &mut self,
        epoch: u32,
        loader: &DataLoader,
        batches: &EpochBatches,
        validation: Option<&DataLoader>,
        task: &dyn Task,
    ) -> Result<HistoryPoint, NnError> {
        let (name, done, steps) = (self.context.label, self.epochs_done(), batches.len() as u64);
        let diverged = |problem: String| NnError::Diverged { name: name.to_owned(), epoch, problem };
        let finite = |loss: f64| match loss.is_finite() {
            true => Ok(()),
            false => Err(diverged(format!("the loss became {loss}"))),
        };
        let mut meter = Meter::default();
        let mut learning_rate = 0.0;
        if epoch == 1 {
            self.record_filters(0, steps)?;
        }
        thread::scope(|scope| {
            let workers = workers(self.context);
            let mut stream = batches.stream(scope, workers);
            for index in 0..batches.len() {
                let asked = Instant::now();
                let Some(batch) = stream.next() else { break };
                let spent =
                    if workers == 0 { &mut self.timing.preparing_seconds } else { &mut self.timing.waiting_seconds };
                *spent += asked.elapsed().as_secs_f64();
                if self.context.cancel.is_cancelled() {
                    return Err(NnError::Cancelled { name: name.to_owned(), epochs: done });
                }
                let step = u64::from(done) * steps + index as u64;
                learning_rate = self.training.optimizer.learning_rate()
                    * self.training.schedule.factor(step, steps, self.training.epochs);
                let size = batch.images();
                let (images, targets) = loader.tensors(batch);
                self.step(images, targets, learning_rate, step, &mut meter);
                task.advance(size as u64);
                self.record_filters(step + 1, steps)?;
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
        let network = self.evaluated_network();
        // The last step may have spoiled them after its loss.
        if !Weights::of(&network)?.are_finite() {
            return Err(diverged(String::from("a weight became NaN or infinite")));
        }
        let (mut validation_loss, mut validation_accuracy) = (None, None);
        if let Some(validation) = validation {
            let (loss, accuracy) = self.validate(&network, validation)?;
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
        if self.training.keep_best_epoch && self.best_epoch().epoch == Some(epoch) {
            self.best = Some(Weights::of(&network)?);
        }
        Ok(point)
    }

    /// Performs one step on `images`, `[batch, 1, 28, 28]`, and `targets`, `[batch, 10]`, both without autodiff. Does
    /// not wait for the device.
    fn step(&mut self, images: Tensor<4>, targets: Tensor<2>, learning_rate: f64, step: u64, meter: &mut Meter) {
        let outputs =
            self.network.forward_training(Tensor::from_inner(images), self.context.seed.derive("dropout").index(step));
        let loss =
            self.training.loss.forward(outputs.clone(), Tensor::from_inner(targets.clone()), self.config.output());
        meter.add(outputs.inner(), targets, loss.clone().inner());
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.updater.step(learning_rate, self.network.clone(), gradients);
        if let (Some(decay), Some(average)) = (self.training.weight_average, self.average.take()) {
            self.average = Some(average::update(average, &self.network, decay, step));
        }
    }

    /// Records the filters if a snapshot is due.
    fn record_filters(&mut self, iteration: u64, steps_per_epoch: u64) -> Result<(), NnError> {
        let iterations = steps_per_epoch * u64::from(self.training.epochs);
        self.filter_history.record(&self.network, iteration, iterations, self.training.filter_snapshots)
    }

    /// Returns the net that is validated and returned, without autodiff: the averaged one, if there is one.
    fn evaluated_network(&self) -> Network {
        self.average.clone().unwrap_or_else(|| self.network.valid())
    }

    /// Returns mean loss and accuracy on the validation images.
    fn validate(&self, network: &Network, loader: &DataLoader) -> Result<(f64, f64), NnError> {
        let batches = loader.in_order(PREDICTION_BATCH);
        let mut meter = Meter::default();
        for index in 0..batches.len() {
            let (images, targets) = loader.tensors(batches.load(index));
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
            filter_history: self.filter_history.clone(),
        })
    }

    fn finish(mut self) -> Result<TrainedNet, NnError> {
        let mut network = self.evaluated_network();
        if let Some(best) = self.best.take() {
            self.history.best_step = self.best_epoch().epoch;
            network = best.put_into(network).map_err(NnError::Execution)?;
        }
        Ok(TrainedNet::new(network, self.config.clone(), self.history, self.timing, self.context.device)
            .with_filter_history(self.filter_history))
    }
}
