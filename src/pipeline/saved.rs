//! A finished run, ready to be asked.

use std::{path::Path, sync::Arc};

use super::{
    DrawnScores, Metrics, RunConfig, RunFailure, StackPredictor, Work,
    config::StackingConfig,
    drawn,
    finish::{METRICS, stack_file},
    fits,
    judging::Judging,
    predictions, prepare, report_input,
    run::CONFIG,
    search,
};
use crate::{
    data::{CLASSES, DataConfig, Digits, Images, Probabilities},
    evaluation::{self, ModelKind, ModelScores, Scores},
    learners::{Classifier, LearnerError},
    nn::ChosenDevice,
    progress::Progress,
    report::ReportInput,
    runs::{self, Manifest},
    seed::Seed,
    stacking::{Metafeatures, Stack},
    tuning::StudyOutcome,
    verdict::Judge,
};

/// The models of a finished run.
pub struct SavedRun {
    /// What the run was told.
    pub config: RunConfig,
    /// The verified list of its files.
    pub manifest: Manifest,
    device: ChosenDevice,
    members: Vec<Vec<Box<dyn Classifier>>>,
    stacks: Arc<[Stack]>,
    judging: Judging,
}

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

impl SavedRun {
    /// True if a complete run directory holds a whole run: searches and single models live in such directories too.
    pub fn is_one(folder: &Path) -> bool {
        [CONFIG, METRICS, "models"].iter().all(|name| folder.join(name).exists())
    }

    /// Loads a complete run. Every file is verified against the manifest before anything reads it.
    pub fn load(folder: &Path, work: &Work) -> Result<Self, RunFailure> {
        let manifest = runs::verify(folder)?;
        let path = folder.join(CONFIG);
        let config = RunConfig::load(Some(&path), &[])?;
        let members = fits::load_final(&config, folder, work)?;
        let stacks = config.stacking.meta.iter().map(|meta| Ok(runs::read_json(&folder.join(stack_file(meta.name())))?));
        let stacks = stacks.collect::<Result<_, RunFailure>>()?;
        let judging = Judging::load(folder, work)?;
        Ok(Self { config, manifest, device: work.device.clone(), members, stacks, judging })
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
        Ok(runs::read_json(&folder.join(METRICS))?)
    }

    /// What every model thinks of images that went through [`SavedRun::prepare`]: members in order, then the stack, then the ensembles.
    pub fn opinions(&self, images: &Images, progress: &dyn Progress) -> Result<Vec<Opinion>, RunFailure> {
        let models: usize = self.members.iter().map(Vec::len).sum();
        let task = progress.task("predict", (models * images.len()) as u64, "images");
        let mut opinions = Vec::new();
        for (models, member) in self.members.iter().zip(&self.config.members) {
            let probabilities = predictions::average(models, images, &self.device, task.as_ref())?;
            opinions.push(Opinion { name: member.name().to_owned(), kind: ModelKind::Member, probabilities });
        }
        let rows: Vec<Probabilities> = opinions.iter().map(|opinion| opinion.probabilities.clone()).collect();
        let features = Metafeatures::new(&rows, self.config.stacking.features)?;
        for (stack, meta) in self.stacks.iter().zip(&self.config.stacking.meta) {
            opinions.push(Opinion { name: meta.name().to_owned(), kind: meta.kind(), probabilities: stack.predict_proba(&features)? });
        }
        Ok(opinions)
    }

    /// The same for one image at a time, on the CPU whatever the run's device. It holds all that it needs: the run may be dropped.
    pub fn predictor(&self) -> Result<StackPredictor, RunFailure> {
        let StackingConfig { features, meta, .. } = &self.config.stacking;
        for stack in self.stacks.iter() {
            stack.meta().check_features(self.members.len(), *features)?;
        }
        let predictors = |models: &Vec<Box<dyn Classifier>>| models.iter().map(|model| model.predictor()).collect();
        let members = self.members.iter().map(predictors).collect::<Result<Vec<_>, LearnerError>>()?;
        let named = |name: &str, kind| Opinion { name: name.to_owned(), kind, probabilities: [0.0; CLASSES] };
        let opinions = self.config.members.iter().map(|member| named(member.name(), ModelKind::Member));
        let opinions = opinions.chain(meta.iter().map(|meta| named(meta.name(), meta.kind()))).collect();
        Ok(StackPredictor::new(self.config.prepare.recipe.prepare()?, members, self.stacks.clone(), opinions))
    }

    /// Says what is a digit, and how sure that is; for one thread.
    pub fn judge(&self) -> Result<Judge, RunFailure> {
        self.judging.judge()
    }

    /// The name of the stack: the model to believe.
    pub fn stack_name(&self) -> &str {
        self.config.stacking.meta[0].name()
    }

    /// What the run does to every image first.
    pub fn prepare(&self, images: &Images) -> Result<Images, RunFailure> {
        Ok(prepare::steps(&self.config.prepare, images)?)
    }

    /// Scores every model on the run's test digits, or on those of another folder.
    pub fn evaluate(&self, data: Option<&Path>, progress: &dyn Progress) -> Result<(String, Vec<ModelScores>), RunFailure> {
        let (described, Digits { images, labels, .. }) = self.test_digits(data, progress)?;
        let scores = |opinion: Opinion| -> Result<ModelScores, RunFailure> {
            let test: Scores = evaluation::score(&opinion.probabilities, &labels)?;
            Ok(ModelScores { name: opinion.name, kind: opinion.kind, train: None, out_of_fold: None, test: Some(test) })
        };
        let models = self.opinions(&self.prepare(&images)?, progress)?.into_iter().map(scores).collect::<Result<_, _>>()?;
        Ok((described, models))
    }

    /// Reads the same digits as drawings, and what should be refused: pairs of digits and scribbles.
    pub fn evaluate_drawn(&self, data: Option<&Path>, progress: &dyn Progress) -> Result<Vec<DrawnScores>, RunFailure> {
        let (_, Digits { images, labels, .. }) = self.test_digits(data, progress)?;
        let task = progress.task("read drawings", drawn::drawings(images.len()), "drawings");
        drawn::score(self, &images, &labels, Seed(self.config.seed), task.as_ref())
    }

    /// The run's test digits, or those of another folder, with a description of where they are from.
    fn test_digits(&self, data: Option<&Path>, progress: &dyn Progress) -> Result<(String, Digits), RunFailure> {
        // The limits of the configuration are for its own data.
        let config = if data.is_some() { &DataConfig::default() } else { &self.config.data };
        let source = prepare::open_data(config, data)?;
        let test = source.test(progress)?.filter(|test| !test.is_empty()).ok_or_else(|| RunFailure::NoTestDigits(source.describe()))?;
        Ok((source.describe(), test))
    }
}
