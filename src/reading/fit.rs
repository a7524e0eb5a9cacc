//! Fits the weights of the scores on lines whose digits are known.
//!
//! The lattice is a conditional random field with a hidden segmentation: the probability of a text is the sum over all
//! paths that read it, divided by the sum over all paths. Its logarithm is maximised by Adam; the gradient is the
//! difference of two expectations of the features, from the forward–backward algorithm.

use super::{
    decode::{Lattice, ScoredLattice, Step, Weights},
    lattice::{Evidence, FEATURES},
    lattices::{Lattices, ReadStrip},
    pattern::Pattern,
    weights::FITTED,
};
use crate::{
    data::Images,
    imaging::{DrawingError, InkSource, Layout, PagePicture, find_numbers},
};

/// Learning rate of Adam, its decay rates, and lines of a step.
const RATE: f64 = 0.03;
/// See [`RATE`].
const DECAY: (f64, f64) = (0.9, 0.99);
/// See [`RATE`].
const BATCH: usize = 64;
/// Weight decay towards the starting weights.
const RIDGE: f64 = 1e-4;
/// Parameters: features of a digit, and two of a piece that is passed over.
const PARAMETERS: usize = FEATURES + 2;

/// A picture of one line, and its digits.
pub struct TrainingLine {
    /// The picture.
    pub page: PagePicture,
    /// The digits, from left to right.
    pub digits: Vec<u8>,
}

/// Fitted weights.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Of the features of a digit.
    pub digit: Vec<f32>,
    /// Of a piece that is passed over, and of its size.
    pub skip: [f32; 2],
    /// Lines that were used.
    pub lines: usize,
    /// Lines that were left out: more or fewer than one was found, or no path reads its digits.
    pub left_out: usize,
    /// Share of the used lines that were read right before and after.
    pub right: (f64, f64),
}

/// Lattices of lines with the digits that they should read, collected for a fit.
#[derive(Default)]
pub struct FitLines {
    lines: Vec<(Lattice, Vec<u8>)>,
    left_out: usize,
}

impl FitLines {
    /// Adds a line, with the evidence of `score`.
    ///
    /// # Errors
    /// A picture without pixels; the errors of `score`.
    pub fn add<E: From<DrawingError>>(
        &mut self,
        line: &TrainingLine,
        score: &mut impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
    ) -> Result<(), E> {
        let mut found = find_numbers(&line.page, InkSource::Auto, Layout::Lines)?;
        if found.len() != 1 {
            self.left_out += 1;
            return Ok(());
        }
        let mut lattices = Lattices::new(found.swap_remove(0).strips, usize::MAX);
        while !lattices.advance(score)? {}
        for ReadStrip { lattice, .. } in lattices.finish() {
            match lattice.scored(&FITTED).best(Some(&Pattern::of_digits(&line.digits))) {
                Some(_) => self.lines.push((lattice, line.digits.clone())),
                None => self.left_out += 1,
            }
        }
        Ok(())
    }

    /// Fits the weights in some rounds through all lines, in their order.
    pub fn fit(&self, rounds: usize) -> Fit {
        let mut parameters: [f64; PARAMETERS] = parameters(&FITTED);
        let start = parameters;
        let (mut first, mut second) = ([0.0; PARAMETERS], [0.0; PARAMETERS]);
        let mut steps = 0;
        for round in 0..rounds {
            // The rate falls to 0, so that the last rounds average out the order of the lines.
            let rate = RATE * (1.0 - round as f64 / rounds as f64);
            for batch in self.lines.chunks(BATCH) {
                let weights = weights(&parameters);
                let mut slope = [0.0; PARAMETERS];
                for (lattice, digits) in batch {
                    let scored = lattice.scored(&weights);
                    let gold = expectations(lattice, &scored, Some(&Pattern::of_digits(digits)));
                    let all = expectations(lattice, &scored, None);
                    for (slope, (gold, all)) in slope.iter_mut().zip(gold.iter().zip(&all)) {
                        *slope += (gold - all) / batch.len() as f64;
                    }
                }
                steps += 1;
                for index in 0..PARAMETERS {
                    let slope = slope[index] - RIDGE * (parameters[index] - start[index]);
                    first[index] = DECAY.0 * first[index] + (1.0 - DECAY.0) * slope;
                    second[index] = DECAY.1 * second[index] + (1.0 - DECAY.1) * slope * slope;
                    let mean = first[index] / (1.0 - DECAY.0.powi(steps));
                    let square = second[index] / (1.0 - DECAY.1.powi(steps));
                    parameters[index] += rate * mean / (square.sqrt() + 1e-8);
                }
            }
        }
        let fitted = weights(&parameters);
        Fit {
            digit: fitted.digit.to_vec(),
            skip: fitted.skip,
            lines: self.lines.len(),
            left_out: self.left_out,
            right: (self.right(&FITTED), self.right(&fitted)),
        }
    }

    fn right(&self, weights: &Weights) -> f64 {
        let is_right = |(lattice, digits): &&(Lattice, Vec<u8>)| {
            lattice.scored(weights).best(None).is_some_and(|path| path.digits() == *digits)
        };
        self.lines.iter().filter(is_right).count() as f64 / self.lines.len().max(1) as f64
    }
}

fn parameters(weights: &Weights) -> [f64; PARAMETERS] {
    let all = weights.digit.iter().chain(&weights.skip).map(|&weight| f64::from(weight));
    let mut parameters = [0.0; PARAMETERS];
    parameters.iter_mut().zip(all).for_each(|(parameter, weight)| *parameter = weight);
    parameters
}

fn weights(parameters: &[f64; PARAMETERS]) -> Weights {
    Weights {
        digit: std::array::from_fn(|index| parameters[index] as f32),
        skip: std::array::from_fn(|index| parameters[FEATURES + index] as f32),
    }
}

/// Expected features of a path among those that match the pattern.
fn expectations(lattice: &Lattice, scored: &ScoredLattice, pattern: Option<&Pattern>) -> [f64; PARAMETERS] {
    let mut sums = [0.0; PARAMETERS];
    for (step, probability) in scored.step_probabilities(pattern) {
        match step {
            Step::Digit(index, digit) => {
                let features = lattice.hypotheses[index].features(digit);
                for (sum, feature) in sums.iter_mut().zip(features) {
                    *sum += probability * f64::from(feature);
                }
            }
            Step::Skip(piece) => {
                sums[FEATURES] += probability;
                sums[FEATURES + 1] += probability * f64::from(lattice.sizes[piece]);
            }
        }
    }
    sums
}
