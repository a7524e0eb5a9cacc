//! The traits of fitted models: in batches, one image after another, and for export.

use std::path::Path;

use super::{
    error::LearnerError,
    format::{ModelFormat, ModelNotes},
};
use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities},
    nn::{FilterHistory, Filters},
};

/// Fitted model.
pub trait Classifier: Send + Sync {
    /// Class probabilities, `[n, 10]`, rows sum to 1.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError>;
    /// Copy of the model for single images, on the CPU whatever the device of this one. It holds all that it needs.
    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError>;
    /// Writes the model into an existing folder, in open formats.
    fn save(&self, folder: &Path) -> Result<(), LearnerError>;
    /// The fitted model itself, without decorators, for export and inspection.
    ///
    /// There is no default, so that a decorator cannot lose them silently.
    fn inspect(&self) -> &dyn Inspect;
}

/// Export and inspection of a fitted model.
pub trait Inspect {
    /// Number of values that the fit chose: the weights of a net, the leaves of trees. `None` if the number says
    /// nothing about the model, and by default.
    fn parameters(&self) -> Option<u64> {
        None
    }

    /// Formats that [`Inspect::export`] writes; none by default.
    fn formats(&self) -> &'static [ModelFormat] {
        &[]
    }

    /// The model as the bytes of a file for other programs.
    ///
    /// # Errors
    /// [`LearnerError::NoFormat`] if the format is none of [`Inspect::formats`].
    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        Err(LearnerError::no_format(self.formats(), format, notes))
    }

    /// Weights of the first layer as images, if the model has such a layer.
    fn first_layer_filters(&self) -> Option<Filters> {
        None
    }

    /// Snapshots of the first layer's filters during training, if they were recorded.
    fn filter_history(&self) -> Option<&FilterHistory> {
        None
    }
}

impl dyn Classifier + '_ {
    /// Number of values that the fit chose; see [`Inspect::parameters`].
    pub fn parameters(&self) -> Option<u64> {
        self.inspect().parameters()
    }

    /// Formats that [`export`](Inspect::export) writes.
    pub fn formats(&self) -> &'static [ModelFormat] {
        self.inspect().formats()
    }

    /// The model as the bytes of a file for other programs.
    ///
    /// # Errors
    /// Returns the errors of [`Inspect::export`].
    pub fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        self.inspect().export(format, notes)
    }

    /// Weights of the first layer as images, if the model has such a layer.
    pub fn first_layer_filters(&self) -> Option<Filters> {
        self.inspect().first_layer_filters()
    }

    /// Snapshots of the first layer's filters during training, if they were recorded.
    pub fn filter_history(&self) -> Option<&FilterHistory> {
        self.inspect().filter_history()
    }
}

/// Fitted model that predicts one image after another on the calling thread. A prediction allocates nothing.
pub trait Predictor: Send {
    /// Class probabilities, which sum to 1; those of [`Classifier::predict_proba`] up to rounding.
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES];
    /// A copy for another thread. Both share the model.
    fn another(&self) -> Box<dyn Predictor>;
}

impl Clone for Box<dyn Predictor> {
    fn clone(&self) -> Self {
        (**self).another()
    }
}
