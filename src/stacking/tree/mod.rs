//! A decision tree over the members' probabilities.
//!
//! It is reported beside the stack because it shows what a meta-model must not do: with depth and small leaves it
//! memorises its training rows. It is CART with Gini impurity as scikit-learn's `DecisionTreeClassifier` grows it, up
//! to splits of equal gain, where scikit-learn draws lots and this takes the first feature and threshold. Available
//! crates keep only a leaf's class or break ties by hash order; a leaf here keeps the counts of its classes.

mod grow;

use serde::{Deserialize, Serialize};

use super::{Metafeatures, StackingError};
use crate::data::{CLASSES, FieldError};

/// Deepest tree that may be asked for.
const DEEPEST: usize = 64;

/// Settings of the decision tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeConfig {
    /// Most splits between the root and a leaf, 1 to 64; default 12. Telling ten digits apart one by one takes 9.
    pub max_depth: usize,
    /// Fewest training images in a leaf, at least 1; default 20.
    pub min_samples_leaf: usize,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self { max_depth: 12, min_samples_leaf: 20 }
    }
}

impl TreeConfig {
    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), FieldError> {
        if !(1..=DEEPEST).contains(&self.max_depth) {
            return Err(FieldError::new("max_depth", format!("found {}, expected 1 to {DEEPEST}", self.max_depth)));
        }
        if self.min_samples_leaf == 0 {
            return Err(FieldError::new("min_samples_leaf", "found 0, expected at least 1"));
        }
        Ok(())
    }

    pub(super) fn fit(&self, features: &Metafeatures, labels: &[u8]) -> Result<Tree, StackingError> {
        self.check()?;
        Ok(Tree { members: features.members(), nodes: grow::grow(features, labels, self) })
    }
}

/// A fitted decision tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    members: usize,
    /// In preorder: a split is followed by its left branch, then by its right one.
    nodes: Vec<Node>,
}

/// A place in the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Node {
    /// Images whose feature is at most the threshold go left, to the next node; the others to node `right`.
    Split { feature: usize, threshold: f64, right: usize },
    /// Training images of each class that ended here.
    Leaf { counts: [u32; CLASSES] },
}

impl Tree {
    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf { .. })).count()
    }

    /// Its splits in preorder: the feature (member · 10 + class) and the threshold; what is at most the threshold goes
    /// left.
    pub fn splits(&self) -> impl Iterator<Item = (usize, f64)> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Split { feature, threshold, .. } => Some((*feature, *threshold)),
            Node::Leaf { .. } => None,
        })
    }

    pub(super) fn members(&self) -> usize {
        self.members
    }

    /// The shares of the classes in the leaf of an image with these features, `[10 · members]`.
    pub(super) fn distribution(&self, row: &[f32]) -> [f64; CLASSES] {
        let counts = self.leaf_of(row);
        let sum: f64 = counts.iter().copied().map(f64::from).sum();
        counts.map(|count| f64::from(count) / sum)
    }

    fn leaf_of(&self, row: &[f32]) -> &[u32; CLASSES] {
        let mut place = 0;
        loop {
            match &self.nodes[place] {
                Node::Split { feature, threshold, right } => {
                    place = if f64::from(row[*feature]) <= *threshold { place + 1 } else { *right };
                }
                Node::Leaf { counts } => return counts,
            }
        }
    }

    /// Checks that the nodes are one tree in preorder, so that every walk from the root goes forward and ends in a
    /// leaf.
    pub(super) fn validate(&self) -> Result<(), String> {
        let width = self.members.checked_mul(CLASSES).filter(|&width| width > 0);
        let width = width.ok_or_else(|| format!("members: found {}, expected at least 1", self.members))?;
        let mut right_branches = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            let begins_right_branch = place > 0 && matches!(self.nodes[place - 1], Node::Leaf { .. });
            if begins_right_branch && right_branches.pop() != Some(place) {
                return Err(format!("nodes[{place}]: no split's right branch begins here"));
            }
            match node {
                Node::Split { feature, threshold, right } => {
                    if *feature >= width || !threshold.is_finite() {
                        return Err(format!(
                            "nodes[{place}]: found feature {feature} and threshold {threshold}, expected below {width}, finite"
                        ));
                    }
                    right_branches.push(*right);
                }
                Node::Leaf { counts } if counts.iter().all(|&count| count == 0) => {
                    return Err(format!("nodes[{place}]: a leaf without images"));
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
