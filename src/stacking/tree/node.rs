//! Nodes of the decision tree.

use serde::{Deserialize, Serialize};

use crate::data::CLASSES;

/// Node of the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Node {
    /// Split: images whose feature is at most the threshold go left, to the next node; the others to node `right`.
    Split { feature: usize, threshold: f64, right: usize },
    /// Leaf: number of training images of each class.
    Leaf { counts: [u32; CLASSES] },
}
