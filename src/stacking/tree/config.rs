//! Settings of the decision tree.

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

/// Greatest depth allowed.
const DEEPEST: usize = 64;

/// Settings of the decision tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TreeConfig {
    /// Greatest number of splits from the root to a leaf, 1 to 64; separating ten digits one by one takes 9. Default 12.
    pub max_depth: usize,
    /// Least number of training images in a leaf, 1 or more. Default 20.
    pub min_samples_leaf: usize,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self { max_depth: 12, min_samples_leaf: 20 }
    }
}

impl TreeConfig {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        if !(1..=DEEPEST).contains(&self.max_depth) {
            return Err(FieldError::new("max_depth", format!("found {}, expected 1 to {DEEPEST}", self.max_depth)));
        }
        if self.min_samples_leaf == 0 {
            return Err(FieldError::new("min_samples_leaf", "found 0, expected at least 1"));
        }
        Ok(())
    }
}
