//! Logistic regression as a learner.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Classifier, FitContext, Fitted, Learner, LearnerError, Length, ModelFormat, ModelNotes, Predictor, copies::Copies,
    parse_settings, settings_table,
};
use crate::{
    classical::{LogisticConfig, TrainedLogistic, train_logistic},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    imaging::Recipe,
    nn::Filters,
};

/// A regression to be fitted.
#[derive(Clone, Debug)]
pub struct LogisticLearner {
    name: String,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Penalty and limits.
    logistic: LogisticConfig,
    /// Steps for the extra copies of each training image.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself.
    augment_copies: usize,
}

impl LogisticLearner {
    /// From `logistic`, `augment` and `augment_copies`.
    pub fn new(name: &str, settings: toml::Table) -> Result<Self, FieldError> {
        let settings: Settings = parse_settings(settings)?;
        settings.logistic.check().map_err(|error| error.inside("logistic"))?;
        let copies = Copies::new(&settings.augment, settings.augment_copies)?;
        Ok(Self { name: name.to_owned(), settings, copies })
    }
}

impl Learner for LogisticLearner {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "logistic"
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(self, &self.settings)
    }

    fn summary(&self) -> String {
        let LogisticConfig { c, max_iterations, .. } = self.settings.logistic;
        format!("784–10, {} parameters, c = {c}, at most {max_iterations} iterations", (PIXELS + 1) * CLASSES)
    }

    fn layers(&self) -> Vec<(String, String)> {
        let stages = [
            ("image", format!("{PIXELS} pixels")),
            ("weighted sums", CLASSES.to_string()),
            ("softmax", CLASSES.to_string()),
        ];
        stages.map(|(name, size)| (name.to_owned(), size)).to_vec()
    }

    fn selects_by_validation(&self) -> bool {
        false
    }

    fn runs_on_device(&self) -> bool {
        false
    }

    fn length(&self) -> Length {
        // The tolerance may end it: a fit chooses its own end.
        Length {
            field: "logistic.max_iterations",
            unit: "iteration",
            steps: self.settings.logistic.max_iterations,
            is_prefix: false,
        }
    }

    fn work(&self, images: usize) -> f64 {
        // Two products of ten columns, over the fifth of the pixels that has ink.
        let iterations = f64::from(self.settings.logistic.max_iterations);
        1e-9 * 4.0 * (PIXELS / 5 * CLASSES) as f64 * iterations * (images * self.copies.times()) as f64
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augmented = self.copies.augmented(train, context.seed);
        let fit = train_logistic(
            &self.settings.logistic,
            augmented.as_ref().unwrap_or(train),
            validation,
            &context.classical(),
        )?;
        Ok(Fitted { classifier: Box::new(fit.model), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedLogistic::load(folder)?))
    }
}

impl Classifier for TrainedLogistic {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(TrainedLogistic::predict_proba(self, images))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        Ok(TrainedLogistic::save(self, folder)?)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(self.clone()))
    }

    fn parameters(&self) -> Option<u64> {
        Some((self.templates().len() * (PIXELS + 1)) as u64)
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

    fn first_layer_filters(&self) -> Option<Filters> {
        Some(Filters { side: SIDE, weights: self.templates() })
    }
}

impl Predictor for TrainedLogistic {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        TrainedLogistic::predict_one(self, image)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
