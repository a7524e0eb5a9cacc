//! A finished run, ready to be asked.

use std::path::Path;

use super::{
    DrawnScores, Metrics, Opinion, RunConfig, RunFailure, StackPredictor, drawn,
    finish::{METRICS, stack_file},
    fits,
    judging::Judging,
    kind,
    models::{self, Models},
    report_input,
    run::CONFIG,
    search,
};
use crate::{
    data::{Digits, Images},
    evaluation::{ModelKind, ModelScores},
    fit::FitContext,
    progress::Progress,
    report::ReportInput,
    seed::Seed,
    storage::{self, Manifest},
    tuning::StudyOutcome,
    verdict::Judge,
};

/// The models of a finished run.
pub struct SavedRun {
    /// What the run was told.
    pub config: RunConfig,
    /// The verified list of its files.
    pub manifest: Manifest,
    pub(super) models: Models,
    judging: Judging,
}

impl SavedRun {
    /// True if a complete run directory holds a whole run: searches and single models live in such directories too.
    pub fn is_one(folder: &Path) -> bool {
        [CONFIG, METRICS, "models"].iter().all(|name| folder.join(name).exists())
    }

    /// Loads a complete run. Every file is verified against the manifest before anything reads it.
    ///
    /// # Errors
    /// [`RunFailure::NotARun`] if the directory holds something else; those of the run's files.
    pub fn load(folder: &Path, work: &FitContext) -> Result<Self, RunFailure> {
        let manifest = storage::verify(folder)?;
        kind::expect_run(folder, &manifest)?;
        Self::of_verified(folder, manifest, work)
    }

    /// Loads the run of a directory that was just verified.
    pub(super) fn of_verified(folder: &Path, manifest: Manifest, work: &FitContext) -> Result<Self, RunFailure> {
        let config = RunConfig::load(Some(&folder.join(CONFIG)), &[])?;
        let members = fits::load_final(&config, folder, work)?;
        let stacks =
            config.stacking.meta.iter().map(|meta| Ok(storage::read_json(&folder.join(stack_file(meta.name())))?));
        let stacks = stacks.collect::<Result<_, RunFailure>>()?;
        let names = config.members.iter().map(|member| (member.name().to_owned(), ModelKind::Member));
        let names =
            names.chain(config.stacking.meta.iter().map(|meta| (meta.name().to_owned(), meta.kind()))).collect();
        let (device, prepare, features) = (work.device.clone(), config.prepare.clone(), config.stacking.features);
        let judging = Judging::load(folder, work)?;
        Ok(Self { config, manifest, models: Models { device, prepare, features, names, members, stacks }, judging })
    }

    /// What its report shows, from the files of the run's folder.
    pub fn report_input(&self, folder: &Path) -> Result<ReportInput, RunFailure> {
        report_input::read(&self.config, folder, self.manifest.reproducible_hash())
    }

    /// What the search found that chose its settings; none if there was no search or it is not there any more.
    pub fn search_outcome(&self) -> Option<StudyOutcome> {
        search::outcome(self.config.search.as_deref()?)
    }

    /// The metrics that a run was finished with.
    pub fn metrics(folder: &Path) -> Result<Metrics, RunFailure> {
        Ok(storage::read_json(&folder.join(METRICS))?)
    }

    /// What every model thinks of images that went through [`SavedRun::prepare`]: members in order, then the stack,
    /// then the ensembles.
    pub fn opinions(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<Opinion>, RunFailure> {
        self.models.opinions(images, progress)
    }

    /// The same for one image at a time, on the CPU whatever the run's device. It holds all that it needs: the run may
    /// be dropped.
    pub fn predictor(&self) -> Result<StackPredictor, RunFailure> {
        self.models.predictor()
    }

    /// Says what is a digit, and how sure that is; for one thread.
    pub fn judge(&self) -> Result<Judge, RunFailure> {
        self.judging.judge()
    }

    /// The name of the stack: the model to believe.
    pub fn stack_name(&self) -> &str {
        self.models.name()
    }

    /// What the run does to every image first.
    pub fn prepare(&self, images: &Images) -> Result<Images, RunFailure> {
        self.models.prepare(images)
    }

    /// Scores every model on the run's test digits, or on those of another folder.
    pub fn evaluate(
        &self,
        data: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<(String, Vec<ModelScores>), RunFailure> {
        self.models.evaluate(&self.config.data, data, progress)
    }

    /// Reads the same digits as drawings, and what should be refused: pairs of digits and scribbles.
    pub fn evaluate_drawn(&self, data: Option<&Path>, progress: &dyn Progress) -> Result<Vec<DrawnScores>, RunFailure> {
        let (_, Digits { images, labels, .. }) = models::test_digits(&self.config.data, data, progress)?;
        let task = progress.task("read drawings", drawn::drawings(images.len()), "drawings");
        drawn::score(self, &images, &labels, Seed(self.config.seed), task.as_ref())
    }
}
