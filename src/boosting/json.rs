//! Export of a booster as JSON, for programs that do not read LightGBM's model text.

use std::{collections::BTreeMap, str::FromStr};

use serde::Serialize;

use super::{
    booster::TrainedBooster,
    model_text::{ModelText, ModelTextError},
};
use crate::data::CLASSES;

#[derive(Serialize)]
struct Booster<'a> {
    notes: &'a BTreeMap<&'static str, String>,
    classes: usize,
    trees: Vec<Tree>,
}

/// Tree with LightGBM's names of its fields. Node 0 is the root; the child −1 − i of a node is leaf i.
#[derive(Serialize)]
struct Tree {
    class: usize,
    split_feature: Vec<u16>,
    threshold: Vec<f64>,
    missing_type: Vec<&'static str>,
    default_left: Vec<bool>,
    left_child: Vec<i32>,
    right_child: Vec<i32>,
    leaf_value: Vec<f64>,
}

impl TrainedBooster {
    /// The booster as a JSON object of `notes`, `classes` and `trees`. Tree i adds to the score of the digit i mod 10
    /// (its `class`) the `leaf_value` of the leaf that an image reaches; the probabilities are the softmax of the ten
    /// sums.
    ///
    /// In a tree, node 0 is the root, and a child below 0 is the leaf −1 − child. An image goes to `left_child` if its
    /// pixel `split_feature` (0 to 783, row by row, values 0 to 255) is at most `threshold`; where `missing_type` is
    /// `zero`, pixels of 0 go left or right as `default_left` says (`none` and `nan` concern no pixel). A tree of one
    /// leaf has no nodes.
    ///
    /// # Errors
    /// If the model text is invalid; it was checked when it was read, so this needs failing memory.
    pub fn to_json(&self, notes: &BTreeMap<&'static str, String>) -> Result<Vec<u8>, ModelTextError> {
        let model = ModelText::parse(self.model_text().as_bytes())?;
        let trees = model.tree_texts().iter().enumerate().map(|(index, text)| tree(index, text)).collect();
        let booster = Booster { notes, classes: CLASSES, trees };
        let mut text =
            serde_json::to_vec(&booster).map_err(|error| ModelTextError { line: 0, problem: error.to_string() })?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Reads a tree from its part of a checked text.
fn tree(index: usize, text: &str) -> Tree {
    let kinds: Vec<u8> = numbers(text, "decision_type");
    let missing = |kind: &u8| ["none", "zero", "nan"][usize::from(kind >> 2).min(2)];
    Tree {
        class: index % CLASSES,
        split_feature: numbers(text, "split_feature"),
        threshold: numbers(text, "threshold"),
        missing_type: kinds.iter().map(missing).collect(),
        default_left: kinds.iter().map(|kind| kind & 2 != 0).collect(),
        left_child: numbers(text, "left_child"),
        right_child: numbers(text, "right_child"),
        leaf_value: numbers(text, "leaf_value"),
    }
}

/// Reads the numbers behind `key=` in a checked text.
fn numbers<T: FromStr>(text: &str, key: &str) -> Vec<T> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_default().split_whitespace().filter_map(|token| token.parse().ok()).collect()
}
