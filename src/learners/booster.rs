//! LightGBM as a learner.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Classifier, FitContext, Fitted, Learner, LearnerError, Length, ModelFormat, ModelNotes, Predictor, Shared,
    copies::Copies, parse_settings, settings_table,
};
use crate::{
    boosting::{self, BoosterConfig, BoosterJob, BoostingError, Checkpoint, Dataset, TrainedBooster},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    imaging::Recipe,
};

/// The model's file inside its folder.
const MODEL: &str = "model.txt";
/// Trees between two checkpoints.
const CHECKPOINT_EVERY: u32 = 25;

/// Trees to be grown.
#[derive(Clone, Debug)]
pub struct BoosterLearner {
    name: String,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// LightGBM's parameters.
    booster: BoosterConfig,
    /// Steps for the extra copies of each training image.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself.
    augment_copies: usize,
}

impl BoosterLearner {
    /// From `booster`, `augment` and `augment_copies`.
    pub fn new(name: &str, settings: toml::Table) -> Result<Self, FieldError> {
        let settings: Settings = parse_settings(settings)?;
        settings.booster.check().map_err(|error| error.inside("booster"))?;
        let copies = Copies::new(&settings.augment, settings.augment_copies)?;
        Ok(Self { name: name.to_owned(), settings, copies })
    }

    /// The images in bins, made by the first fit that needs this number of them, and the validation images in the same
    /// bins.
    fn shared_bins(
        &self,
        shared: &Shared,
        train: &Digits,
        validation: Option<&Digits>,
        threads: usize,
    ) -> Result<(Arc<Dataset>, Option<Arc<Dataset>>), LearnerError> {
        let bins = self.settings.booster.max_bin;
        let make = || Dataset::new(train.images.clone(), &train.labels, &self.settings.booster, threads);
        let dataset = shared.get_or_make(&format!("bins {bins}"), make)?;
        let aligned = |digits: &Digits| {
            let mut hash = DefaultHasher::new();
            (digits.images.pixels(), &digits.labels).hash(&mut hash);
            let name = format!("bins {bins}, beside {:x}", hash.finish());
            shared.get_or_make(&name, || dataset.aligned(digits.images.clone(), &digits.labels, threads))
        };
        Ok((Arc::clone(&dataset), validation.map(aligned).transpose()?))
    }
}

impl Learner for BoosterLearner {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "booster"
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(self, &self.settings)
    }

    fn summary(&self) -> String {
        let booster = &self.settings.booster;
        format!("{} trees a class, depth {}, {} leaves", booster.trees, booster.max_depth, booster.num_leaves)
    }

    fn layers(&self) -> Vec<(String, String)> {
        let booster = &self.settings.booster;
        let trees = format!(
            "{} trees for each digit, at most {} levels and {} leaves, summed",
            booster.trees, booster.max_depth, booster.num_leaves
        );
        let stages = [
            ("image", format!("{PIXELS} pixels")),
            (trees.as_str(), CLASSES.to_string()),
            ("softmax", CLASSES.to_string()),
        ];
        stages.map(|(name, size)| (name.to_owned(), size)).to_vec()
    }

    fn selects_by_validation(&self) -> bool {
        self.settings.booster.early_stopping_rounds > 0
    }

    fn runs_on_device(&self) -> bool {
        false
    }

    fn length(&self) -> Length {
        let booster = &self.settings.booster;
        Length {
            field: "booster.trees",
            unit: "tree",
            steps: booster.trees,
            is_prefix: booster.early_stopping_rounds == 0,
        }
    }

    fn work(&self, images: usize) -> f64 {
        // Ten classes; a histogram sum for each row, feature and level, about a sixth of the pixels ever being split
        // on.
        let booster = &self.settings.booster;
        let levels = f64::from(booster.max_depth).min(f64::from(booster.num_leaves).log2());
        1e-9 * 10.0 * 130.0 * levels * booster.trees as f64 * (images * self.copies.times()) as f64
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augmented = self.copies.augmented(train, context.seed);
        let threads = self.settings.booster.threads(context.threads);
        let (dataset, validation) = match (augmented, context.shared) {
            // Augmented copies are this fit's own; plain images are put into bins once for all that share them.
            (None, Some(shared)) => self.shared_bins(shared, train, validation, threads)?,
            (augmented, _) => {
                let train = augmented.as_ref().unwrap_or(train);
                let dataset = Dataset::new(train.images.clone(), &train.labels, &self.settings.booster, threads)?;
                let validation = validation
                    .map(|digits| dataset.aligned(digits.images.clone(), &digits.labels, threads))
                    .transpose()?;
                (Arc::new(dataset), validation.map(Arc::new))
            }
        };
        let job = BoosterJob {
            seed: context.seed,
            threads,
            progress: context.progress,
            name: context.label,
            cancel: context.cancel,
            checkpoint: context.checkpoint.map(|path| Checkpoint { path, every: CHECKPOINT_EVERY }),
            observe: context.observe,
        };
        let fit = boosting::train(&self.settings.booster, &dataset, validation.as_deref(), &job)?;
        Ok(Fitted { classifier: Box::new(fit.booster), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedBooster::load(&folder.join(MODEL))?))
    }
}

impl Classifier for TrainedBooster {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(TrainedBooster::predict_proba(self, images))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        Ok(TrainedBooster::save(self, &folder.join(MODEL))?)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(self.clone()))
    }

    fn formats(&self) -> &'static [ModelFormat] {
        &[ModelFormat::Lightgbm, ModelFormat::Json]
    }

    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        match format {
            ModelFormat::Lightgbm => Ok(self.model_text().as_bytes().to_vec()),
            ModelFormat::Json => Ok(self.to_json(&notes.texts()).map_err(BoostingError::from)?),
            ModelFormat::Safetensors | ModelFormat::Onnx => Err(LearnerError::no_format(self.formats(), format, notes)),
        }
    }

    fn parameters(&self) -> Option<u64> {
        Some(self.leaves())
    }
}

impl Predictor for TrainedBooster {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        TrainedBooster::predict_one(self, image)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
