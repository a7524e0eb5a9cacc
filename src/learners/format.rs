//! Export formats of models, and the notes in an exported file.

use std::{fmt, str::FromStr};

use crate::storage::Notes;

/// Export format for other programs. No model has all of them; see [`Inspect::formats`](super::Inspect::formats).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFormat {
    /// Arrays as [safetensors](https://github.com/huggingface/safetensors); those of a net have PyTorch's names.
    Safetensors,
    /// A net as an [ONNX](https://onnx.ai) graph.
    Onnx,
    /// A booster as LightGBM's model text.
    Lightgbm,
    /// All values of the model as JSON.
    Json,
}

impl ModelFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Safetensors, Self::Onnx, Self::Lightgbm, Self::Json];

    /// Name of the format: `safetensors`, `onnx`, `lightgbm`, `json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Lightgbm => "lightgbm",
            Self::Json => "json",
        }
    }

    /// Extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Lightgbm => "txt",
            Self::Safetensors | Self::Onnx | Self::Json => self.name(),
        }
    }

    /// Names of formats in one line: `safetensors, onnx`.
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

/// Notes that are written into an exported model, if its format has room for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelNotes {
    /// Name of the model within its run: `cnn/fold-1`.
    pub model: String,
    /// Preprocessing that the model expects: a recipe as JSON, `[]` if there is none.
    pub preparation: String,
    /// Shifts of an image over which the run averages the model's probabilities; 1 if it does not.
    pub shifts: u32,
}

impl ModelNotes {
    /// Key of [`ModelNotes::preparation`] in a file.
    pub const PREPARATION: &str = "preparation";

    /// Key of [`ModelNotes::shifts`] in a file.
    pub const SHIFTS: &str = "shifts";

    /// The notes as texts by key; that of the shifts only where there are several.
    pub fn texts(&self) -> Notes {
        let mut texts = Notes::from([("model", self.model.clone()), (Self::PREPARATION, self.preparation.clone())]);
        if self.shifts > 1 {
            texts.insert(Self::SHIFTS, self.shifts.to_string());
        }
        texts
    }
}
