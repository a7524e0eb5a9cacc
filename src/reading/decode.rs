//! Finds the best path through the lattice, and the probability of what it reads.
//!
//! A path goes from the first piece of a line to the last, by hypotheses that each read one digit and by pieces that
//! are passed over. Its score is the sum of the scores of its steps, so that the best path is found by dynamic
//! programming (Viterbi) over the pieces and the states of a pattern. Summed exponentials in place of maxima (the
//! forward algorithm) give the probability of a text.

use super::{
    lattice::{FEATURES, Hypothesis},
    pattern::Pattern,
};
use crate::data::CLASSES;

/// Weights of the scores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights {
    /// Of the features of a hypothesis.
    pub(super) digit: [f32; FEATURES],
    /// Of a piece that is passed over, and of its size.
    pub(super) skip: [f32; 2],
}

/// The lattice of a line.
pub(super) struct Lattice {
    pub(super) hypotheses: Vec<Hypothesis>,
    /// Size of each piece: its longer side, relative to the height of the line.
    pub(super) sizes: Vec<f32>,
}

/// A step of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Hypothesis of an index as a digit.
    Digit(usize, u8),
    /// A piece is passed over.
    Skip(usize),
}

/// The best path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
}

impl Path {
    /// Digits that it reads.
    pub(super) fn digits(&self) -> Vec<u8> {
        let digit = |step: &Step| match step {
            Step::Digit(_, digit) => Some(*digit),
            Step::Skip(_) => None,
        };
        self.steps.iter().filter_map(digit).collect()
    }
}

impl Weights {
    pub(super) fn of_digit(&self, hypothesis: &Hypothesis, digit: u8) -> f32 {
        hypothesis.features(digit).iter().zip(&self.digit).map(|(feature, weight)| feature * weight).sum()
    }

    fn of_skip(&self, size: f32) -> f32 {
        self.skip[0] + self.skip[1] * size
    }
}

/// States of a pattern, or the one state of none.
fn states(pattern: Option<&Pattern>) -> usize {
    pattern.map_or(1, Pattern::states)
}

/// State behind a step; `None` if the pattern does not allow it.
fn following(pattern: Option<&Pattern>, state: usize, step: Step) -> Option<usize> {
    match (step, pattern) {
        (Step::Digit(_, digit), Some(pattern)) => pattern.following(state, digit),
        _ => Some(state),
    }
}

impl Lattice {
    /// Scores every step.
    pub(super) fn scored(&self, weights: &Weights) -> ScoredLattice {
        let mut steps: Vec<_> = self
            .sizes
            .iter()
            .enumerate()
            .map(|(piece, &size)| (piece, piece + 1, Step::Skip(piece), weights.of_skip(size)))
            .collect();
        for (index, hypothesis) in self.hypotheses.iter().enumerate() {
            steps.extend((0..CLASSES as u8).map(|digit| {
                let step = Step::Digit(index, digit);
                (hypothesis.first, hypothesis.end, step, weights.of_digit(hypothesis, digit))
            }));
        }
        steps.sort_by_key(|step| step.0);
        ScoredLattice { pieces: self.sizes.len(), steps }
    }
}

/// A lattice whose steps have scores.
pub(super) struct ScoredLattice {
    pieces: usize,
    /// First piece, the piece behind the last, the step, its score; in the order of the first pieces.
    steps: Vec<(usize, usize, Step, f32)>,
}

impl ScoredLattice {
    /// The path with the highest score whose digits match the pattern; `None` if there is none.
    pub(super) fn best(&self, pattern: Option<&Pattern>) -> Option<Path> {
        let (nodes, states) = (self.pieces + 1, states(pattern));
        let mut scores = vec![f32::NEG_INFINITY; nodes * states];
        let mut froms: Vec<Option<(usize, Step)>> = vec![None; nodes * states];
        scores[0] = 0.0;
        for &(first, end, step, score) in &self.steps {
            for state in 0..states {
                let from = first * states + state;
                if scores[from] == f32::NEG_INFINITY {
                    continue;
                }
                let Some(target) = following(pattern, state, step) else { continue };
                let to = end * states + target;
                if scores[from] + score > scores[to] {
                    scores[to] = scores[from] + score;
                    froms[to] = Some((from, step));
                }
            }
        }
        let last = (nodes - 1) * states;
        let is_end = |state: &usize| pattern.is_none_or(|pattern| pattern.is_end(*state));
        let end = (0..states).filter(is_end).max_by(|&a, &b| scores[last + a].total_cmp(&scores[last + b]))?;
        if scores[last + end] == f32::NEG_INFINITY {
            return None;
        }
        let (mut at, mut path) = (last + end, Vec::new());
        while let Some((from, step)) = froms[at] {
            path.push(step);
            at = from;
        }
        path.reverse();
        Some(Path { steps: path })
    }

    /// Sums over all paths to each node and state, and over all whole paths, as logarithms.
    fn forward(&self, pattern: Option<&Pattern>) -> (Vec<f64>, f64) {
        let (nodes, states) = (self.pieces + 1, states(pattern));
        let mut sums = vec![f64::NEG_INFINITY; nodes * states];
        sums[0] = 0.0;
        for &(first, end, step, score) in &self.steps {
            let score = f64::from(score);
            for state in 0..states {
                let from = sums[first * states + state];
                if from == f64::NEG_INFINITY {
                    continue;
                }
                if let Some(target) = following(pattern, state, step) {
                    add(&mut sums[end * states + target], from + score);
                }
            }
        }
        let last = (nodes - 1) * states;
        let mut total = f64::NEG_INFINITY;
        for state in (0..states).filter(|&state| pattern.is_none_or(|pattern| pattern.is_end(state))) {
            add(&mut total, sums[last + state]);
        }
        (sums, total)
    }

    /// Sums over all paths from each node and state to the end, as logarithms.
    fn backward(&self, pattern: Option<&Pattern>) -> Vec<f64> {
        let (nodes, states) = (self.pieces + 1, states(pattern));
        let mut sums = vec![f64::NEG_INFINITY; nodes * states];
        for state in (0..states).filter(|&state| pattern.is_none_or(|pattern| pattern.is_end(state))) {
            sums[(nodes - 1) * states + state] = 0.0;
        }
        // Steps are in the order of their first pieces: from the last on, all that follows a step is known.
        for &(first, end, step, score) in self.steps.iter().rev() {
            let score = f64::from(score);
            for state in 0..states {
                if let Some(target) = following(pattern, state, step) {
                    let rest = sums[end * states + target];
                    add(&mut sums[first * states + state], score + rest);
                }
            }
        }
        sums
    }

    /// Probability that each step is part of a path, among the paths that match the pattern (forward–backward).
    pub(super) fn step_probabilities(&self, pattern: Option<&Pattern>) -> Vec<(Step, f64)> {
        let states = states(pattern);
        let (forward, total) = self.forward(pattern);
        let backward = self.backward(pattern);
        let mut found = Vec::new();
        for &(first, end, step, score) in self.steps.iter().rev() {
            let mut probability = 0.0;
            for state in 0..states {
                let target = following(pattern, state, step);
                let rests = target.into_iter().map(|target| backward[end * states + target]);
                let path = |rest: f64| (forward[first * states + state] + f64::from(score) + rest - total).exp();
                probability += rests.filter(|&rest| rest > f64::NEG_INFINITY).map(path).sum::<f64>();
            }
            if probability > 0.0 {
                found.push((step, probability));
            }
        }
        found
    }

    /// Probability that a line reads as these digits, among all that match the pattern.
    pub(super) fn probability(&self, digits: &[u8], pattern: Option<&Pattern>) -> f32 {
        let (own, all) = (self.forward(Some(&Pattern::of_digits(digits))).1, self.forward(pattern).1);
        ((own - all).exp() as f32).clamp(0.0, 1.0)
    }

    /// Probability of each digit of a text, given that its other digits are right.
    pub(super) fn place_probabilities(&self, digits: &[u8]) -> Vec<f32> {
        let own = Pattern::of_digits(digits);
        let states = own.states();
        let (forward, total) = self.forward(Some(&own));
        let backward = self.backward(Some(&own));
        // For each place, the sum over the paths with any digit there and the others as they are.
        let mut sums = vec![f64::NEG_INFINITY; digits.len()];
        for &(first, end, step, score) in &self.steps {
            if let Step::Skip(_) = step {
                continue;
            }
            for (place, sum) in sums.iter_mut().enumerate() {
                add(sum, forward[first * states + place] + f64::from(score) + backward[end * states + place + 1]);
            }
        }
        sums.iter().map(|sum| ((total - sum).exp() as f32).clamp(0.0, 1.0)).collect()
    }
}

/// Adds to a sum, both as logarithms.
fn add(sum: &mut f64, value: f64) {
    if value == f64::NEG_INFINITY {
        return;
    }
    let (low, high) = (sum.min(value), sum.max(value));
    *sum = high + (low - high).exp().ln_1p();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two or three digits of three pieces, by scores that are written down here.
    fn scored() -> ScoredLattice {
        let mut steps = Vec::new();
        for (index, (first, end)) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)].into_iter().enumerate() {
            let score = |digit: u8| ((7 * index + 3 * usize::from(digit)) % 11) as f32 / 4.0;
            steps.extend((0..10).map(|digit| (first, end, Step::Digit(index, digit), score(digit))));
        }
        steps.extend((0..3).map(|piece| (piece, piece + 1, Step::Skip(piece), -1.0)));
        steps.sort_by_key(|step| step.0);
        ScoredLattice { pieces: 3, steps }
    }

    #[test]
    fn a_pattern_that_allows_every_text_changes_no_probability() {
        let scored = scored();
        for text in [r"\d{0,3}", r"\d?\d?\d?", r"[0-4]?[0-9]?[2-9]?\d{0,3}"] {
            let pattern: Pattern = text.parse().unwrap();
            for digits in [&[][..], &[4], &[1, 7], &[3, 3, 0], &[9, 9, 9]] {
                let (free, bound) = (scored.probability(digits, None), scored.probability(digits, Some(&pattern)));
                assert!((free - bound).abs() < 1e-6, "{text}, {digits:?}: found {bound}, expected {free}");
            }
        }
    }

    #[test]
    fn a_digit_competes_with_the_others_at_its_place_alone() {
        let scored = scored();
        for digits in [&[4u8][..], &[1, 7], &[3, 3, 0]] {
            let found = scored.place_probabilities(digits);
            assert_eq!(found.len(), digits.len());
            for (place, probability) in found.into_iter().enumerate() {
                let with = |digit: u8| {
                    let mut other = digits.to_vec();
                    other[place] = digit;
                    f64::from(scored.probability(&other, None))
                };
                let expected = with(digits[place]) / (0..10).map(with).sum::<f64>();
                assert!((f64::from(probability) - expected).abs() < 1e-4, "{digits:?}[{place}]: {probability}");
            }
        }
    }
}
