//! Decision tree over the members' probabilities.
//!
//! It is reported beside the stack because it shows how a meta-model overfits: with depth and small leaves it memorises
//! its training rows. It is CART with Gini impurity as scikit-learn's `DecisionTreeClassifier` grows it, except for
//! splits of equal gain, where scikit-learn draws at random and this takes the first feature and threshold. Existing
//! crates store only the class of a leaf or break ties by hash order; a leaf here stores the counts of its classes.

mod config;
mod grow;
mod node;

use serde::{Deserialize, Serialize};

use super::{error::StackingError, metafeatures::Metafeatures};
use crate::data::CLASSES;
use node::Node;

pub use config::TreeConfig;

impl TreeConfig {
    pub(super) fn fit(&self, features: &Metafeatures, labels: &[u8]) -> Result<Tree, StackingError> {
        self.check()?;
        Ok(Tree { members: features.members(), nodes: grow::grow(features, labels, self) })
    }
}

/// Fitted decision tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    members: usize,
    /// Nodes in preorder: a split is followed by its left branch, then by its right one.
    nodes: Vec<Node>,
}

impl Tree {
    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf { .. })).count()
    }

    /// Splits in preorder: the feature (member · 10 + class) and the threshold; values up to the threshold go left.
    pub fn splits(&self) -> impl Iterator<Item = (usize, f64)> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Split { feature, threshold, .. } => Some((*feature, *threshold)),
            Node::Leaf { .. } => None,
        })
    }

    pub(super) fn members(&self) -> usize {
        self.members
    }

    /// Fractions of the classes in the leaf of an image with these features, `[10 · members]`.
    pub(super) fn distribution(&self, row: &[f32]) -> [f64; CLASSES] {
        let counts = self.leaf_of(row);
        let sum: f64 = counts.iter().copied().map(f64::from).sum();
        counts.map(|count| f64::from(count) / sum)
    }

    fn leaf_of(&self, row: &[f32]) -> &[u32; CLASSES] {
        let mut index = 0;
        loop {
            match &self.nodes[index] {
                Node::Split { feature, threshold, right } => {
                    index = if f64::from(row[*feature]) <= *threshold { index + 1 } else { *right };
                }
                Node::Leaf { counts } => return counts,
            }
        }
    }

    /// Checks that the nodes are one tree in preorder, so that every path from the root goes forward and ends in a
    /// leaf.
    pub(super) fn validate(&self) -> Result<(), String> {
        let width = self.members.checked_mul(CLASSES).filter(|&width| width > 0);
        let width = width.ok_or_else(|| format!("members: found {}, expected at least 1", self.members))?;
        let mut right_branches = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let begins_right_branch = index > 0 && matches!(self.nodes[index - 1], Node::Leaf { .. });
            if begins_right_branch && right_branches.pop() != Some(index) {
                return Err(format!("nodes[{index}]: no split's right branch begins here"));
            }
            match node {
                Node::Split { feature, threshold, right } => {
                    if *feature >= width || !threshold.is_finite() {
                        return Err(format!(
                            "nodes[{index}]: found feature {feature} and threshold {threshold}, expected a feature \
                             below {width} and a finite threshold"
                        ));
                    }
                    right_branches.push(*right);
                }
                Node::Leaf { counts } if counts.iter().all(|&count| count == 0) => {
                    return Err(format!("nodes[{index}]: a leaf without images"));
                }
                Node::Leaf { .. } => {}
            }
        }
        match (self.nodes.last(), right_branches.last()) {
            (None, _) => Err("nodes: there is none".to_owned()),
            (Some(_), Some(right)) => Err(format!("nodes: a right branch should begin at {right}, after the end")),
            (Some(_), None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
