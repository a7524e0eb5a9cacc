//! The models of a finished run, or the one of a single training: what predicts.

use std::{path::Path, sync::Arc};

use super::{RunFailure, StackPredictor, config::PrepareConfig, predictions, prepare};
use crate::{
    data::{CLASSES, DataConfig, Digits, Images, Probabilities},
    evaluation::{self, ModelKind, ModelScores, Scores},
    learners::{Classifier, LearnerError},
    nn::ChosenDevice,
    progress::{Progress, Silent, Task},
    stacking::{FeatureScale, Metafeatures, Stack},
};

/// What one model of a run thinks of many images or, with `P = [f32; 10]`, of a single one.
#[derive(Clone, Debug)]
pub struct Opinion<P = Probabilities> {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ModelKind,
    /// Ten class probabilities for each image.
    pub probabilities: P,
}

impl Opinion {
    /// Of one of the images. Panics past the end.
    pub fn of_image(&self, index: usize) -> Opinion<[f32; CLASSES]> {
        Opinion { name: self.name.clone(), kind: self.kind, probabilities: self.probabilities[index] }
    }
}

/// Members, and what combines them.
pub(super) struct Models {
    pub(super) device: ChosenDevice,
    /// What is done to every image first.
    pub(super) prepare: PrepareConfig,
    /// What the stacks see of the members' probabilities.
    pub(super) features: FeatureScale,
    /// Of the members in order, then of the stacks.
    pub(super) names: Vec<(String, ModelKind)>,
    /// The models of each member: one, or one for each fold.
    pub(super) members: Vec<Vec<Box<dyn Classifier>>>,
    /// The stack, then the ensembles; none if there is one member only.
    pub(super) stacks: Arc<[Stack]>,
}

impl Models {
    /// The place of the model to believe among [`Models::names`]: the stack, or the only one.
    pub(super) fn believed(&self) -> usize {
        if self.stacks.is_empty() { 0 } else { self.members.len() }
    }

    /// The name of the model to believe.
    pub(super) fn name(&self) -> &str {
        &self.names[self.believed()].0
    }

    /// The names of all models: members in order, then the stack, then the ensembles.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// What is done to every image first.
    pub(super) fn prepare(&self, images: &Images) -> Result<Images, RunFailure> {
        Ok(prepare::steps(&self.prepare, images)?)
    }

    /// What every model thinks of prepared images.
    pub(super) fn opinions(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<Opinion>, RunFailure> {
        let models: usize = self.members.iter().map(Vec::len).sum();
        let task = progress.task("predict", (models * images.len()) as u64, "images");
        let mut rows = self.member_rows(images, task.as_ref())?;
        if !self.stacks.is_empty() {
            let features = Metafeatures::new(&rows, self.features)?;
            for stack in self.stacks.iter() {
                rows.push(stack.predict_proba(&features)?);
            }
        }
        let named = self.names.iter().zip(rows);
        Ok(named
            .map(|((name, kind), probabilities)| Opinion { name: name.clone(), kind: *kind, probabilities })
            .collect())
    }

    /// What one model, by its place among [`Models::names`], thinks of images as they came. Only what it needs is
    /// asked.
    pub(super) fn predict_proba(&self, model: usize, images: &Images) -> Result<Probabilities, RunFailure> {
        let images = self.prepare(images)?;
        if model < self.members.len() {
            let rows = predictions::average(&self.members[model], &images, &self.device, &Silent)?;
            evaluation::check_rows(&rows)?;
            return Ok(rows);
        }
        let features = Metafeatures::new(&self.member_rows(&images, &Silent)?, self.features)?;
        Ok(self.stacks[model - self.members.len()].predict_proba(&features)?)
    }

    fn member_rows(&self, images: &Images, task: &dyn Task) -> Result<Vec<Probabilities>, LearnerError> {
        self.members.iter().map(|models| predictions::average(models, images, &self.device, task)).collect()
    }

    /// The same for one image at a time, on the CPU whatever the device.
    pub(super) fn predictor(&self) -> Result<StackPredictor, RunFailure> {
        for stack in self.stacks.iter() {
            stack.meta().check_features(self.members.len(), self.features)?;
        }
        let predictors = |models: &Vec<Box<dyn Classifier>>| models.iter().map(|model| model.predictor()).collect();
        let members = self.members.iter().map(predictors).collect::<Result<Vec<_>, LearnerError>>()?;
        let named = |(name, kind): &(String, ModelKind)| Opinion {
            name: name.clone(),
            kind: *kind,
            probabilities: [0.0; CLASSES],
        };
        let opinions = self.names.iter().map(named).collect();
        Ok(StackPredictor::new(self.prepare.recipe.compile()?, members, self.stacks.clone(), opinions))
    }

    /// Scores every model on test digits: those of a folder, or else those of `data`.
    pub(super) fn evaluate(
        &self,
        data: &DataConfig,
        folder: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<(String, Vec<ModelScores>), RunFailure> {
        let (described, Digits { images, labels, .. }) = test_digits(data, folder, progress)?;
        let scores = |opinion: Opinion| -> Result<ModelScores, RunFailure> {
            let test: Scores = evaluation::score(&opinion.probabilities, &labels)?;
            Ok(ModelScores { name: opinion.name, kind: opinion.kind, train: None, out_of_fold: None, test: Some(test) })
        };
        let models =
            self.opinions(&self.prepare(&images)?, progress)?.into_iter().map(scores).collect::<Result<_, _>>()?;
        Ok((described, models))
    }
}

/// Test digits of a folder, or else those of a configuration, with a description of where they are from.
pub(super) fn test_digits(
    data: &DataConfig,
    folder: Option<&Path>,
    progress: &dyn Progress,
) -> Result<(String, Digits), RunFailure> {
    // The limits of the configuration are for its own data.
    let config = if folder.is_some() { &DataConfig::default() } else { data };
    let source = prepare::open_data(config, folder)?;
    let test = source
        .test(progress)?
        .filter(|test| !test.is_empty())
        .ok_or_else(|| RunFailure::NoTestDigits(source.describe()))?;
    Ok((source.describe(), test))
}
