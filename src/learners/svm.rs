//! The support-vector machine as a learner.

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
    classical::{Gamma, SvmConfig, TrainedSvm, train_svm},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    fit::FitContext,
    imaging::Recipe,
};

/// Support-vector machine to be fitted.
#[derive(Clone, Debug)]
struct SvmLearner {
    description: Description,
    settings: Settings,
    copies: Copies,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Kernel, regularisation and limits.
    svm: SvmConfig,
    /// Random steps for the additional copies of each training image. Default: none.
    augment: Recipe,
    /// Augmented copies of each training image, beside the image itself, 0 to 20. Default 0.
    augment_copies: usize,
}

/// Builds the learner from `svm`, `augment` and `augment_copies`.
pub(super) fn build(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let settings: Settings = parse_settings(settings)?;
    settings.svm.check().map_err(|error| error.inside("svm"))?;
    let copies = Copies::new(&settings.augment, settings.augment_copies)?;
    let kernel = match settings.svm.gamma {
        Gamma::Scale => "RBF kernel, gamma by scale".to_owned(),
        Gamma::Value(gamma) => format!("RBF kernel, gamma = {gamma}"),
    };
    let layers = [
        ("image".to_owned(), format!("{PIXELS} pixels")),
        (kernel.clone(), "one for each support vector".to_owned()),
        ("decisions between pairs of classes, weighted sums".to_owned(), (CLASSES * (CLASSES - 1) / 2).to_string()),
        ("calibration, weighted sums".to_owned(), CLASSES.to_string()),
        ("softmax".to_owned(), CLASSES.to_string()),
    ];
    let description = Description {
        name: name.to_owned(),
        kind: "svm",
        summary: format!("{kernel}, c = {}, one machine for each pair of classes", settings.svm.c),
        layers: layers.to_vec(),
        selects_by_validation: false,
        length: Length::one("svm"),
        preparation: Recipe::default(),
        shifts: 1,
    };
    Ok(Box::new(SvmLearner { description, settings, copies }))
}

impl Learner for SvmLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(&self.description, &self.settings)
    }

    fn cost(&self, images: usize) -> f64 {
        // A pair is a fifth of the images; about a fifth of its kernel matrix is computed. Once for all images, once
        // without each part.
        let pairs = (CLASSES * (CLASSES - 1) / 2) as f64;
        let of_pair = (images * self.copies.times()) as f64 / 5.0;
        let folds = self.settings.svm.calibration_folds as f64;
        1e-9 * pairs * 2.0 * PIXELS as f64 * 0.2 * of_pair * of_pair * (1.0 + folds * ((folds - 1.0) / folds).powi(2))
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augmented = self.copies.augmented(train, context.seed);
        let fit = train_svm(&self.settings.svm, augmented.as_ref().unwrap_or(train), validation, context)?;
        Ok(Fitted { classifier: Box::new(fit.model), history: fit.history, timing: fit.timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedSvm::load(folder)?))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        None
    }
}

impl Classifier for TrainedSvm {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(TrainedSvm::predict_proba(self, images))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        Ok(TrainedSvm::save(self, folder)?)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(self.clone()))
    }

    fn inspect(&self) -> &dyn Inspect {
        self
    }
}

impl Inspect for TrainedSvm {
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
}

impl Predictor for TrainedSvm {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        TrainedSvm::predict_one(self, image)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
