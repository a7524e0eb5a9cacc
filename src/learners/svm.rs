//! The support-vector machine as a learner.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Classifier, FitContext, Fitted, Learner, LearnerError, Length, ModelFormat, ModelNotes, Predictor, copies::Copies,
    parse_settings, settings_table,
};
use crate::{
    classical::{Gamma, SvmConfig, TrainedSvm, train_svm},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    imaging::Recipe,
};

/// A machine to be fitted.
#[derive(Clone, Debug)]
pub struct SvmLearner {
    name: String,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Kernel, price and limits.
    svm: SvmConfig,
    /// Steps for the extra copies of each training image.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself.
    augment_copies: usize,
}

impl SvmLearner {
    /// From `svm`, `augment` and `augment_copies`.
    pub fn new(name: &str, settings: toml::Table) -> Result<Self, FieldError> {
        let settings: Settings = parse_settings(settings)?;
        settings.svm.check().map_err(|error| error.inside("svm"))?;
        let copies = Copies::new(&settings.augment, settings.augment_copies)?;
        Ok(Self { name: name.to_owned(), settings, copies })
    }

    fn kernel(&self) -> String {
        match self.settings.svm.gamma {
            Gamma::Scale => "RBF kernel, gamma by scale".to_owned(),
            Gamma::Value(gamma) => format!("RBF kernel, gamma = {gamma}"),
        }
    }
}

impl Learner for SvmLearner {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "svm"
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(self, &self.settings)
    }

    fn summary(&self) -> String {
        format!("{}, c = {}, one machine for each pair of classes", self.kernel(), self.settings.svm.c)
    }

    fn layers(&self) -> Vec<(String, String)> {
        let stages = [
            ("image".to_owned(), format!("{PIXELS} pixels")),
            (self.kernel(), "one for each support vector".to_owned()),
            ("decisions between pairs of classes, weighted sums".to_owned(), (CLASSES * (CLASSES - 1) / 2).to_string()),
            ("calibration, weighted sums".to_owned(), CLASSES.to_string()),
            ("softmax".to_owned(), CLASSES.to_string()),
        ];
        stages.to_vec()
    }

    fn selects_by_validation(&self) -> bool {
        false
    }

    fn runs_on_device(&self) -> bool {
        false
    }

    fn length(&self) -> Length {
        Length { field: "svm", unit: "fit", steps: 1, is_prefix: false }
    }

    fn work(&self, images: usize) -> f64 {
        // A pair is a fifth of the images; about a fifth of its kernel matrix is computed. Once for all images, once
        // without each part.
        let pairs = (CLASSES * (CLASSES - 1) / 2) as f64;
        let of_pair = (images * self.copies.times()) as f64 / 5.0;
        let folds = self.settings.svm.calibration_folds as f64;
        1e-9 * pairs * 2.0 * PIXELS as f64 * 0.2 * of_pair * of_pair * (1.0 + folds * ((folds - 1.0) / folds).powi(2))
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augmented = self.copies.augmented(train, context.seed);
        let fit = train_svm(&self.settings.svm, augmented.as_ref().unwrap_or(train), validation, &context.classical())?;
        Ok(Fitted { classifier: Box::new(fit.model), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedSvm::load(folder)?))
    }
}

impl Classifier for TrainedSvm {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(TrainedSvm::predict_proba(self, images))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        Ok(TrainedSvm::save(self, folder)?)
    }

    fn parameters(&self) -> Option<u64> {
        Some(TrainedSvm::parameters(self))
    }

    fn formats(&self) -> &'static [ModelFormat] {
        &[ModelFormat::Safetensors, ModelFormat::Json]
    }

    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        match format {
            ModelFormat::Safetensors => Ok(self.to_safetensors(&notes.texts())?),
            ModelFormat::Json => Ok(self.to_json(&notes.texts())?),
            ModelFormat::Onnx | ModelFormat::Lightgbm => Err(LearnerError::no_format(self.formats(), format, notes)),
        }
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(self.clone()))
    }
}

impl Predictor for TrainedSvm {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        TrainedSvm::predict_one(self, image)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
