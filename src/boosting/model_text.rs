//! Strict reader and writer of LightGBM's model text.
//!
//! The text is the library's own format (version `v4`), so that its packages for other languages load what is written
//! here. The library's parser trusts its input and crashes on damage; this reader refuses, naming the line, everything
//! that is not a complete model over 784 pixels and ten digits: wrong widths and counts, trees whose sizes do not match
//! their text, children that are missing, shared or in a cycle, numbers that are not finite, kinds of tree that 8-bit
//! pixels never produce (categorical, linear).
//!
//! The written text is a function of the model alone: the trees, the header, split counts, and the settings except for
//! the number of threads.

use std::{fmt::Write as _, str::FromStr};

use super::forest::{Forest, MOST_LEAVES, Node, Tree};
use crate::data::{CLASSES, PIXELS};

/// Greatest leaf output that is accepted, so that sums and probabilities stay finite.
const GREATEST_OUTPUT: f64 = 1e100;

/// Error in a model text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ModelTextError {
    /// Number of the line, from 1.
    pub line: usize,
    /// What was found and what was expected.
    pub problem: String,
}

/// Checked model text.
#[derive(Clone, Debug)]
pub(super) struct ModelText {
    /// Header lines except `tree_sizes`.
    header: Vec<String>,
    /// Lines of each tree after `Tree=i`, unchanged.
    blocks: Vec<String>,
    /// Pixels of the splits with a gain above 0, of each tree.
    splits: Vec<Vec<u16>>,
    /// Lines `[name: value]` of the section `parameters:`.
    parameters: Vec<String>,
    trees: Vec<Tree>,
}

/// Reader of lines with their numbers and byte positions.
struct Lines<'text> {
    text: &'text str,
    position: usize,
    number: usize,
}

impl<'text> Lines<'text> {
    fn next(&mut self) -> Option<&'text str> {
        let rest = self.text.get(self.position..).filter(|rest| !rest.is_empty())?;
        let line = rest.split('\n').next().unwrap_or(rest);
        self.position = (self.position + line.len() + 1).min(self.text.len());
        self.number += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    fn error(&self, problem: impl Into<String>) -> ModelTextError {
        ModelTextError { line: self.number, problem: problem.into() }
    }

    /// Reads the value of the next line, which must be `key=value`.
    fn field(&mut self, key: &str) -> Result<&'text str, ModelTextError> {
        let Some(line) = self.next() else {
            self.number += 1;
            return Err(self.error(format!("the text ends where `{key}=` was expected")));
        };
        line.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix('='))
            .ok_or_else(|| self.error(format!("found `{}` where `{key}=` was expected", excerpt(line))))
    }

    /// Reads a list of exactly `count` numbers.
    fn numbers<T: FromStr>(&mut self, key: &str, count: usize) -> Result<Vec<T>, ModelTextError> {
        let value = self.field(key)?;
        let mut numbers = Vec::with_capacity(count);
        for token in value.split(' ').filter(|token| !token.is_empty()) {
            if numbers.len() == count {
                return Err(
                    self.error(format!("`{key}` holds more than the {count} numbers that `num_leaves` asks for"))
                );
            }
            numbers.push(token.parse().map_err(|_| {
                self.error(format!("`{key}` holds `{}`, which is no number of its kind", excerpt(token)))
            })?);
        }
        if numbers.len() != count {
            return Err(self.error(format!("`{key}` holds {} numbers; `num_leaves` asks for {count}", numbers.len())));
        }
        Ok(numbers)
    }

    /// Reads a list of exactly `count` finite numbers.
    fn finite(&mut self, key: &str, count: usize) -> Result<Vec<f64>, ModelTextError> {
        let numbers: Vec<f64> = self.numbers(key, count)?;
        match numbers.iter().find(|number| !number.is_finite()) {
            Some(number) => Err(self.error(format!("`{key}` holds {number}; finite numbers are expected"))),
            None => Ok(numbers),
        }
    }

    fn number<T: FromStr>(&mut self, key: &str) -> Result<T, ModelTextError> {
        let value = self.field(key)?;
        value
            .parse()
            .map_err(|_| self.error(format!("`{key}` is `{}`, which is no number of its kind", excerpt(value))))
    }
}

/// Start of a line, for messages.
fn excerpt(line: &str) -> String {
    let mut text: String = line.chars().take(40).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}

impl ModelText {
    /// Reads and checks a model text.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ModelTextError> {
        let text = std::str::from_utf8(bytes).map_err(|error| ModelTextError {
            line: 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count(),
            problem: "found bytes that are no text".into(),
        })?;
        let mut lines = Lines { text, position: 0, number: 0 };
        let (header, tree_sizes) = parse_header(&mut lines)?;
        let mut model = Self {
            header,
            blocks: Vec::with_capacity(tree_sizes.len()),
            splits: Vec::with_capacity(tree_sizes.len()),
            parameters: Vec::new(),
            trees: Vec::with_capacity(tree_sizes.len()),
        };
        for (index, &size) in tree_sizes.iter().enumerate() {
            let start = lines.position;
            if lines.next() != Some(format!("Tree={index}").as_str()) {
                return Err(lines.error(format!("`Tree={index}` was expected")));
            }
            let body = lines.position;
            let (tree, splits) = parse_tree(&mut lines)?;
            while text[lines.position..].starts_with('\n') {
                lines.next();
            }
            if lines.position - start != size {
                return Err(lines.error(format!(
                    "tree {index} is {} bytes long; `tree_sizes` says {size}",
                    lines.position - start
                )));
            }
            model.blocks.push(text[body..lines.position].to_owned());
            model.splits.push(splits);
            model.trees.push(tree);
        }
        if lines.next() != Some("end of trees") {
            return Err(lines.error("`end of trees` was expected"));
        }
        model.parameters = parse_parameters(&mut lines)?;
        Ok(model)
    }

    /// Number of rounds, that is of trees of each class.
    pub(super) fn rounds(&self) -> u32 {
        (self.trees.len() / CLASSES) as u32
    }

    /// Lines `key=value` of each tree.
    pub(super) fn tree_texts(&self) -> &[String] {
        &self.blocks
    }

    /// The trees.
    pub(super) fn forest(&self) -> Forest {
        Forest::new(self.trees.clone())
    }

    /// Number of splits with a gain on each pixel, over all trees.
    pub(super) fn split_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; PIXELS];
        for &feature in self.splits.iter().flatten() {
            counts[usize::from(feature)] += 1;
        }
        counts
    }

    /// Prepends the trees of `earlier`.
    pub(super) fn after(mut self, earlier: &Self) -> Self {
        self.blocks.splice(0..0, earlier.blocks.iter().cloned());
        self.splits.splice(0..0, earlier.splits.iter().cloned());
        self.trees.splice(0..0, earlier.trees.iter().cloned());
        self
    }

    /// Keeps only the first `rounds` rounds.
    pub(super) fn first_rounds(mut self, rounds: u32) -> Self {
        let trees = rounds as usize * CLASSES;
        self.blocks.truncate(trees);
        self.splits.truncate(trees);
        self.trees.truncate(trees);
        self
    }

    /// Writes the text, which depends neither on the number of threads nor on interruptions of the fit.
    pub(super) fn render(&self) -> String {
        let blocks: Vec<String> =
            self.blocks.iter().enumerate().map(|(index, block)| format!("Tree={index}\n{block}")).collect();
        let sizes: Vec<String> = blocks.iter().map(|block| block.len().to_string()).collect();
        let mut text = self.header.join("\n");
        let _ = write!(text, "\ntree_sizes={}\n\n", sizes.join(" "));
        text.extend(blocks);
        text += "end of trees\n\nfeature_importances:\n";
        let mut counts: Vec<(usize, u32)> =
            self.split_counts().into_iter().enumerate().filter(|&(_, count)| count > 0).collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let names: Vec<&str> =
            self.header.iter().find_map(|line| line.strip_prefix("feature_names=")).unwrap_or("").split(' ').collect();
        for (feature, count) in counts {
            let _ = writeln!(text, "{}={count}", names.get(feature).copied().unwrap_or_default());
        }
        text += "\nparameters:\n";
        for line in &self.parameters {
            text += if line.starts_with("[num_threads: ") { "[num_threads: 0]" } else { line };
            text.push('\n');
        }
        text += "\nend of parameters\n";
        text
    }
}

/// Checks the header; returns its lines except `tree_sizes`, and the sizes.
fn parse_header(lines: &mut Lines<'_>) -> Result<(Vec<String>, Vec<usize>), ModelTextError> {
    if lines.next() != Some("tree") {
        return Err(lines.error("`tree` was expected: this is no LightGBM model text"));
    }
    let mut header = vec!["tree".to_owned()];
    let last_pixel = PIXELS - 1;
    for (key, expected) in [
        ("version", "v4".to_owned()),
        ("num_class", CLASSES.to_string()),
        ("num_tree_per_iteration", CLASSES.to_string()),
        ("label_index", "0".to_owned()),
        ("max_feature_idx", last_pixel.to_string()),
        ("objective", format!("multiclass num_class:{CLASSES}")),
    ] {
        let value = lines.field(key)?;
        if value.trim_end() != expected {
            return Err(lines.error(format!("`{key}` is `{}`; a digit classifier has `{expected}`", excerpt(value))));
        }
        header.push(format!("{key}={value}"));
    }
    for key in ["feature_names", "feature_infos"] {
        let value = lines.field(key)?;
        let count = value.split(' ').filter(|token| !token.is_empty()).count();
        if count != PIXELS || value.contains('=') {
            return Err(lines.error(format!("`{key}` holds {count} entries; {PIXELS} are expected, without `=`")));
        }
        header.push(format!("{key}={value}"));
    }
    let sizes = lines.field("tree_sizes")?;
    let most = lines.text.len();
    let sizes: Vec<usize> = sizes
        .split(' ')
        .filter(|token| !token.is_empty())
        .map(|token| token.parse().ok().filter(|&size| size > 0 && size <= most))
        .collect::<Option<_>>()
        .ok_or_else(|| lines.error("`tree_sizes` holds something that is no size of a part of this text"))?;
    if sizes.is_empty() || !sizes.len().is_multiple_of(CLASSES) {
        return Err(lines
            .error(format!("`tree_sizes` names {} trees; a positive multiple of {CLASSES} is expected", sizes.len())));
    }
    match lines.next() {
        Some("") => Ok((header, sizes)),
        _ => Err(lines.error("an empty line was expected after `tree_sizes`")),
    }
}

/// Checks the fields of one tree, which start at the next line; returns it and the pixels of its splits with a gain.
fn parse_tree(lines: &mut Lines<'_>) -> Result<(Tree, Vec<u16>), ModelTextError> {
    let leaves: usize = lines.number("num_leaves")?;
    if leaves == 0 || leaves > MOST_LEAVES {
        return Err(lines.error(format!("`num_leaves` is {leaves}; 1 to {MOST_LEAVES} is supported")));
    }
    if leaves > lines.text.len() - lines.position {
        return Err(lines.error(format!("`num_leaves` is {leaves}, more than the rest of the text can hold")));
    }
    let nodes = leaves - 1;
    if lines.number::<u32>("num_cat")? != 0 {
        return Err(lines.error("`num_cat` is not 0: splits by category are not supported"));
    }
    let features: Vec<u16> = lines.numbers("split_feature", nodes)?;
    if let Some(feature) = features.iter().find(|&&feature| usize::from(feature) >= PIXELS) {
        return Err(lines.error(format!("`split_feature` holds {feature}; an image has pixels 0 to {}", PIXELS - 1)));
    }
    let gains = lines.finite("split_gain", nodes)?;
    let thresholds = lines.finite("threshold", nodes)?;
    let kinds: Vec<u8> = lines.numbers("decision_type", nodes)?;
    if let Some(kind) = kinds.iter().find(|&&kind| kind & 1 != 0 || kind >> 2 > 2) {
        return Err(lines.error(format!("`decision_type` holds {kind}, which is no numerical split")));
    }
    let left: Vec<i16> = lines.numbers("left_child", nodes)?;
    let right: Vec<i16> = lines.numbers("right_child", nodes)?;
    check_children(&left, &right).map_err(|problem| lines.error(problem))?;
    let values = lines.finite("leaf_value", leaves)?;
    if let Some(value) = values.iter().find(|value| value.abs() > GREATEST_OUTPUT) {
        return Err(lines.error(format!("`leaf_value` holds {value:e}; sums of such outputs would overflow")));
    }
    // A tree without splits may come without weights and counts.
    lines.finite_or_none("leaf_weight", leaves)?;
    lines.finite_or_none("leaf_count", leaves)?;
    lines.finite("internal_value", nodes)?;
    lines.finite("internal_weight", nodes)?;
    lines.finite("internal_count", nodes)?;
    if lines.number::<u32>("is_linear")? != 0 {
        return Err(lines.error("`is_linear` is not 0: linear trees are not supported"));
    }
    if !lines.number::<f64>("shrinkage")?.is_finite() {
        return Err(lines.error("`shrinkage` is not finite"));
    }
    match lines.next() {
        Some("") => {}
        _ => return Err(lines.error("an empty line was expected after a tree")),
    }
    let splits = features.iter().zip(&gains).filter(|&(_, &gain)| gain > 0.0).map(|(&feature, _)| feature).collect();
    let nodes = (0..nodes)
        .map(|node| {
            // Bit 1: missing values go left. Bits 2 and 3: 0 nothing is missing, 1 zero is, 2 NaN is (which no pixel
            // is).
            let zero_left = (kinds[node] >> 2 == 1).then_some(kinds[node] & 2 != 0);
            Node::new(features[node], thresholds[node], zero_left, [left[node], right[node]])
        })
        .collect();
    Ok((Tree::new(nodes, values), splits))
}

impl Lines<'_> {
    fn finite_or_none(&mut self, key: &str, count: usize) -> Result<(), ModelTextError> {
        let before = (self.position, self.number);
        if count == 1 && self.field(key)?.trim().is_empty() {
            return Ok(());
        }
        (self.position, self.number) = before;
        self.finite(key, count).map(|_| ())
    }
}

/// Checks that every node except the root and every leaf has exactly one parent, and that a child node comes after its
/// parent, so that the nodes are a tree without cycles.
fn check_children(left: &[i16], right: &[i16]) -> Result<(), String> {
    let nodes = left.len();
    let mut node_seen = vec![false; nodes];
    let mut leaf_seen = vec![false; nodes + 1];
    for (parent, &child) in left.iter().enumerate().chain(right.iter().enumerate()) {
        let seen = if child >= 0 {
            let child = child as usize;
            if child <= parent || child >= nodes {
                return Err(format!(
                    "node {parent} has the child {child}; a later one of the {nodes} nodes is expected"
                ));
            }
            &mut node_seen[child]
        } else {
            let leaf = !child as usize;
            leaf_seen
                .get_mut(leaf)
                .ok_or_else(|| format!("node {parent} has the leaf {leaf}; there are {}", nodes + 1))?
        };
        if std::mem::replace(seen, true) {
            return Err(format!("node {parent} shares the child {child} with another node"));
        }
    }
    // 2·nodes children, all different, out of (nodes − 1) nodes and (nodes + 1) leaves: none is left without a parent.
    Ok(())
}

/// Reads the lines of the section `parameters:`, if there is one. Other sections (split counts, notes of other
/// packages) are not part of the model.
fn parse_parameters(lines: &mut Lines<'_>) -> Result<Vec<String>, ModelTextError> {
    let mut parameters = Vec::new();
    let mut inside = false;
    while let Some(line) = lines.next() {
        match line {
            "parameters:" if !inside => inside = true,
            "end of parameters" if inside => return Ok(parameters),
            _ if inside && line.starts_with('[') && line.ends_with(']') => parameters.push(line.to_owned()),
            "" => {}
            _ if inside => {
                return Err(
                    lines.error(format!("found `{}` among the parameters; `[name: value]` is expected", excerpt(line)))
                );
            }
            _ => {}
        }
    }
    if inside {
        return Err(lines.error("the text ends inside the parameters; `end of parameters` was expected"));
    }
    Ok(parameters)
}
