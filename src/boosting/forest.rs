//! Prediction by sums of trees over 8-bit pixels.
//!
//! Prediction happens here and not in LightGBM: a model file then never reaches a parser that can crash, prediction is
//! safe code that any number of threads may share, and a split costs one comparison of small integers instead of
//! doubles. Results equal LightGBM's: the same leaf outputs are added in the same order in double precision, and the
//! same softmax follows.

use rayon::prelude::*;

use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities},
    optimize::softmax,
};

/// Greatest number of leaves of a tree: child references are 16 bits wide.
pub(super) const MOST_LEAVES: usize = 1 << 15;
/// Images that pass a tree together, so that the tree stays in the first-level cache.
const TILE: usize = 128;
/// Bit above every index of a pixel that holds the start of a node's range.
const LOW: u16 = 1024;
/// Levels of a tree whose nodes are stored side by side: 7 nodes, one or two cache lines.
const LEVELS_TOGETHER: usize = 3;
/// Trees that one image passes together.
const ABREAST: usize = 16;

/// One split: a pixel goes left if its value is in `low .. low + count`. Eight bytes, so that a cache line holds eight.
#[derive(Clone, Copy, Debug)]
#[repr(align(8))]
pub(super) struct Node {
    /// Index of the pixel, and `low` (0 or 1) in the bit above [`LOW`].
    feature: u16,
    /// Length of the range, 0 to 256.
    count: u16,
    /// Left and right child: the index of a later node, or the complement (`!leaf`) of a leaf.
    children: [i16; 2],
}

impl Node {
    #[inline(always)]
    fn child(&self, image: &[u8; PIXELS]) -> i16 {
        let (feature, low) = (self.feature & (LOW - 1), self.feature / LOW);
        let right = u16::from(image[usize::from(feature)]).wrapping_sub(low) >= self.count;
        self.children[usize::from(right)]
    }

    /// Creates a split: `value <= threshold` goes left, except for 0, whose branch `zero_left` gives. `children` as in
    /// [`Node::children`].
    pub(super) fn new(feature: u16, threshold: f64, zero_left: Option<bool>, children: [i16; 2]) -> Self {
        // Pixels are integers from 0 to 255, so those up to the threshold are a range from 0 on.
        let count = if threshold < 0.0 { 0 } else { (threshold.min(255.0).floor() as u16) + 1 };
        let (low, count) = match zero_left {
            Some(true) => (0, count.max(1)),
            Some(false) => (1, count.saturating_sub(1)),
            None => (0, count),
        };
        Self { feature: feature + low * LOW, count, children }
    }
}

/// Checked tree: every child is stored after its parent, every feature is a pixel, every leaf exists.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<f64>,
}

impl Tree {
    /// Creates a tree whose invariants the caller has checked; a tree without nodes has one leaf.
    pub(super) fn new(nodes: Vec<Node>, leaves: Vec<f64>) -> Self {
        debug_assert_eq!(nodes.len() + 1, leaves.len());
        Self { nodes: neighbours(&nodes), leaves }
    }

    fn output(&self, image: &[u8; PIXELS]) -> f64 {
        let mut node = self.root();
        while node >= 0 {
            node = self.nodes[node as usize].child(image);
        }
        self.leaves[!node as usize]
    }

    /// Root: a node, or the complement of the only leaf.
    fn root(&self) -> i16 {
        if self.nodes.is_empty() { !0 } else { 0 }
    }
}

/// Reorders nodes so that those of three levels are side by side and a path touches few cache lines: first the root
/// with its children and grandchildren, then each subtree below them likewise. Children stay after their parents.
fn neighbours(nodes: &[Node]) -> Vec<Node> {
    let mut order: Vec<usize> = Vec::with_capacity(nodes.len());
    let mut parts: Vec<usize> = if nodes.is_empty() { Vec::new() } else { vec![0] };
    while let Some(root) = parts.pop() {
        let mut level = vec![root];
        for _ in 0..LEVELS_TOGETHER {
            order.extend(&level);
            let children = level.iter().flat_map(|&node| nodes[node].children);
            level = children.filter(|&child| child >= 0).map(|child| child as usize).collect();
        }
        parts.extend(level.into_iter().rev());
    }
    let mut index_of = vec![0i16; nodes.len()];
    for (index, &node) in order.iter().enumerate() {
        index_of[node] = index as i16;
    }
    let moved = |child: i16| if child < 0 { child } else { index_of[child as usize] };
    order.iter().map(|&node| Node { children: nodes[node].children.map(moved), ..nodes[node] }).collect()
}

/// All trees of a model: tree `i` adds to the score of class `i % 10`.
#[derive(Clone, Debug, Default)]
pub(super) struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    pub(super) fn new(trees: Vec<Tree>) -> Self {
        Self { trees }
    }

    /// Number of trees of all classes.
    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }

    /// Number of leaves of all trees.
    pub(super) fn leaves(&self) -> u64 {
        self.trees.iter().map(|tree| tree.leaves.len() as u64).sum()
    }

    /// Sums of leaf outputs, `[n, 10]`, on the caller's rayon pool.
    pub(super) fn scores(&self, images: &[[u8; PIXELS]]) -> Vec<[f64; CLASSES]> {
        let mut scores = vec![[0.0; CLASSES]; images.len()];
        images.par_chunks(TILE).zip(scores.par_chunks_mut(TILE)).for_each(|(images, scores)| self.add(images, scores));
        scores
    }

    fn add(&self, images: &[[u8; PIXELS]], scores: &mut [[f64; CLASSES]]) {
        for (index, tree) in self.trees.iter().enumerate() {
            let class = index % CLASSES;
            for (image, score) in images.iter().zip(scores.iter_mut()) {
                score[class] += tree.output(image);
            }
        }
    }

    /// Class probabilities, `[n, 10]`, on the caller's rayon pool.
    pub(super) fn probabilities(&self, images: &Images) -> Probabilities {
        self.scores(images.as_slice()).into_iter().map(probabilities).collect()
    }

    /// Class probabilities of one image, on the calling thread.
    ///
    /// A forest is larger than the nearest caches, and each step through a tree waits for the previous one, so the
    /// image passes several trees in lockstep and their waits overlap. The leaves are added in the order of the trees,
    /// as in a batch.
    pub(super) fn probabilities_of(&self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let mut score = [0.0; CLASSES];
        for (group, trees) in self.trees.chunks(ABREAST).enumerate() {
            let mut at = [-1; ABREAST];
            for (node, tree) in at.iter_mut().zip(trees) {
                *node = tree.root();
            }
            while at.iter().any(|&node| node >= 0) {
                for (node, tree) in at.iter_mut().zip(trees) {
                    if let Some(split) = tree.nodes.get((*node).max(0) as usize) {
                        let child = split.child(image);
                        *node = if *node < 0 { *node } else { child };
                    }
                }
            }
            for (node, (index, tree)) in at.iter().zip(trees.iter().enumerate()) {
                score[(group * ABREAST + index) % CLASSES] += tree.leaves[!*node as usize];
            }
        }
        probabilities(score)
    }
}

/// Probabilities of summed leaves, as by LightGBM's `Common::Softmax`.
fn probabilities(scores: [f64; CLASSES]) -> [f32; CLASSES] {
    softmax(scores).map(|probability| probability as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_sends_every_grey_level_where_the_comparison_of_doubles_does() {
        for threshold in [-1.0, -1e-9, 0.0, 1e-35, 0.5, 1.0, 127.5, 254.0, 254.99, 255.0, 1e300] {
            for zero_left in [None, Some(true), Some(false)] {
                let tree = Tree::new(vec![Node::new(3, threshold, zero_left, [!0, !1])], vec![1.0, 2.0]);
                for value in 0..=255_u8 {
                    let mut image = [7; PIXELS];
                    image[3] = value;
                    let left =
                        if value == 0 { zero_left.unwrap_or(0.0 <= threshold) } else { f64::from(value) <= threshold };
                    assert_eq!(
                        tree.output(&image),
                        if left { 1.0 } else { 2.0 },
                        "{value} at {threshold} with {zero_left:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_image_gets_what_many_get() {
        // Trees of one leaf, of two, and chains of different depth, more than pass together and not a multiple of that.
        let chain = |depth: i16, feature: u16| {
            let nodes = (0..depth).map(|at| {
                Node::new(feature, f64::from(at * 20), None, [!at, if at + 1 == depth { !(at + 1) } else { at + 1 }])
            });
            Tree::new(nodes.collect(), (0..=depth).map(|leaf| f64::from(leaf) + 0.1 * f64::from(feature)).collect())
        };
        let forest = Forest::new((0..53).map(|tree| chain((tree * 7) % 12, tree as u16)).collect());
        let images: Vec<[u8; PIXELS]> =
            (0..40_usize).map(|image| std::array::from_fn(|pixel| (pixel * 31 + image * 17) as u8)).collect();
        let many = forest.probabilities(&Images::from_images(images.iter().copied()));
        assert_eq!(images.iter().map(|image| forest.probabilities_of(image)).collect::<Vec<_>>(), many);
    }

    #[test]
    fn nodes_that_were_moved_lead_where_they_led() {
        // A balanced tree in breadth-first order: node n has the children 2n + 1 and 2n + 2 if they exist, otherwise
        // leaves.
        let count = 200_i16;
        let mut leaf = 0;
        let mut child = |index: i16| {
            if index < count {
                index
            } else {
                leaf += 1;
                !(leaf - 1)
            }
        };
        let children: Vec<[i16; 2]> = (0..count).map(|node| [child(2 * node + 1), child(2 * node + 2)]).collect();
        let nodes: Vec<Node> = children
            .iter()
            .enumerate()
            .map(|(at, &children)| Node::new((at * 37 % 784) as u16, (at * 53 % 256) as f64, None, children))
            .collect();
        let tree = Tree::new(nodes.clone(), (0..=count).map(f64::from).collect());
        assert!(
            tree.nodes
                .iter()
                .enumerate()
                .all(|(at, node)| node.children.iter().all(|&child| child < 0 || child as usize > at))
        );
        for seed in 0..500_usize {
            let image: [u8; PIXELS] = std::array::from_fn(|pixel| (pixel * 97 + seed * 131 + pixel * seed) as u8);
            let mut at = 0_i16;
            while at >= 0 {
                at = nodes[at as usize].child(&image);
            }
            assert_eq!(tree.output(&image), f64::from(!at));
        }
    }

    #[test]
    fn softmax_is_stable_and_sums_to_one() {
        let mut scores = [-1e300; CLASSES];
        scores[4] = 1e300;
        assert_eq!(probabilities(scores)[4], 1.0);
        let sum: f32 = probabilities([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]).iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
}
