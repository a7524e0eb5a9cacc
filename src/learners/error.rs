//! Errors of learners and fitted models.

use std::path::PathBuf;

use super::format::{ModelFormat, ModelNotes};
use crate::{boosting::BoostingError, classical::ClassicalError, data::FieldError, nn::NnError};

/// Error of a learner or a fitted model.
#[derive(Debug, thiserror::Error)]
pub enum LearnerError {
    /// In a net.
    #[error(transparent)]
    Net(#[from] NnError),
    /// In a booster.
    #[error(transparent)]
    Booster(#[from] BoostingError),
    /// In a classical model.
    #[error(transparent)]
    Classical(#[from] ClassicalError),
    /// In a setting that the program chose itself.
    #[error("a setting of the program's own: {0}")]
    Setting(FieldError),
    /// The model cannot be written in the format asked for.
    #[error("`{model}` cannot be written as {format}; formats of such a model: {}", ModelFormat::list(formats))]
    NoFormat {
        /// Name of the model.
        model: String,
        /// Format asked for.
        format: ModelFormat,
        /// Formats of the model.
        formats: &'static [ModelFormat],
    },
    /// A saved net has another architecture than the settings of its member.
    #[error("{} holds a net of another architecture than the settings of `{name}` describe", folder.display())]
    OtherNet {
        /// Folder of the net.
        folder: PathBuf,
        /// Name of the member.
        name: String,
    },
    /// Weights were to be imported into a model that is no net.
    #[error("`{name}` is a {kind}; weights can only be imported into a net (kind `dense` or `cnn`)")]
    NoImport {
        /// Name of the member.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// The settings cannot be written as TOML.
    #[error("the settings of `{name}` cannot be written as TOML: {source}")]
    Settings {
        /// Name of the member.
        name: String,
        /// Error of the writer.
        source: toml::ser::Error,
    },
}

impl LearnerError {
    /// The error of a format that a model cannot be written in.
    pub(super) fn no_format(formats: &'static [ModelFormat], format: ModelFormat, notes: &ModelNotes) -> Self {
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

    /// True if the loss became NaN or infinite: the settings are to blame, not the machine.
    pub fn is_divergence(&self) -> bool {
        matches!(self, Self::Net(NnError::Diverged { .. }))
    }

    /// True if a file could not be read or written: the disk is to blame, whatever was fitted.
    pub fn is_storage(&self) -> bool {
        matches!(
            self,
            Self::Net(NnError::Io { .. })
                | Self::Booster(BoostingError::Io { .. })
                | Self::Classical(ClassicalError::Io { .. })
        )
    }
}
