//! Whatever can be asked about images: a finished run, or a single model.

use std::path::Path;

use super::{Opinion, RunFailure, SavedRun, SavedSingle, StackPredictor, kind, kind::Kind, models::Models};
use crate::{
    data::{DataConfig, Images, Probabilities},
    evaluation::ModelScores,
    fit::FitContext,
    progress::Progress,
    storage::{self, Manifest},
    verdict::Judge,
};

/// A finished run or a single model. Both do to an image first what was done in training.
pub enum SavedModel {
    /// Members, their stack and a judge.
    Run(Box<SavedRun>),
    /// One member.
    Single(Box<SavedSingle>),
}

impl SavedModel {
    /// Loads a complete run or a complete single model. Every file is verified against the manifest before anything
    /// reads it.
    ///
    /// # Errors
    /// [`RunFailure::NoModel`] and [`RunFailure::UnnamedModel`] if the directory holds neither; those of its files.
    pub fn load(folder: &Path, work: &FitContext) -> Result<Self, RunFailure> {
        let manifest = storage::verify(folder)?;
        match kind::of(&manifest) {
            Kind::Run => Ok(Self::Run(Box::new(SavedRun::of_verified(folder, manifest, work)?))),
            Kind::Single => Ok(Self::Single(Box::new(SavedSingle::of_verified(folder, manifest, work)?))),
            Kind::UnnamedSingle => Err(RunFailure::UnnamedModel(folder.to_owned())),
            Kind::Other => Err(RunFailure::NoModel(folder.to_owned())),
        }
    }

    fn models(&self) -> &Models {
        match self {
            Self::Run(run) => &run.models,
            Self::Single(single) => &single.models,
        }
    }

    fn data(&self) -> &DataConfig {
        match self {
            Self::Run(run) => &run.config.data,
            Self::Single(single) => &single.config.data,
        }
    }

    /// The verified list of its files.
    pub fn manifest(&self) -> &Manifest {
        match self {
            Self::Run(run) => &run.manifest,
            Self::Single(single) => &single.manifest,
        }
    }

    /// The place among [`SavedModel::names`] of the model to believe: the stack, or the single model.
    pub fn believed(&self) -> usize {
        self.models().believed()
    }

    /// The names of all models: members in order, then the stack, then the ensembles; or the single model's.
    pub fn names(&self) -> Vec<&str> {
        self.models().names().collect()
    }

    /// The place of a model among [`SavedModel::names`]; of a member and a meta-model by the same name, the member's.
    ///
    /// # Errors
    /// [`RunFailure::UnknownModel`] if there is none of that name.
    pub fn place(&self, name: &str) -> Result<usize, RunFailure> {
        let names = self.names();
        let place = names.iter().position(|known| *known == name);
        place.ok_or_else(|| RunFailure::UnknownModel { model: name.to_owned(), known: names.join(", ") })
    }

    /// What is done to every image first.
    pub fn prepare(&self, images: &Images) -> Result<Images, RunFailure> {
        self.models().prepare(images)
    }

    /// What every model thinks of images that went through [`SavedModel::prepare`], in the order of
    /// [`SavedModel::names`].
    pub fn opinions(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<Opinion>, RunFailure> {
        self.models().opinions(images, progress)
    }

    /// What one model, by its place among [`SavedModel::names`], thinks of images as they came. Of a run, only the
    /// models that this one needs are asked.
    ///
    /// # Errors
    /// If an answer is no distribution, which a net gives whose numbers overflow.
    pub fn predict_proba(&self, model: usize, images: &Images) -> Result<Probabilities, RunFailure> {
        self.models().predict_proba(model, images)
    }

    /// What every model thinks of one image at a time, on the CPU whatever the device.
    pub fn predictor(&self) -> Result<StackPredictor, RunFailure> {
        self.models().predictor()
    }

    /// Says what is a digit, and how sure that is; for one thread. None for a single model.
    pub fn judge(&self) -> Result<Option<Judge>, RunFailure> {
        match self {
            Self::Run(run) => run.judge().map(Some),
            Self::Single(_) => Ok(None),
        }
    }

    /// Scores every model on the test digits of its configuration, or on those of another folder. Says where they are
    /// from, too.
    pub fn evaluate(
        &self,
        data: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<(String, Vec<ModelScores>), RunFailure> {
        self.models().evaluate(self.data(), data, progress)
    }
}
