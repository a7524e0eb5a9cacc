//! LightGBM as a learner.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    classifier::{Classifier, Inspect, Predictor},
    copies::Copies,
    error::LearnerError,
    format::{ModelFormat, ModelNotes},
    learner::{Description, Fitted, Learner, Length, NetCapabilities},
    settings::{parse_settings, settings_table},
};
use crate::{
    boosting::{self, BoosterConfig, BoostingError, Dataset, TrainedBooster},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    fit::{FitContext, Shared},
    imaging::Recipe,
};

/// The model's file inside its folder.
const MODEL: &str = "model.txt";

/// Gradient-boosted trees to be grown.
#[derive(Clone, Debug)]
struct BoosterLearner {
    description: Description,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// LightGBM's parameters.
    booster: BoosterConfig,
    /// Random steps for the additional copies of each training image. Default: none.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself, 0 to 20. Default 0.
    augment_copies: usize,
}

/// Builds the learner from `booster`, `augment` and `augment_copies`.
pub(super) fn build(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let settings: Settings = parse_settings(settings)?;
    settings.booster.check().map_err(|error| error.inside("booster"))?;
    let copies = Copies::new(&settings.augment, settings.augment_copies)?;
    let BoosterConfig { trees, max_depth, num_leaves, early_stopping_rounds, .. } = settings.booster;
    let grown = format!("{trees} trees for each digit, at most {max_depth} levels and {num_leaves} leaves, summed");
    let layers = [
        ("image", format!("{PIXELS} pixels")),
        (grown.as_str(), CLASSES.to_string()),
        ("softmax", CLASSES.to_string()),
    ];
    let description = Description {
        name: name.to_owned(),
        kind: "booster",
        summary: format!("{trees} trees a class, depth {max_depth}, {num_leaves} leaves"),
        layers: layers.map(|(name, size)| (name.to_owned(), size)).to_vec(),
        selects_by_validation: early_stopping_rounds > 0,
        length: Length { field: "booster.trees", unit: "tree", steps: trees, is_prefix: early_stopping_rounds == 0 },
        preparation: Recipe::default(),
        shifts: 1,
    };
    Ok(Box::new(BoosterLearner { description, settings, copies }))
}

impl BoosterLearner {
    /// The binned training images, made by the first fit that needs this number of bins, and the validation images in
    /// the same bins.
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
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(&self.description, &self.settings)
    }

    fn cost(&self, images: usize) -> f64 {
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
        let fit = boosting::train(&self.settings.booster, &dataset, validation.as_deref(), context)?;
        Ok(Fitted { classifier: Box::new(fit.booster), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedBooster::load(&folder.join(MODEL))?))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        None
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

    fn inspect(&self) -> &dyn Inspect {
        self
    }
}

impl Inspect for TrainedBooster {
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
