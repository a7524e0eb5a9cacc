//! Growth of the tree: every feature is sorted once, and each split divides all sorted orders stably, so that a level
//! costs one pass.

use super::{config::TreeConfig, node::Node};
use crate::{data::CLASSES, stacking::metafeatures::Metafeatures};

/// Least difference between two values with a threshold between them, as in scikit-learn.
const SAME: f32 = 1e-7;

/// Grows a tree and returns its nodes in preorder.
pub(super) fn grow(features: &Metafeatures, labels: &[u8], config: &TreeConfig) -> Vec<Node> {
    let mut orders: Vec<Vec<u32>> = vec![(0..labels.len() as u32).collect(); features.width()];
    for (feature, order) in orders.iter_mut().enumerate() {
        order.sort_by(|&a, &b| features.row(a as usize)[feature].total_cmp(&features.row(b as usize)[feature]));
    }
    let mut grower =
        Grower { features, labels, config, orders, goes_left: vec![false; labels.len()], nodes: Vec::new() };
    let mut waiting = vec![Branch { start: 0, end: labels.len(), depth: 0, right_of: None }];
    while let Some(branch) = waiting.pop() {
        waiting.extend(grower.grow(&branch).into_iter().flatten());
    }
    grower.nodes
}

/// Images of one node: the same range of every sorted order.
struct Branch {
    start: usize,
    end: usize,
    depth: usize,
    /// Index of the split whose right branch this is, if it is one.
    right_of: Option<usize>,
}

struct Split {
    feature: usize,
    threshold: f64,
    /// Number of images that go left.
    left: usize,
}

struct Grower<'a> {
    features: &'a Metafeatures,
    labels: &'a [u8],
    config: &'a TreeConfig,
    /// For each feature, the images of each branch sorted by its value.
    orders: Vec<Vec<u32>>,
    goes_left: Vec<bool>,
    nodes: Vec<Node>,
}

impl Grower<'_> {
    /// Adds the first node of a branch; returns the branches below it, right before left, so that the left one is
    /// popped next.
    fn grow(&mut self, branch: &Branch) -> Option<[Branch; 2]> {
        let here = self.nodes.len();
        if let Some(Node::Split { right, .. }) = branch.right_of.map(|split| &mut self.nodes[split]) {
            *right = here;
        }
        let mut counts = [0_u32; CLASSES];
        for &image in &self.orders[0][branch.start..branch.end] {
            counts[usize::from(self.labels[image as usize])] += 1;
        }
        let pure = counts.iter().filter(|&&count| count > 0).count() == 1;
        let split = if pure || branch.depth >= self.config.max_depth { None } else { self.best_split(branch, &counts) };
        let Some(Split { feature, threshold, left }) = split else {
            self.nodes.push(Node::Leaf { counts });
            return None;
        };
        self.nodes.push(Node::Split { feature, threshold, right: 0 });
        self.divide(branch, feature, left);
        let (middle, depth) = (branch.start + left, branch.depth + 1);
        Some([
            Branch { start: middle, end: branch.end, depth, right_of: Some(here) },
            Branch { start: branch.start, end: middle, depth, right_of: None },
        ])
    }

    /// Finds the split with the lowest weighted Gini impurity, that is the largest Σ left² / |left| + Σ right² /
    /// |right| over the class counts; of equal ones, the first feature's lowest threshold.
    fn best_split(&self, branch: &Branch, counts: &[u32; CLASSES]) -> Option<Split> {
        let (total, least) = (branch.end - branch.start, self.config.min_samples_leaf);
        let mut best: Option<(f64, Split)> = None;
        for (feature, order) in self.orders.iter().enumerate() {
            let order = &order[branch.start..branch.end];
            let value = |index: usize| self.features.row(order[index] as usize)[feature];
            let mut left = [0.0; CLASSES];
            let mut right = counts.map(f64::from);
            let (mut left_squares, mut right_squares) = (0.0, right.iter().map(|count| count * count).sum::<f64>());
            for (done, &image) in order[..total - 1].iter().enumerate() {
                let class = usize::from(self.labels[image as usize]);
                left_squares += 2.0 * left[class] + 1.0;
                right_squares -= 2.0 * right[class] - 1.0;
                left[class] += 1.0;
                right[class] -= 1.0;
                let taken = done + 1;
                if taken < least || total - taken < least {
                    continue;
                }
                let gain = left_squares / taken as f64 + right_squares / (total - taken) as f64;
                if best.as_ref().is_some_and(|(most, _)| gain <= *most) {
                    continue;
                }
                let (low, high) = (value(done), value(taken));
                if high > low + SAME {
                    best = Some((
                        gain,
                        Split { feature, threshold: f64::midpoint(f64::from(low), f64::from(high)), left: taken },
                    ));
                }
            }
        }
        best.map(|(_, split)| split)
    }

    /// Moves the first `left` images of the feature's order to the front of every order, keeping the order on both
    /// sides.
    fn divide(&mut self, branch: &Branch, feature: usize, left: usize) {
        for (index, &image) in self.orders[feature][branch.start..branch.end].iter().enumerate() {
            self.goes_left[image as usize] = index < left;
        }
        for order in &mut self.orders {
            let order = &mut order[branch.start..branch.end];
            let (front, back): (Vec<u32>, Vec<u32>) = order.iter().partition(|&&image| self.goes_left[image as usize]);
            order[..left].copy_from_slice(&front);
            order[left..].copy_from_slice(&back);
        }
    }
}
