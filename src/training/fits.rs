//! The fits of a run: each member on each fold, once more on everything if the finished stack uses refitted models, or
//! one member with a hold-out.
//!
//! A fit is a *part* of the directory: its model, its course, its duration, and its predictions for the digits that it
//! held out. A part that is complete is never fitted again, so that an interrupted run continues where it stopped; a
//! net continues from its last finished epoch.

use std::{ops::ControlFlow, path::Path, time::Instant};

use crate::{
    artifact::{
        RunFailure, decode_predictions, encode_predictions,
        layout::{Fit, HELD_OUT, HISTORY, TIMING, TrainingPart},
    },
    config::RunConfig,
    data::{Digits, Folds, Probabilities, Split, stratified_group_folds, stratified_group_hold_out},
    fit::{FitContext, FitTiming, History, HistoryPoint, Job, JobContext, LiveEvents, OnDivergence},
    learners::{Classifier, Fitted},
    seed::Seed,
    stacking::{self, Validation},
    storage::RunDirectory,
};

/// Division of the training digits.
pub(super) enum Division {
    /// Folds of a stack.
    Folds(Folds),
    /// Hold-out of a single member.
    HoldOut(Split),
}

impl Division {
    /// Divides the training digits for the fits of a run.
    ///
    /// # Errors
    /// If a class has too few groups of images.
    pub(super) fn of(fits: &[Fit], config: &RunConfig, digits: &Digits) -> Result<Self, RunFailure> {
        let (labels, groups) = (&digits.labels, &digits.groups);
        match fits {
            [fit @ Fit { part: TrainingPart::WithoutHoldOut, .. }] => {
                let seed = fit.seed(config).derive("validation");
                let split = stratified_group_hold_out(labels, groups, config.hold_out.validation, seed)?;
                Ok(Self::HoldOut(split))
            }
            _ => {
                let seed = Seed(config.experiment.seed).derive("folds");
                Ok(Self::Folds(stratified_group_folds(labels, groups, config.experiment.stacking.folds, seed)?))
            }
        }
    }

    /// Digits that a fit uses, and those that it holds out.
    fn digits_of(&self, part: TrainingPart, digits: &Digits) -> (Digits, Option<Digits>) {
        match (self, part) {
            (Self::Folds(folds), TrainingPart::WithoutFold(fold)) => {
                let held_out = digits.select(&folds.validation_indices(fold));
                (digits.select(&folds.train_indices(fold)), Some(held_out))
            }
            (Self::HoldOut(split), TrainingPart::WithoutHoldOut) => {
                (digits.select(&split.train), Some(digits.select(&split.validation)))
            }
            _ => (digits.clone(), None),
        }
    }

    /// Digits that any model was trained on: all but a hold-out.
    pub(super) fn training_digits(&self, digits: &Digits) -> Digits {
        match self {
            Self::Folds(_) => digits.clone(),
            Self::HoldOut(split) => digits.select(&split.train),
        }
    }

    /// Digits that some model held out, with each member's predictions for them by models that did not see them.
    ///
    /// # Errors
    /// If a fold's predictions are missing.
    pub(super) fn held_out(
        &self,
        digits: &Digits,
        members: usize,
        results: &[FitResult],
    ) -> Result<(Digits, Vec<Probabilities>), RunFailure> {
        match self {
            Self::Folds(folds) => {
                let member = |member: usize| {
                    let parts: Vec<(Vec<usize>, &Probabilities)> = results
                        .iter()
                        .filter_map(|result| match result.fit.part {
                            TrainingPart::WithoutFold(fold) if result.fit.member == member => {
                                Some((folds.validation_indices(fold), result.held_out.as_ref()?))
                            }
                            _ => None,
                        })
                        .collect();
                    stacking::assemble_out_of_fold(digits.len(), &parts)
                };
                Ok((digits.clone(), (0..members).map(member).collect::<Result<_, _>>()?))
            }
            Self::HoldOut(split) => {
                let rows = results.iter().filter_map(|result| result.held_out.clone()).collect();
                Ok((digits.select(&split.validation), rows))
            }
        }
    }
}

/// A finished fit.
pub(super) struct FitResult {
    pub(super) fit: Fit,
    pub(super) timing: FitTiming,
    /// Predictions for the digits that it held out; none if it used all.
    pub(super) held_out: Option<Probabilities>,
}

/// Inputs of every fit of a run.
pub(super) struct Fitting<'a> {
    pub(super) config: &'a RunConfig,
    /// Preprocessed training digits.
    pub(super) digits: &'a Digits,
    pub(super) division: &'a Division,
    /// Model that takes the place of the only fit's, if it was imported.
    pub(super) imported: Option<&'a dyn Classifier>,
    pub(super) directory: &'a RunDirectory,
    pub(super) context: &'a FitContext<'a>,
}

impl Fitting<'_> {
    /// Does every fit that is not done yet; returns all of them in order.
    ///
    /// # Errors
    /// The first fit that fails, or a part that cannot be read or written.
    pub(super) fn fit_all(&self, fits: &[Fit]) -> Result<Vec<FitResult>, RunFailure> {
        let members = &self.config.experiment.members;
        let job = |&fit: &Fit| Job {
            name: fit.label(self.config),
            cost: members[fit.member].cost(self.digits.len()),
            input: fit,
        };
        let jobs = fits.iter().map(job).collect();
        let on_device = |fit: &Fit| members[fit.member].runs_on_device();
        stacking::run_fits(jobs, on_device, None, self.context, |fit: &Fit, job: &JobContext| self.fit(*fit, job))
    }

    fn fit(&self, fit: Fit, job: &JobContext) -> Result<FitResult, RunFailure> {
        let folder = fit.folder(self.config);
        if let Some(part) = self.directory.part_if_complete(&folder, self.context.progress)? {
            let decode = || Ok::<_, RunFailure>(decode_predictions(&part.read(HELD_OUT)?)?);
            let held_out = (fit.part != TrainingPart::All).then(decode).transpose()?;
            let timing = part.read_json(TIMING)?;
            record_finished(fit, self.config, &part.read_json(HISTORY)?, &timing, self.context);
            return Ok(FitResult { fit, timing, held_out });
        }
        let (train, held_out) = self.division.digits_of(fit.part, self.digits);
        let checkpoint = self.directory.scratch_file(&folder)?;
        let (trained, history, timing, rows);
        match self.imported {
            Some(imported) => {
                rows = held_out.map(|held_out| imported.predict_proba(&held_out.images)).transpose()?;
                (history, timing) = (History { unit: "epoch".to_owned(), ..History::default() }, FitTiming::default());
                trained = None;
            }
            None => {
                let fitted;
                (fitted, rows) = self.train(fit, &checkpoint, train, held_out.as_ref(), job)?;
                (history, timing) = (fitted.history, fitted.timing);
                trained = Some(fitted.classifier);
            }
        }
        let part = self.directory.begin_part(&folder)?;
        if let Some(model) = trained.as_deref().or(self.imported) {
            model.save(part.folder())?;
        }
        part.write_json(HISTORY, &history)?;
        part.write_json(TIMING, &timing)?;
        if let Some(rows) = &rows {
            part.write(HELD_OUT, &encode_predictions(rows)?)?;
        }
        part.commit()?;
        let _ = std::fs::remove_file(&checkpoint);
        Ok(FitResult { fit, timing, held_out: rows })
    }

    fn train(
        &self,
        fit: Fit,
        checkpoint: &Path,
        train: Digits,
        held_out: Option<&Digits>,
        job: &JobContext,
    ) -> Result<(Fitted, Option<Probabilities>), RunFailure> {
        let (label, seed) = (fit.label(self.config), fit.seed(self.config));
        let context =
            self.context.in_job(job).seeded(seed.derive("fit")).labelled(&label).checkpointed(Some(checkpoint));
        // A stack does without a poor member; a single model that diverged is of no use.
        let (validation, on_divergence) = match fit.part {
            TrainingPart::WithoutHoldOut => (Validation::HeldOut, OnDivergence::Fail),
            _ => {
                let watched = self.config.experiment.stacking.watched_images;
                (Validation::Sample(watched), OnDivergence::KeepLastFinite)
            }
        };
        let context = context.on_divergence(on_divergence);
        let name = fit.name(self.config);
        let events = context.events.map(|folder| LiveEvents::begin(folder, &name, &label, context.progress));
        let observe = |point: &HistoryPoint| {
            events.iter().for_each(|events| events.point(point));
            ControlFlow::Continue(())
        };
        let context = context.observed(events.is_some().then_some(&observe));
        let learner = self.config.experiment.members[fit.member].as_ref();
        let started = Instant::now();
        let (fitted, rows) =
            stacking::fit_and_predict::<RunFailure>(learner, train, held_out, validation, seed, &context)?;
        events.iter().for_each(|events| events.finish(&fitted.history));
        let FitTiming { seconds, waiting_seconds, preparing_seconds, .. } = fitted.timing;
        let share = |part: f64, doing: &str| match part > 0.0 {
            true => format!(", {:.1} % of it {doing} images", 100.0 * part / seconds),
            false => String::new(),
        };
        let (waited, prepared) = (share(waiting_seconds, "waiting for"), share(preparing_seconds, "preparing"));
        let elapsed = started.elapsed().as_secs_f64();
        self.context.progress.message(&format!("{label}: fitted in {elapsed:.1} s{waited}{prepared}"));
        Ok((fitted, rows))
    }
}

/// Writes the event file of a fit that was done before, if such files were asked for.
pub(super) fn record_finished(
    fit: Fit,
    config: &RunConfig,
    history: &History,
    timing: &FitTiming,
    context: &FitContext,
) {
    let Some(folder) = context.events else { return };
    if let Err(error) = folder.write_finished(&fit.name(config), history, timing) {
        let label = fit.label(config);
        context.progress.message(&format!("warning: {label}: no events for TensorBoard: {error}"));
    }
}

/// Identities of every fitted model, the SHA-256 of its files among them: the models that the test set is opened for.
///
/// # Errors
/// [`RunFailure::LostPart`] if one is gone.
pub(super) fn model_hashes(
    fits: &[Fit],
    config: &RunConfig,
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<Vec<String>, RunFailure> {
    let hash = |fit: &Fit| {
        let folder = fit.folder(config);
        let part = directory
            .part_if_complete(&folder, context.progress)?
            .ok_or_else(|| RunFailure::LostPart(folder.clone()))?;
        Ok(format!("{folder} {}", part.manifest().reproducible_hash()))
    };
    fits.iter().map(hash).collect()
}
