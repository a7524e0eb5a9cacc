//! Metadata of an exported safetensors file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    nn::{error::NnError, network::config::NetworkConfig},
    storage::Notes,
};

const FORMAT: &str = "digitstack weights 1";

/// Metadata of an exported file: the architecture of its weights, and notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Description {
    format: String,
    pub architecture: NetworkConfig,
    pub notes: BTreeMap<String, String>,
}

impl Description {
    pub fn new(architecture: &NetworkConfig, notes: &Notes) -> Self {
        let notes = notes.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        Self { format: FORMAT.to_owned(), architecture: architecture.clone(), notes }
    }

    pub fn to_text(&self) -> Result<String, NnError> {
        serde_json::to_string(self).map_err(|error| NnError::Execution(error.to_string()))
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let description: Self = serde_json::from_str(text)
            .map_err(|error| format!("has a `digitstack` entry that cannot be read: {error}"))?;
        if description.format != FORMAT {
            return Err(format!("has the format {:?}, expected {FORMAT:?}", description.format));
        }
        description.architecture.check().map_err(|error| format!("describes an invalid net: {error}"))?;
        Ok(description)
    }
}
