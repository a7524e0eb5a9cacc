//! The traits that every model meets, and the list of learners by name.
//!
//! A [`Learner`] is hyperparameters that can be fitted; a [`Classifier`] is the fitted model; a [`Predictor`] is its
//! copy for single images. Stacking, tuning, evaluation, serving and the report know only these. [`build`] turns a
//! configuration table into a learner: adding a model is one file here and one line in its list.

mod booster;
mod copies;
mod format;
mod logistic;
mod net;
mod prepared;
mod selection;
mod settings;
mod shared;
mod svm;

use std::path::Path;

use serde::Serialize;

use crate::{
    boosting::BoostingError,
    classical::{ClassicalError, ClassicalJob},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities},
    device::ChosenDevice,
    fit::{FitTiming, History, Observe},
    imaging::Recipe,
    nn::{FilterHistory, Filters, GradientCheck, NetworkConfig, NnError, WeightsFile},
    progress::{Cancel, Progress},
    seed::Seed,
};

pub use booster::BoosterLearner;
pub use format::{ModelFormat, ModelNotes};
pub use logistic::LogisticLearner;
pub use net::NetLearner;
pub use selection::set_aside_for_selection;
pub use settings::parse_settings;
pub use shared::Shared;
pub use svm::SvmLearner;

/// Hyperparameters that can be fitted.
pub trait Learner: Send + Sync {
    /// What this member of a stack is called; unique within a run.
    fn name(&self) -> &str;
    /// Which entry of the list built it: `dense`, `cnn`, `booster`, `logistic`, `svm`.
    fn kind(&self) -> &'static str;
    /// Every setting, defaults included, as a table that [`build`] accepts.
    fn settings(&self) -> Result<toml::Table, LearnerError>;
    /// One line for people: layers, trees, parameters.
    fn summary(&self) -> String;
    /// What an image passes on its way to the ten probabilities: each stage and the size of what it gives.
    fn layers(&self) -> Vec<(String, String)>;
    /// True if a fit chooses something (an epoch, a number of trees) by the validation images it is given. Such images
    /// must then not be the ones that its out-of-fold predictions are for.
    fn selects_by_validation(&self) -> bool;
    /// True if the work runs on the [`ChosenDevice`]; false if always on the CPU.
    fn runs_on_device(&self) -> bool;
    /// How long a fit is, and which setting says so.
    fn length(&self) -> Length;
    /// Rough work of a fit on so many images, in billions of operations: orders jobs, nothing else.
    fn work(&self, images: usize) -> f64;
    /// What is done to an image that comes to a model of this learner before anything else; nothing by default.
    fn preparation(&self) -> Recipe {
        Recipe::default()
    }
    /// Fits a model. The same data, seed and build give the same model on a CPU, whatever the number of threads.
    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError>;
    /// The same model and update rule as a check that it can learn at all: for so many epochs on so few images that it
    /// must know them by heart, without anything that keeps a model from that. `None` for a learner that the check says
    /// nothing about, and by default.
    fn overfitting(&self, _images: usize, _epochs: u32) -> Option<Box<dyn Learner>> {
        None
    }
    /// Measures the gradients that a fit follows. `None` for a learner without any, and by default.
    fn check_gradients(
        &self,
        _seed: Seed,
        _device: &ChosenDevice,
        _progress: &dyn Progress,
    ) -> Option<Result<Vec<GradientCheck>, LearnerError>> {
        None
    }
    /// Reads what [`Classifier::save`] wrote.
    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError>;
    /// The model with these settings and weights that were trained elsewhere.
    ///
    /// # Errors
    /// [`LearnerError::NoImport`] unless it is a net; otherwise what [`WeightsFile::to_net`] finds.
    fn import(&self, _weights: &WeightsFile, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Err(LearnerError::NoImport { name: self.name().to_owned(), kind: self.kind() })
    }
}

/// How long a fit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Dotted path of the setting: `training.epochs`, `booster.trees`; for a fit of a single step, the table of its
    /// settings.
    pub field: &'static str,
    /// "epoch", "tree", "iteration" or "fit".
    pub unit: &'static str,
    /// How many.
    pub steps: u32,
    /// True if a shorter fit is the beginning of a longer one, so that the scores of both can be read from one fit.
    /// False under a schedule that depends on the length, or if the fit chooses its own end.
    pub is_prefix: bool,
}

/// A fitted model.
pub trait Classifier: Send + Sync {
    /// Class probabilities, `[n, 10]`, rows sum to 1.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError>;
    /// Writes the model into an existing folder, in open formats.
    fn save(&self, folder: &Path) -> Result<(), LearnerError>;
    /// The model for single images, on the CPU whatever the device of this one. It holds all that it needs.
    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError>;
    /// Numbers that the fit chose: the weights of a net, the leaves of trees. `None` if that says nothing about the
    /// model, and by default.
    fn parameters(&self) -> Option<u64> {
        None
    }
    /// The formats that [`Classifier::export`] writes.
    fn formats(&self) -> &'static [ModelFormat] {
        &[]
    }
    /// The model as a file for other programs.
    ///
    /// # Errors
    /// [`LearnerError::NoFormat`] if it is none of [`Classifier::formats`].
    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        Err(LearnerError::no_format(self.formats(), format, notes))
    }
    /// What the first layer looks for, if the model has one.
    fn first_layer_filters(&self) -> Option<Filters> {
        None
    }
    /// The same while it was trained, if it was asked to keep that.
    fn filter_history(&self) -> Option<&FilterHistory> {
        None
    }
}

/// A fitted model that predicts one image after another, on the calling thread. It allocates nothing while it does.
pub trait Predictor: Send {
    /// Class probabilities, which sum to 1; those of [`Classifier::predict_proba`] but for rounding.
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES];
    /// One more, for another thread. Both share the model.
    fn another(&self) -> Box<dyn Predictor>;
}

impl Clone for Box<dyn Predictor> {
    fn clone(&self) -> Self {
        (**self).another()
    }
}

/// What a fit gives.
pub struct Fitted {
    /// The model.
    pub classifier: Box<dyn Classifier>,
    /// Its course, by epoch, tree or iteration.
    pub history: History,
    /// How long it took.
    pub timing: FitTiming,
}

/// What surrounds a fit.
pub struct FitContext<'a> {
    /// Of this fit alone.
    pub seed: Seed,
    /// Where nets run.
    pub device: &'a ChosenDevice,
    /// Threads this fit may use; it runs inside a rayon pool of that size.
    pub threads: usize,
    /// A file that this fit may keep its state in, to continue after a crash.
    pub checkpoint: Option<&'a Path>,
    /// Watches.
    pub progress: &'a dyn Progress,
    /// How the fit is called on progress bars: `cnn, fold 2`.
    pub label: &'a str,
    /// Asks it to stop.
    pub cancel: &'a Cancel,
    /// Sees every step that is validated and may end the fit there; it then fails as if it was cancelled, and its
    /// checkpoint stays. A fit that goes on from a checkpoint shows it the earlier steps first.
    pub observe: Option<&'a Observe<'a>>,
    /// What it shares with other fits on the very same training images.
    pub shared: Option<&'a Shared>,
}

impl<'a> FitContext<'a> {
    /// The part of it that a classical model asks for.
    fn classical(&self) -> ClassicalJob<'a> {
        let Self { seed, progress, label, cancel, observe, .. } = *self;
        ClassicalJob { seed, progress, name: label, cancel, observe }
    }
}

/// Why a learner failed.
#[derive(Debug, thiserror::Error)]
pub enum LearnerError {
    /// In a net.
    #[error(transparent)]
    Net(#[from] NnError),
    /// In the booster.
    #[error(transparent)]
    Booster(#[from] BoostingError),
    /// In a regression or a support-vector machine.
    #[error(transparent)]
    Classical(#[from] ClassicalError),
    /// In settings that are not the user's.
    #[error("a setting of the program's own: {0}")]
    Setting(FieldError),
    /// A model that this format cannot hold.
    #[error("`{model}` cannot be written as {format}; formats of such a model: {}", ModelFormat::list(formats))]
    NoFormat {
        /// The model.
        model: String,
        /// What was asked for.
        format: ModelFormat,
        /// What there is.
        formats: &'static [ModelFormat],
    },
    /// Weights for something that is no net.
    #[error("`{name}` is a {kind}; weights can be imported into a net (kind `dense` or `cnn`) alone")]
    NoImport {
        /// The member.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// Settings that cannot be written.
    #[error("the settings of `{name}` cannot be written as TOML: {source}")]
    Settings {
        /// The member.
        name: String,
        /// What the writer says.
        source: toml::ser::Error,
    },
}

impl LearnerError {
    /// A model that this format cannot hold.
    fn no_format(formats: &'static [ModelFormat], format: ModelFormat, notes: &ModelNotes) -> Self {
        Self::NoFormat { model: notes.model.clone(), format, formats }
    }

    /// True if the fit stopped because it was asked to.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Net(NnError::Cancelled { .. })
                | Self::Booster(BoostingError::Cancelled { .. })
                | Self::Classical(ClassicalError::Cancelled { .. })
        )
    }

    /// True if the loss left the numbers: a matter of the settings, not of the machine.
    pub fn is_divergence(&self) -> bool {
        matches!(self, Self::Net(NnError::Diverged { .. }))
    }

    /// True if a file could not be read or written: a matter of the disk, whatever was fitted.
    pub fn is_storage(&self) -> bool {
        matches!(
            self,
            Self::Net(NnError::Io { .. })
                | Self::Booster(BoostingError::Io { .. })
                | Self::Classical(ClassicalError::Io { .. })
        )
    }
}

/// Builds a learner called `name` from its settings.
type Build = fn(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError>;

/// Every kind of learner: its name in a configuration, what it is, how it is built.
const KINDS: [(&str, &str, Build); 5] = [
    ("dense", "fully connected net", |name, settings| NetLearner::dense(name, settings).map(boxed)),
    ("cnn", "VGG-style convolutional net", |name, settings| NetLearner::cnn(name, settings).map(boxed)),
    ("booster", "LightGBM gradient-boosted trees", |name, settings| BoosterLearner::new(name, settings).map(boxed)),
    ("logistic", "multinomial logistic regression on the pixels", |name, settings| {
        LogisticLearner::new(name, settings).map(boxed)
    }),
    ("svm", "support-vector machine with an RBF kernel", |name, settings| SvmLearner::new(name, settings).map(boxed)),
];

fn boxed<L: Learner + 'static>(learner: L) -> Box<dyn Learner> {
    Box::new(learner)
}

/// The names of all kinds with a few words on each.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|(name, about, _)| (*name, *about))
}

/// Builds a learner from the table of a `[[members]]` entry: `name`, `kind`, `prepare` (steps that this member alone
/// sees its images through) and the settings of that kind.
///
/// # Errors
/// The field that is missing, unknown, of the wrong type or impossible.
pub fn build(mut table: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let mut text = |field: &str| match table.remove(field) {
        Some(toml::Value::String(text)) => Ok(text),
        Some(other) => Err(FieldError::new(field, format!("found {} `{other}`, expected a string", other.type_str()))),
        None => Err(FieldError::new(field, "is missing; every member has a `name` and a `kind`")),
    };
    let (name, kind) = (text("name")?, text("kind")?);
    check_name(&name)?;
    let recipe: Recipe = match table.remove(prepared::FIELD) {
        Some(recipe) => recipe
            .try_into()
            .map_err(|error: toml::de::Error| FieldError::new(prepared::FIELD, error.message().trim()))?,
        None => Recipe::default(),
    };
    let Some((_, _, build)) = KINDS.iter().find(|(known, _, _)| *known == kind) else {
        let known: Vec<_> = kinds().map(|(kind, _)| format!("`{kind}`")).collect();
        return Err(FieldError::new("kind", format!("found `{kind}`, expected one of {}", known.join(", "))));
    };
    let learner = build(&name, table)?;
    if recipe.steps.is_empty() { Ok(learner) } else { prepared::PreparedLearner::new(learner, recipe).map(boxed) }
}

/// The learner of a net of this architecture, with the default training.
///
/// # Errors
/// If the name is none or the architecture impossible.
pub fn of_network(name: &str, network: &NetworkConfig) -> Result<Box<dyn Learner>, FieldError> {
    check_name(name)?;
    NetLearner::of_network(name, network.clone()).map(boxed)
}

/// Refuses what cannot name a member.
fn check_name(name: &str) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || !name.chars().all(allowed) {
        return Err(FieldError::new(
            "name",
            format!("found {name:?}, expected 1 to 40 of a–z, 0–9 and `-` (it names a folder)"),
        ));
    }
    Ok(())
}

/// A table of the settings of a member, `name` and `kind` first.
fn settings_table(learner: &dyn Learner, settings: &impl Serialize) -> Result<toml::Table, LearnerError> {
    let error = |source| LearnerError::Settings { name: learner.name().to_owned(), source };
    let mut table = toml::Table::new();
    table.insert("name".into(), learner.name().into());
    table.insert("kind".into(), learner.kind().into());
    table.extend(toml::Table::try_from(settings).map_err(error)?);
    Ok(table)
}
