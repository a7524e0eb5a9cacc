//! The dense net and the CNN as learners: two kinds, one trainer.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    classifier::{Classifier, Inspect, Predictor},
    error::LearnerError,
    format::{ModelFormat, ModelNotes},
    learner::{Description, Fitted, Learner, Length, NetCapabilities},
    settings::{parse_settings, settings_table},
};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    fit::FitContext,
    imaging::{Processor, Recipe},
    nn::{
        self, Augment, CnnConfig, DenseConfig, FilterHistory, Filters, GradientCheck, NetPredictor, NetworkConfig,
        Schedule, Throughput, TrainedNet, TrainingConfig, WeightsFile,
    },
    progress::Progress,
    seed::Seed,
};

/// Net to be trained.
#[derive(Clone, Debug)]
struct NetLearner {
    description: Description,
    network: NetworkConfig,
    training: TrainingConfig,
    augment: Recipe,
    processor: Processor,
}

/// Settings of a member, whichever net it is.
#[derive(Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(bound = "N: Default + Serialize + schemars::JsonSchema")]
pub(super) struct Settings<N> {
    /// Layers of the net.
    network: N,
    /// Training of the net.
    training: TrainingConfig,
    /// Random steps that each training image passes anew in every epoch. Default: none.
    augment: Recipe,
}

/// Builds a fully connected net from `network`, `training` and `augment`.
pub(super) fn dense(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let Settings { network, training, augment } = parse_settings::<Settings<DenseConfig>>(settings)?;
    Ok(Box::new(NetLearner::new(name, NetworkConfig::Dense(network), training, augment)?))
}

/// Builds a convolutional net from `network`, `training` and `augment`.
pub(super) fn cnn(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let Settings { network, training, augment } = parse_settings::<Settings<CnnConfig>>(settings)?;
    Ok(Box::new(NetLearner::new(name, NetworkConfig::Cnn(network), training, augment)?))
}

/// Builds a net of this architecture, with the default training.
pub(super) fn of_network(name: &str, network: NetworkConfig) -> Result<Box<dyn Learner>, FieldError> {
    Ok(Box::new(NetLearner::new(name, network, TrainingConfig::default(), Recipe::default())?))
}

impl NetLearner {
    fn new(name: &str, network: NetworkConfig, training: TrainingConfig, augment: Recipe) -> Result<Self, FieldError> {
        network.check().map_err(|error| error.inside("network"))?;
        training.check().map_err(|error| error.inside("training"))?;
        training.check_loss(&network).map_err(|error| error.inside("training"))?;
        let processor = augment.compile().map_err(|error| error.inside("augment"))?;
        Ok(Self { description: description(name, &network, &training), network, training, augment, processor })
    }
}

fn description(name: &str, network: &NetworkConfig, training: &TrainingConfig) -> Description {
    let (kind, shape) = match network {
        NetworkConfig::Dense(dense) => ("dense", format!("784{}–10 {:?}", widths(&dense.hidden), dense.activation)),
        NetworkConfig::Cnn(cnn) => {
            let (filters, hidden) = (cnn.filters_by_block(), widths(&cnn.hidden));
            ("cnn", format!("convolutions {filters}{hidden}–10 {:?}", cnn.activation))
        }
    };
    let selects_by_validation = training.keep_best_epoch || training.early_stopping.is_some();
    Description {
        name: name.to_owned(),
        kind,
        summary: format!("{shape}, {} parameters, {} epochs", network.parameters(), training.epochs),
        layers: network.layers(),
        selects_by_validation,
        length: Length {
            field: "training.epochs",
            unit: "epoch",
            steps: training.epochs,
            is_prefix: training.schedule == Schedule::Constant && !selects_by_validation,
        },
        preparation: Recipe::default(),
        shifts: 1,
    }
}

impl Learner for NetLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        let (training, augment) = (self.training.clone(), self.augment.clone());
        match &self.network {
            NetworkConfig::Dense(network) => {
                settings_table(&self.description, &Settings { network: network.clone(), training, augment })
            }
            NetworkConfig::Cnn(network) => {
                settings_table(&self.description, &Settings { network: network.clone(), training, augment })
            }
        }
    }

    fn cost(&self, images: usize) -> f64 {
        // Forward, and twice that backward.
        3e-9 * self.network.operations_per_image() * images as f64 * f64::from(self.training.epochs)
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let augment: Option<&dyn Augment> = if self.augment.steps.is_empty() { None } else { Some(&self.processor) };
        let net = nn::train(&self.network, &self.training, train, validation, augment, context)?;
        let (history, timing) = (net.history().clone(), net.timing().clone());
        Ok(Fitted { classifier: Box::new(net), history, timing })
    }

    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        let net = TrainedNet::load(folder, device)?;
        if *net.config() != self.network {
            let name = self.description.name.clone();
            return Err(LearnerError::OtherNet { folder: folder.to_owned(), name });
        }
        Ok(Box::new(net))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        Some(Box::new(self))
    }
}

impl NetCapabilities for &NetLearner {
    fn overfitting(&self, images: usize, epochs: u32) -> Box<dyn Learner> {
        let (network, training) = (self.network.without_dropout(), self.training.overfitting(images, epochs));
        Box::new(NetLearner {
            description: description(&self.description.name, &network, &training),
            network,
            training,
            augment: Recipe::default(),
            processor: Processor::default(),
        })
    }

    fn check_gradients(
        &self,
        seed: Seed,
        device: &ChosenDevice,
        progress: &dyn Progress,
    ) -> Result<Vec<GradientCheck>, LearnerError> {
        let name = &self.description.name;
        Ok(nn::check_member_gradients(name, &self.network, &self.training, seed, device, progress)?)
    }

    fn throughput(
        &self,
        device: &ChosenDevice,
        batch: Option<usize>,
        seconds: f64,
    ) -> Result<Throughput, LearnerError> {
        let TrainingConfig { optimizer, loss, batch_size, .. } = &self.training;
        Ok(nn::throughput(&self.network, optimizer, *loss, device, batch.unwrap_or(*batch_size), seconds)?)
    }

    fn import(&self, weights: &WeightsFile, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(Box::new(weights.to_net(&self.network, device)?))
    }
}

/// Widths of the hidden layers as `–80–28`; a width of 0 means no layer.
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

    fn inspect(&self) -> &dyn Inspect {
        self
    }
}

impl Inspect for TrainedNet {
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

    fn filter_history(&self) -> Option<&FilterHistory> {
        Some(TrainedNet::filter_history(self)).filter(|history| !history.snapshots.is_empty())
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
