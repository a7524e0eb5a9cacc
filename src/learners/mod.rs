//! The traits that every model meets, and the list of learners by kind.
//!
//! A [`Learner`] is hyperparameters that can be fitted; a [`Classifier`] is the fitted model; a [`Predictor`] is its
//! copy for single images. Stacking, tuning, evaluation, serving and the report know only these. [`build`] turns a
//! configuration table into a learner: adding a model is one file here and one line in its list.

mod booster;
mod classifier;
mod copies;
mod decorated_net;
mod error;
mod format;
mod knn;
mod learner;
mod list;
mod logistic;
mod net;
mod prepared;
mod selection;
mod settings;
mod shifted;
mod svm;

pub use classifier::{Classifier, Inspect, Predictor};
pub use error::LearnerError;
pub use format::{ModelFormat, ModelNotes};
pub use learner::{Description, Fitted, Learner, Length, NetCapabilities};
pub use list::{build, kinds, of_network};
pub(crate) use list::{predict_schema, settings_schemas};
pub use selection::set_aside_for_selection;
pub use settings::parse_settings;
