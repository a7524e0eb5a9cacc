//! Study in the log.

use serde_json::{Map, Value};

use super::trial::LoggedTrial;

/// Optuna study in the log: a stage of a search, or the work of another program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedStudy {
    /// Name; `<study>/<stage>` if this program created it.
    pub name: String,
    /// User attributes by name, whoever set them.
    pub attributes: Map<String, Value>,
    /// Trials by number, whoever recorded them.
    pub trials: Vec<LoggedTrial>,
    /// User attributes that this program set.
    pub(super) recorded: Map<String, Value>,
    /// Optuna's numbers of the directions.
    pub(super) directions: Vec<u64>,
}

impl LoggedStudy {
    /// Returns the part of the name before the first `/`; all of it if there is none.
    pub fn study(&self) -> &str {
        self.name.split_once('/').map_or(&self.name, |(study, _)| study)
    }

    /// Returns the part of the name after the first `/`; nothing if there is none.
    pub fn stage(&self) -> &str {
        self.name.split_once('/').map_or("", |(_, stage)| stage)
    }

    /// Returns an attribute as this program set it last, whatever other programs wrote since.
    pub fn recorded(&self, key: &str) -> Option<&Value> {
        self.recorded.get(key)
    }
}
