//! Facts about the served run that responses refer to.

use super::problem::Problem;
use crate::{artifact::TrainedModels, evaluation::ModelKind};

/// Names of a run and of its models.
pub(super) struct RunSummary {
    /// Name of the run.
    pub(super) name: String,
    /// Name of the model that `/api/predict` takes the digit from.
    pub(super) recommended: String,
    /// Name and kind of every model, by index: members, the stack, the ensembles.
    pub(super) models: Vec<(String, ModelKind)>,
    /// Digest of the reproducible files; equal for runs with equal results.
    pub(super) sha256: String,
}

impl RunSummary {
    /// Summary of loaded models.
    pub(super) fn of(models: &TrainedModels) -> Self {
        Self {
            name: models.artifact().config().experiment.name.clone(),
            recommended: models.recommended_name().to_owned(),
            models: models.names_and_kinds().to_vec(),
            sha256: models.artifact().manifest().reproducible_hash(),
        }
    }

    /// Names of all models, by index.
    pub(super) fn names(&self) -> Vec<String> {
        self.models.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Index and kind of a model.
    ///
    /// # Errors
    /// 404 if there is no model of this name.
    pub(super) fn model(&self, name: &str) -> Result<(usize, ModelKind), Problem> {
        let index = self.models.iter().position(|(known, _)| known == name);
        let index =
            index.ok_or_else(|| Problem::unknown_model(name, self.models.iter().map(|(name, _)| name.as_str())))?;
        Ok((index, self.models[index].1))
    }
}
