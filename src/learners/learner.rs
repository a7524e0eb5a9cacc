//! The trait of hyperparameters that can be fitted.

use std::path::Path;

use super::{classifier::Classifier, error::LearnerError};
use crate::{
    data::Digits,
    device::ChosenDevice,
    fit::{FitContext, FitTiming, History},
    imaging::Recipe,
    nn::{GradientCheck, Throughput, WeightsFile},
    progress::Progress,
    seed::Seed,
};

/// Hyperparameters of one model, from which it is fitted or loaded.
///
/// These methods are all that a model has to write. What follows from them is written once, below for every
/// `dyn Learner`.
pub trait Learner: Send + Sync {
    /// Name, kind and other facts that no fit changes.
    fn description(&self) -> &Description;
    /// Every setting, defaults included, as a table that [`build`](super::build) accepts.
    fn settings(&self) -> Result<toml::Table, LearnerError>;
    /// Estimated GFLOP of a fit on so many images; used only to schedule the longest fit first.
    fn cost(&self, images: usize) -> f64;
    /// Fits a model. The same data, seed and build give the same model on a CPU, whatever the number of threads.
    ///
    /// `validation` is evaluated during the fit. A learner that [chooses by it](Description::selects_by_validation)
    /// needs it; any other learns nothing from it.
    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError>;
    /// Reads the files that [`Classifier::save`] wrote.
    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError>;
    /// The methods that only nets have; `None` for every other model.
    ///
    /// There is no default, so that a decorator cannot lose them silently.
    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>>;
}

/// Methods of a learner that is a net.
pub trait NetCapabilities {
    /// Builds the learner of the overfit test: the same architecture and optimizer, `epochs` epochs on `images`
    /// training images, without anything that keeps a net from memorising them (augmentation, dropout, weight decay,
    /// label smoothing).
    fn overfitting(&self, images: usize, epochs: u32) -> Box<dyn Learner>;
    /// Compares the gradients that a fit follows with finite differences.
    fn check_gradients(
        &self,
        seed: Seed,
        device: &ChosenDevice,
        progress: &dyn Progress,
    ) -> Result<Vec<GradientCheck>, LearnerError>;
    /// Measures training and inference for about `seconds` each on built-in digits in memory, `batch` images a step: by
    /// default as many as a fit's. Nothing is prepared or augmented.
    ///
    /// # Errors
    /// Returns the errors of [`throughput`](crate::nn::throughput).
    fn throughput(&self, device: &ChosenDevice, batch: Option<usize>, seconds: f64)
    -> Result<Throughput, LearnerError>;
    /// Builds the fitted net from these settings and weights that were trained elsewhere.
    ///
    /// # Errors
    /// Returns the errors of [`WeightsFile::to_net`].
    fn import(&self, weights: &WeightsFile, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError>;
}

/// Facts about a learner that no fit changes.
#[derive(Clone, Debug)]
pub struct Description {
    /// Name of the member; unique within a run.
    pub name: String,
    /// Name of its entry in the list of [`kinds`](super::kinds).
    pub kind: &'static str,
    /// One line on layers, trees or parameters.
    pub summary: String,
    /// Stages from the image to the ten probabilities: name and output size.
    pub layers: Vec<(String, String)>,
    /// True if a fit chooses something (an epoch, a number of trees) by the validation images it is given. Such images
    /// must then not be the ones that its out-of-fold predictions are for.
    pub selects_by_validation: bool,
    /// Number of steps of a fit, and the setting that holds it.
    pub length: Length,
    /// Steps that an image passes before the model sees it; empty if there are none.
    pub preparation: Recipe,
    /// Shifts of an image over which probabilities are averaged; 1 if the model predicts the image as it is.
    pub shifts: u32,
}

/// Number of steps of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Dotted path of the setting: `training.epochs`, `booster.trees`; for a fit of a single step, the table of its
    /// settings.
    pub field: &'static str,
    /// "epoch", "tree", "iteration" or "fit".
    pub unit: &'static str,
    /// Number of steps.
    pub steps: u32,
    /// True if a shorter fit is the beginning of a longer one, so that the scores of both can be read from one fit.
    /// False under a schedule that depends on the length, or if the fit chooses its own end.
    pub is_prefix: bool,
}

impl Length {
    /// A fit of one step, whose settings are in the table `field`.
    pub(super) fn one(field: &'static str) -> Self {
        Self { field, unit: "fit", steps: 1, is_prefix: false }
    }
}

/// Fitted model with its history and timing.
pub struct Fitted {
    /// The model.
    pub classifier: Box<dyn Classifier>,
    /// Losses and accuracies by epoch, tree or iteration.
    pub history: History,
    /// Wall time of the fit and of its steps.
    pub timing: FitTiming,
}

impl dyn Learner + '_ {
    /// Name of the member; unique within a run.
    pub fn name(&self) -> &str {
        &self.description().name
    }

    /// Name of its entry in the list of [`kinds`](super::kinds).
    pub fn kind(&self) -> &'static str {
        self.description().kind
    }

    /// One line on layers, trees or parameters.
    pub fn summary(&self) -> &str {
        &self.description().summary
    }

    /// Stages from the image to the ten probabilities: name and output size.
    pub fn layers(&self) -> &[(String, String)] {
        &self.description().layers
    }

    /// Whether a fit chooses something by the validation images; see [`Description::selects_by_validation`].
    pub fn selects_by_validation(&self) -> bool {
        self.description().selects_by_validation
    }

    /// Number of steps of a fit, and the setting that holds it.
    pub fn length(&self) -> Length {
        self.description().length
    }

    /// Steps that an image passes before the model sees it; empty if there are none.
    pub fn preparation(&self) -> &Recipe {
        &self.description().preparation
    }

    /// Shifts of an image over which probabilities are averaged; 1 if the model predicts the image as it is.
    pub fn shifts(&self) -> u32 {
        self.description().shifts
    }

    /// True if fits and predictions run on the [`ChosenDevice`]; false if always on the CPU.
    pub fn runs_on_device(&self) -> bool {
        self.net().is_some()
    }

    /// Builds the fitted model from these settings and weights that were trained elsewhere.
    ///
    /// # Errors
    /// [`LearnerError::NoImport`] unless it is a net; otherwise those of [`NetCapabilities::import`].
    pub fn import(&self, weights: &WeightsFile, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        let net = self.net().ok_or_else(|| LearnerError::NoImport { name: self.name().to_owned(), kind: self.kind() });
        net?.import(weights, device)
    }
}
