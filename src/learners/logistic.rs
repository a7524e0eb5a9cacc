//! Logistic regression as a learner.

use std::path::Path;

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
    classical::{LogisticConfig, TrainedLogistic, train_logistic},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    fit::FitContext,
    imaging::Recipe,
    nn::Filters,
};

/// Logistic regression to be fitted.
#[derive(Clone, Debug)]
struct LogisticLearner {
    description: Description,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Regularisation and limits.
    logistic: LogisticConfig,
    /// Random steps for the additional copies of each training image. Default: none.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself, 0 to 20. Default 0.
    augment_copies: usize,
}

/// Builds the learner from `logistic`, `augment` and `augment_copies`.
pub(super) fn build(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let settings: Settings = parse_settings(settings)?;
    settings.logistic.check().map_err(|error| error.inside("logistic"))?;
    let copies = Copies::new(&settings.augment, settings.augment_copies)?;
    let LogisticConfig { c, max_iterations, .. } = settings.logistic;
    let layers = [
        ("image", format!("{PIXELS} pixels")),
        ("weighted sums", CLASSES.to_string()),
        ("softmax", CLASSES.to_string()),
    ];
    let description = Description {
        name: name.to_owned(),
        kind: "logistic",
        summary: format!("784–10, {} parameters, c = {c}, at most {max_iterations} iterations", (PIXELS + 1) * CLASSES),
        layers: layers.map(|(name, size)| (name.to_owned(), size)).to_vec(),
        selects_by_validation: false,
        // The tolerance may end it: a fit chooses its own end.
        length: Length { field: "logistic.max_iterations", unit: "iteration", steps: max_iterations, is_prefix: false },
        preparation: Recipe::default(),
        shifts: 1,
    };
    Ok(Box::new(LogisticLearner { description, settings, copies }))
}

impl Learner for LogisticLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(&self.description, &self.settings)
    }

    fn cost(&self, images: usize) -> f64 {
        // Two products of ten columns, over the fifth of the pixels that has ink.
        let iterations = f64::from(self.settings.logistic.max_iterations);
        1e-9 * 4.0 * (PIXELS / 5 * CLASSES) as f64 * iterations * (images * self.copies.times()) as f64
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augmented = self.copies.augmented(train, context.seed);
        let fit = train_logistic(&self.settings.logistic, augmented.as_ref().unwrap_or(train), validation, context)?;
        Ok(Fitted { classifier: Box::new(fit.model), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedLogistic::load(folder)?))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        None
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

    fn inspect(&self) -> &dyn Inspect {
        self
    }
}

impl Inspect for TrainedLogistic {
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
