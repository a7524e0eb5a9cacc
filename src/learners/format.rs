//! The formats that models leave the program in.

use std::{fmt, str::FromStr};

use crate::storage::Notes;

/// A format for other programs. No model has all of them, see [`super::Classifier::formats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFormat {
    /// A net's weights as [safetensors](https://github.com/huggingface/safetensors), by PyTorch's names.
    Safetensors,
    /// A net as an [ONNX](https://onnx.ai) graph.
    Onnx,
    /// A booster as LightGBM's model text.
    Lightgbm,
    /// The model's numbers as JSON.
    Json,
}

impl ModelFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Safetensors, Self::Onnx, Self::Lightgbm, Self::Json];

    /// How it is called: `safetensors`, `onnx`, `lightgbm`, `json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Lightgbm => "lightgbm",
            Self::Json => "json",
        }
    }

    /// How its files' names end, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Lightgbm => "txt",
            Self::Safetensors | Self::Onnx | Self::Json => self.name(),
        }
    }

    /// Some formats' names for people: `safetensors, onnx`.
    pub fn list(formats: &[Self]) -> String {
        if formats.is_empty() {
            return "none".to_owned();
        }
        formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for ModelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || format!("found {name:?}, expected one of {}", Self::list(&Self::ALL));
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(known)
    }
}

/// What travels along with an exported model, where its format has room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelNotes {
    /// Which model of its run: `cnn/fold-1`.
    pub model: String,
    /// What is done to an image before the model sees it: a recipe as JSON, `[]` if nothing is.
    pub preparation: String,
}

impl ModelNotes {
    /// The name of [`ModelNotes::preparation`] among the texts in a file.
    pub const PREPARATION: &str = "preparation";

    /// The notes as texts by name.
    pub fn texts(&self) -> Notes {
        Notes::from([("model", self.model.clone()), (Self::PREPARATION, self.preparation.clone())])
    }
}
