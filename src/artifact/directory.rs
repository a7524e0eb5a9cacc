//! A complete directory with models.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{
    failure::RunFailure,
    layout::{
        ARTIFACT, ArtifactKind, CONFIG, DATA, DataRecord, Fit, HISTORY, METRICS, Metrics, TIMINGS, Timings, fits,
        is_final, stack_file,
    },
};
use crate::{
    config::RunConfig,
    device::ChosenDevice,
    fit::History,
    learners::{Classifier, Learner},
    stacking::Stack,
    storage::{self, Manifest},
};

/// A complete directory of a stack or a single member. Every file of it was verified against the manifest before
/// anything was parsed.
pub struct Artifact {
    folder: PathBuf,
    manifest: Manifest,
    kind: ArtifactKind,
    config: RunConfig,
    fits: Vec<Fit>,
}

impl Artifact {
    /// Verifies and opens a complete directory.
    ///
    /// # Errors
    /// If it is not complete, not as its manifest says, or holds no models.
    pub fn open(folder: &Path) -> Result<Self, RunFailure> {
        Self::of_verified(folder, storage::verify(folder)?)
    }

    /// As [`Artifact::open`], but the report, which is to be drawn again, may be damaged.
    ///
    /// # Errors
    /// As [`Artifact::open`].
    pub fn open_to_draw(folder: &Path) -> Result<Self, RunFailure> {
        Self::of_verified(folder, storage::verify_without_derived(folder)?)
    }

    fn of_verified(folder: &Path, manifest: Manifest) -> Result<Self, RunFailure> {
        let kind = Self::kind_of(folder, &manifest)?;
        if kind == (ArtifactKind::Search {}) {
            return Err(RunFailure::NoModel(folder.to_owned()));
        }
        let config = RunConfig::load(Some(&folder.join(CONFIG)), &[])?;
        let fits = fits(&kind, &config)?;
        Ok(Self { folder: folder.to_owned(), manifest, kind, config, fits })
    }

    /// Kind of a directory with this verified manifest.
    fn kind_of(folder: &Path, manifest: &Manifest) -> Result<ArtifactKind, RunFailure> {
        match manifest.get(ARTIFACT) {
            Some(_) => Ok(storage::read_json(&folder.join(ARTIFACT))?),
            None => Err(RunFailure::UnknownKind(folder.to_owned())),
        }
    }

    /// True if a run directory, complete or not, is that of a stack. Nothing is verified.
    pub fn is_stack(folder: &Path) -> bool {
        storage::read_json(&folder.join(ARTIFACT)).is_ok_and(|kind: ArtifactKind| kind == (ArtifactKind::Stack {}))
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The verified list of its files.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its kind: a stack or a member.
    pub fn kind(&self) -> &ArtifactKind {
        &self.kind
    }

    /// The resolved configuration that its models were trained with.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Its fits, by member.
    pub fn fits(&self) -> &[Fit] {
        &self.fits
    }

    /// Members that its models belong to, in the order of the configuration.
    pub fn members(&self) -> Vec<&dyn Learner> {
        let mut members: Vec<usize> = self.fits.iter().map(|fit| fit.member).collect();
        members.dedup();
        members.into_iter().map(|member| self.config.experiment.members[member].as_ref()).collect()
    }

    /// Refuses anything but a stack, which alone has meta-models and gives verdicts.
    ///
    /// # Errors
    /// [`RunFailure::NotAStack`].
    pub fn expect_stack(&self) -> Result<(), RunFailure> {
        match &self.kind {
            ArtifactKind::Stack {} => Ok(()),
            other => Err(RunFailure::NotAStack { directory: self.folder.clone(), holds: other.describe() }),
        }
    }

    /// Its scores.
    pub fn metrics(&self) -> Result<Metrics, RunFailure> {
        Ok(storage::read_json(&self.folder.join(METRICS))?)
    }

    /// Its durations.
    pub fn timings(&self) -> Result<Timings, RunFailure> {
        Ok(storage::read_json(&self.folder.join(TIMINGS))?)
    }

    /// Fingerprints of its digits.
    pub fn data(&self) -> Result<DataRecord, RunFailure> {
        Ok(storage::read_json(&self.folder.join(DATA))?)
    }

    /// Course of a fit.
    pub fn history(&self, fit: Fit) -> Result<History, RunFailure> {
        Ok(storage::read_json(&self.path_of(fit).join(HISTORY))?)
    }

    /// Folder of a fit.
    pub fn path_of(&self, fit: Fit) -> PathBuf {
        self.folder.join(fit.folder(&self.config))
    }

    /// Loads the finished models of each member of [`Artifact::members`]: one, or one for each fold.
    ///
    /// # Errors
    /// A model that is damaged, or is not what the configuration says.
    pub fn load_models(&self, device: &ChosenDevice) -> Result<Vec<Vec<Box<dyn Classifier>>>, RunFailure> {
        load_models(&self.folder, &self.config, &self.fits, device)
    }

    /// Loads the meta-models: the stack, then the ensembles; none for a member.
    ///
    /// # Errors
    /// A file that is damaged, or is of other members or another kind of meta-model than the configuration says.
    pub fn load_stacks(&self) -> Result<Vec<Stack>, RunFailure> {
        if self.kind != (ArtifactKind::Stack {}) {
            return Ok(Vec::new());
        }
        let stacking = &self.config.experiment.stacking;
        let members = self.config.experiment.member_names();
        let load = |meta: &crate::stacking::MetaConfig| {
            let path = self.folder.join(stack_file(meta.name()));
            let stack: Stack = storage::read_json(&path)?;
            stack
                .check(&members, meta, stacking.features)
                .map_err(|problem| RunFailure::OtherModel { path, problem })?;
            Ok(stack)
        };
        stacking.meta.iter().map(load).collect()
    }
}

/// Loads the finished models among `fits` from a run directory, by member.
///
/// # Errors
/// A model that is damaged, or is not what the configuration says.
pub fn load_models(
    folder: &Path,
    config: &RunConfig,
    fits: &[Fit],
    device: &ChosenDevice,
) -> Result<Vec<Vec<Box<dyn Classifier>>>, RunFailure> {
    let finished: Vec<Fit> = fits.iter().copied().filter(|fit| is_final(*fit, config)).collect();
    let load = |fit: &Fit| -> Result<(usize, Box<dyn Classifier>), RunFailure> {
        let learner = &config.experiment.members[fit.member];
        Ok((fit.member, learner.load(&folder.join(fit.folder(config)), device)?))
    };
    let loaded: Vec<_> = finished.par_iter().map(load).collect::<Result<_, _>>()?;
    let mut models: Vec<(usize, Vec<Box<dyn Classifier>>)> = Vec::new();
    for (member, model) in loaded {
        match models.last_mut() {
            Some((last, models)) if *last == member => models.push(model),
            _ => models.push((member, vec![model])),
        }
    }
    Ok(models.into_iter().map(|(_, models)| models).collect())
}
