//! A member that was trained alone, ready to be asked.

use std::{path::Path, sync::Arc};

use super::{
    RunConfig, RunFailure, kind,
    kind::Kind,
    models::Models,
    run::CONFIG,
    single::{self, MODEL},
};
use crate::{
    evaluation::ModelKind,
    fit::FitContext,
    storage::{self, Manifest},
};

/// The model that [`train_one`](super::train_one) left. It has no judge: its confidence is its own, and it refuses
/// nothing.
pub struct SavedSingle {
    /// What the training was told. The model is one of its members.
    pub config: RunConfig,
    /// The verified list of its files.
    pub manifest: Manifest,
    pub(super) models: Models,
}

impl SavedSingle {
    /// Loads a complete single model. Every file is verified against the manifest before anything reads it.
    ///
    /// # Errors
    /// [`RunFailure::NoModel`] and [`RunFailure::UnnamedModel`] if the directory holds no such model; those of its
    /// files.
    pub fn load(folder: &Path, work: &FitContext) -> Result<Self, RunFailure> {
        let manifest = storage::verify(folder)?;
        match kind::of(&manifest) {
            Kind::Single => Self::of_verified(folder, manifest, work),
            Kind::UnnamedSingle => Err(RunFailure::UnnamedModel(folder.to_owned())),
            Kind::Run | Kind::Other => Err(RunFailure::NoModel(folder.to_owned())),
        }
    }

    /// Loads the model of a directory that was just verified.
    pub(super) fn of_verified(folder: &Path, manifest: Manifest, work: &FitContext) -> Result<Self, RunFailure> {
        let config = RunConfig::load(Some(&folder.join(CONFIG)), &[])?;
        let (_, learner) = single::learner(&config, folder)?;
        let members = vec![vec![learner.load(&folder.join(MODEL), work.device)?]];
        let models = Models {
            device: work.device.clone(),
            prepare: config.prepare.clone(),
            features: config.stacking.features,
            names: vec![(learner.name().to_owned(), ModelKind::Member)],
            members,
            stacks: Arc::new([]),
        };
        Ok(Self { config, manifest, models })
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        self.models.name()
    }
}
