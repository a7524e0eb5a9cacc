//! The dense net and the CNN as learners: two names for the one trainer.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Classifier, FitContext, Fitted, Learner, LearnerError, Length, ModelFormat, ModelNotes, Predictor, parse_settings,
    settings_table,
};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    imaging::{Processor, Recipe},
    nn::{
        self, Augment, CnnConfig, DenseConfig, Film, Filters, GradientCheck, NetPredictor, NetworkConfig, Schedule,
        TrainJob, TrainedNet, TrainingConfig, WeightsFile,
    },
    progress::Progress,
    seed::Seed,
};

/// Threads that augment images, or draw for them, and batch them ahead of the trainer when it does not run on the CPU
/// itself.
const DEVICE_FEEDERS: usize = 4;

/// A net to be trained.
#[derive(Clone, Debug)]
pub struct NetLearner {
    name: String,
    network: NetworkConfig,
    training: TrainingConfig,
    augment: Recipe,
    processor: Processor,
}

/// The settings of a member, whichever net it is.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings<N> {
    network: N,
    training: TrainingConfig,
    augment: Recipe,
}

impl NetLearner {
    /// A fully connected net from `network`, `training` and `augment`.
    pub fn dense(name: &str, settings: toml::Table) -> Result<Self, FieldError> {
        let settings: Settings<DenseConfig> = parse_settings(settings)?;
        Self::checked(name, NetworkConfig::Dense(settings.network), settings.training, settings.augment)
    }

    /// A convolutional net from `network`, `training` and `augment`.
    pub fn cnn(name: &str, settings: toml::Table) -> Result<Self, FieldError> {
        let settings: Settings<CnnConfig> = parse_settings(settings)?;
        Self::checked(name, NetworkConfig::Cnn(settings.network), settings.training, settings.augment)
    }

    /// A net of this architecture, with the default training.
    pub fn of_network(name: &str, network: NetworkConfig) -> Result<Self, FieldError> {
        Self::checked(name, network, TrainingConfig::default(), Recipe::default())
    }

    fn checked(
        name: &str,
        network: NetworkConfig,
        training: TrainingConfig,
        augment: Recipe,
    ) -> Result<Self, FieldError> {
        network.check().map_err(|error| error.inside("network"))?;
        training.check().map_err(|error| error.inside("training"))?;
        training.check_loss(&network).map_err(|error| error.inside("training"))?;
        let processor = augment.compile().map_err(|error| error.inside("augment"))?;
        Ok(Self { name: name.to_owned(), network, training, augment, processor })
    }

    /// The architecture.
    pub fn network(&self) -> &NetworkConfig {
        &self.network
    }

    /// How it is trained.
    pub fn training(&self) -> &TrainingConfig {
        &self.training
    }
}

impl Learner for NetLearner {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        match self.network {
            NetworkConfig::Dense(_) => "dense",
            NetworkConfig::Cnn(_) => "cnn",
        }
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        let (training, augment) = (self.training.clone(), self.augment.clone());
        match &self.network {
            NetworkConfig::Dense(network) => {
                settings_table(self, &Settings { network: network.clone(), training, augment })
            }
            NetworkConfig::Cnn(network) => {
                settings_table(self, &Settings { network: network.clone(), training, augment })
            }
        }
    }

    fn summary(&self) -> String {
        let parameters = self.network.parameters();
        let layers = match &self.network {
            NetworkConfig::Dense(dense) => format!("784{}–10 {:?}", widths(&dense.hidden), dense.activation),
            NetworkConfig::Cnn(cnn) => {
                format!("convolutions {}{}–10 {:?}", cnn.filters_by_block(), widths(&cnn.hidden), cnn.activation)
            }
        };
        format!("{layers}, {parameters} parameters, {} epochs", self.training.epochs)
    }

    fn layers(&self) -> Vec<(String, String)> {
        self.network.layers()
    }

    fn selects_by_validation(&self) -> bool {
        self.training.keep_best_epoch || self.training.early_stopping.is_some()
    }

    fn runs_on_device(&self) -> bool {
        true
    }

    fn length(&self) -> Length {
        let is_prefix = self.training.schedule == Schedule::Constant && !self.selects_by_validation();
        Length { field: "training.epochs", unit: "epoch", steps: self.training.epochs, is_prefix }
    }

    fn work(&self, images: usize) -> f64 {
        // Forward, and twice that backward.
        3e-9 * self.network.operations_per_image() * images as f64 * f64::from(self.training.epochs)
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augment: Option<&dyn Augment> = if self.augment.steps.is_empty() { None } else { Some(&self.processor) };
        let job = TrainJob {
            seed: context.seed,
            device: context.device,
            checkpoint: context.checkpoint,
            progress: context.progress,
            name: context.label,
            cancel: context.cancel,
            observe: context.observe,
            feeders: if context.device.is_cpu() { context.threads - 1 } else { DEVICE_FEEDERS },
        };
        let net = nn::train(&self.network, &self.training, train, validation, augment, &job)?;
        let (history, timing) = (net.history().clone(), net.timing().clone());
        Ok(Fitted { classifier: Box::new(net), history, timing })
    }

    fn overfitting(&self, images: usize, epochs: u32) -> Option<Box<dyn Learner>> {
        let (network, training) = (self.network.without_dropout(), self.training.overfitting(images, epochs));
        Some(Box::new(Self {
            network,
            training,
            augment: Recipe::default(),
            processor: Processor::default(),
            ..self.clone()
        }))
    }

    fn check_gradients(
        &self,
        seed: Seed,
        device: &nn::ChosenDevice,
        progress: &dyn Progress,
    ) -> Option<Result<Vec<GradientCheck>, LearnerError>> {
        let checked = nn::check_member_gradients(&self.name, &self.network, &self.training, seed, device, progress);
        Some(checked.map_err(LearnerError::from))
    }

    fn load(&self, folder: &Path, device: &nn::ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(TrainedNet::load(folder, device)?))
    }

    fn import(&self, weights: &WeightsFile, device: &nn::ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(weights.to_net(&self.network, device)?))
    }
}

/// `–80–28`, without the layers that are absent.
fn widths(hidden: &[usize]) -> String {
    hidden.iter().filter(|&&units| units > 0).map(|units| format!("–{units}")).collect()
}

impl Classifier for TrainedNet {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(TrainedNet::predict_proba(self, images)?)
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        Ok(TrainedNet::save(self, folder)?)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(NetPredictor::new(self)?))
    }

    fn parameters(&self) -> Option<u64> {
        Some(self.config().parameters() as u64)
    }

    fn formats(&self) -> &'static [ModelFormat] {
        &[ModelFormat::Safetensors, ModelFormat::Onnx, ModelFormat::Json]
    }

    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        let texts = notes.texts();
        Ok(match format {
            ModelFormat::Safetensors => self.to_safetensors(&texts)?,
            ModelFormat::Onnx => self.to_onnx(&texts)?,
            ModelFormat::Json => self.to_json(&texts)?,
            ModelFormat::Lightgbm => return Err(LearnerError::no_format(self.formats(), format, notes)),
        })
    }

    fn first_layer_filters(&self) -> Option<Filters> {
        TrainedNet::first_layer_filters(self).ok()
    }

    fn film(&self) -> Option<&Film> {
        Some(TrainedNet::film(self)).filter(|film| !film.pictures.is_empty())
    }
}

impl Predictor for NetPredictor {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        NetPredictor::predict_one(self, image)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
