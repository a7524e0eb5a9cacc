//! Reads numbers out of a picture: lines of digits in reading order.
//!
//! ```text
//! picture  → imaging::find_numbers → lines, each a level strip of ink
//! strip    → pieces: components, cut at every place where two digits may touch
//! pieces   → lattice: each run of neighbouring pieces that may be one digit, as a 28×28 image
//! images   → evidence: the models' probabilities, the out-of-distribution detector's score
//! lattice  → the path with the best score (Viterbi), which a pattern may restrict → Number
//! ```
//!
//! This is segmentation by recognition, as in the literature on handwritten numerals: more cuts than needed are made,
//! and the classifier decides which of them stand (Casey, Lecolinet, *A survey of methods and strategies in character
//! segmentation*, IEEE PAMI 18, 1996). The same lattice joins what is broken, such as a 5 whose bar floats. The weights
//! of evidence and geometry are fitted on strings of training digits ([`FitLines`]).
//!
//! The module knows no models: the caller gives the evidence for a batch of images.

mod decode;
mod fit;
mod lattice;
mod number;
mod overlay;
mod pattern;
mod pieces;
mod seams;
mod weights;

use std::collections::HashMap;

pub use fit::{Fit, FitLines, TrainingLine};
pub use lattice::Evidence;
pub use number::{DigitRefusal, Number, NumberRefusal, ReadDigit};
pub use overlay::overlay;
pub use pattern::{Pattern, PatternError};

use crate::{
    data::{Images, PIXELS},
    imaging::{DrawingError, InkBox, InkSource, Layout, PagePicture, Strip, find_numbers},
};
use decode::{Lattice, Path, Step};
use lattice::{Hypothesis, hypotheses, hypothesis};
use pieces::Pieces;
use weights::FITTED;

/// Score of the detector above its threshold, in log-odds, from which on ink is no digit. Above 0, because pieces of
/// touching digits are less like the digits that the threshold was set by.
const UNLIKE: f32 = 2.0;
/// Size of ink that was passed over, relative to the height of the line, from which on it is named.
const NAMED: f32 = 0.4;
/// Most pieces of a line, and most hypotheses of a page: beyond, the rest is left out.
const MAX_PIECES: usize = 256;
/// See [`MAX_PIECES`].
const MAX_HYPOTHESES: usize = 6000;

/// How numbers are read.
#[derive(Clone, Debug, Default)]
pub struct ReadingOptions {
    /// Source of the ink.
    pub ink: InkSource,
    /// Where the digits are.
    pub layout: Layout,
    /// Pattern of each number.
    pub pattern: Option<Pattern>,
    /// Confidence below which a number, or a digit, is refused as unsure, 0 to 1.
    pub min_confidence: f32,
}

/// Reads the numbers of a page, in reading order. `score` gives the evidence for each of some 28×28 images.
///
/// # Errors
/// A picture that is clear throughout or has no pixels; the errors of `score`.
pub fn read_numbers<E: From<DrawingError>>(
    page: &PagePicture,
    options: &ReadingOptions,
    mut score: impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
) -> Result<Vec<Number>, E> {
    let found = find_numbers(page, options.ink, options.layout)?;
    let strips: Vec<&Strip> = found.iter().flat_map(|line| &line.strips).collect();
    let lines = lattices(&strips, &mut score)?;
    let mut lines = lines.into_iter();
    let mut numbers = Vec::new();
    for line in &found {
        let own: Vec<(&Strip, Pieces, Lattice)> =
            line.strips.iter().zip(lines.by_ref()).map(|(strip, (pieces, lattice))| (strip, pieces, lattice)).collect();
        numbers.push(number(&own, line.area, options));
    }
    Ok(numbers)
}

/// Lattices of some strips, with evidence.
fn lattices<E>(
    strips: &[&Strip],
    score: &mut impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
) -> Result<Vec<(Pieces, Lattice)>, E> {
    let mut known: HashMap<[u8; PIXELS], Evidence> = HashMap::new();
    let mut all: Vec<Pieces> = strips.iter().map(|strip| Pieces::of(strip)).collect();
    for pieces in &mut all {
        pieces.pieces.truncate(MAX_PIECES);
    }
    // Components that are certainly one digit need no cuts: most lines then have few hypotheses.
    let mut whole: Vec<(usize, usize, Hypothesis)> = Vec::new();
    for (line, pieces) in all.iter().enumerate() {
        for (first, end) in cut_components(pieces) {
            if let Some(hypothesis) = hypothesis(pieces, first, end) {
                whole.push((line, pieces.pieces[first].component, hypothesis));
            }
        }
    }
    learn(whole.iter_mut().map(|(_, _, hypothesis)| hypothesis), &mut known, score)?;
    for (line, component, hypothesis) in &whole {
        if hypothesis.is_certain() {
            all[*line].without_cuts(*component);
        }
    }
    let mut left = MAX_HYPOTHESES;
    let mut lattices: Vec<Vec<Hypothesis>> = Vec::new();
    for pieces in &all {
        let mut own = hypotheses(pieces);
        own.truncate(left);
        left -= own.len();
        lattices.push(own);
    }
    learn(lattices.iter_mut().flatten(), &mut known, score)?;
    let sizes = |pieces: &Pieces| {
        let size = |area: InkBox| area.width.max(area.height) as f32 / pieces.height;
        pieces.pieces.iter().map(|piece| size(piece.area)).collect()
    };
    let lattice = |(pieces, hypotheses): (Pieces, Vec<Hypothesis>)| {
        let lattice = Lattice { hypotheses, sizes: sizes(&pieces) };
        (pieces, lattice)
    };
    Ok(all.into_iter().zip(lattices).map(lattice).collect())
}

/// First piece of each component that is cut and whose pieces are neighbours, and the piece behind its last.
fn cut_components(pieces: &Pieces) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut first = 0;
    for end in 1..=pieces.pieces.len() {
        let component = |index: usize| pieces.pieces.get(index).map(|piece| piece.component);
        if component(end) != component(first) {
            let is_all = |own: usize| {
                pieces.pieces.iter().filter(|piece| Some(piece.component) == component(first)).count() == own
            };
            if end - first > 1 && is_all(end - first) {
                found.push((first, end));
            }
            first = end;
        }
    }
    found
}

/// Fills in the evidence of hypotheses; images that are known are not asked for again.
fn learn<'a, E>(
    hypotheses: impl Iterator<Item = &'a mut Hypothesis>,
    known: &mut HashMap<[u8; PIXELS], Evidence>,
    score: &mut impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
) -> Result<(), E> {
    let all: Vec<&mut Hypothesis> = hypotheses.collect();
    let mut new: Vec<[u8; PIXELS]> = Vec::new();
    let mut asked = std::collections::HashSet::new();
    for hypothesis in &all {
        if !known.contains_key(&hypothesis.image) && asked.insert(hypothesis.image) {
            new.push(hypothesis.image);
        }
    }
    if !new.is_empty() {
        let evidence = score(&Images::from_images(new.iter().copied()))?;
        known.extend(new.into_iter().zip(evidence));
    }
    for hypothesis in all {
        hypothesis.evidence = known.get(&hypothesis.image).copied();
    }
    Ok(())
}

/// Reads the strips of a line: one or, in boxes, one for each digit.
fn number(strips: &[(&Strip, Pieces, Lattice)], area: InkBox, options: &ReadingOptions) -> Number {
    let is_boxed = options.layout == Layout::Boxes;
    let single = Pattern::of_length(1);
    let pattern = if is_boxed { single.as_ref() } else { options.pattern.as_ref() };
    let mut number = Number {
        digits: Vec::new(),
        confidence: 1.0,
        area,
        degrees: strips.first().map_or(0.0, |(strip, ..)| strip.degrees),
        unread: Vec::new(),
        refusal: None,
    };
    let mut is_matched = true;
    for (strip, pieces, lattice) in strips {
        let scored = lattice.scored(&FITTED);
        let matched = scored.best(pattern);
        is_matched &= matched.is_some();
        let used = matched.as_ref().and(pattern);
        let Some(path) = matched.or_else(|| scored.best(None)) else { continue };
        let digits = path.digits();
        number.confidence *= scored.probability(&digits, used);
        let confidences = (0..digits.len()).map(|place| scored.place_probability(&digits, place)).collect::<Vec<_>>();
        add(&mut number, strip, pieces, lattice, &path, &confidences);
    }
    let digits: Vec<u8> = number.digits.iter().map(|digit| digit.digit).collect();
    if is_boxed {
        is_matched &= options.pattern.as_ref().is_none_or(|pattern| pattern.matches(&digits));
    }
    for digit in &mut number.digits {
        if digit.refusal.is_none() && digit.confidence < options.min_confidence {
            digit.refusal = Some(DigitRefusal::Unsure);
        }
    }
    let refused = number.digits.iter().filter(|digit| digit.refusal.is_some()).count();
    number.refusal = match () {
        () if refused == number.digits.len() => Some(NumberRefusal::NoDigits),
        () if !is_matched => Some(NumberRefusal::Pattern),
        () if refused > 0 => Some(NumberRefusal::RefusedDigits),
        () if number.confidence < options.min_confidence => Some(NumberRefusal::Unsure),
        () => None,
    };
    number
}

/// Adds the digits of a path to a number. `confidences`: one for each of them.
fn add(number: &mut Number, strip: &Strip, pieces: &Pieces, lattice: &Lattice, path: &Path, confidences: &[f32]) {
    let mut confidences = confidences.iter();
    let area = |first: usize, end: usize| {
        let pixels = pieces.pieces[first..end].iter().flat_map(|piece| &piece.pixels);
        strip.picture_box(pixels.filter(|pixel| pixel.2 >= 128).map(|&(x, y, _)| (x.into(), y.into())))
    };
    for step in &path.steps {
        match step {
            Step::Skip(piece) => {
                if lattice.sizes[*piece] >= NAMED {
                    number.unread.extend(area(*piece, piece + 1));
                }
            }
            Step::Digit(index, digit) => {
                let hypothesis = &lattice.hypotheses[*index];
                let (Some(evidence), Some(confidence)) = (hypothesis.evidence, confidences.next()) else { continue };
                let unlike = evidence.unlikeness > UNLIKE;
                let refusal = match (unlike, hypothesis.is_wide()) {
                    (true, true) => Some(DigitRefusal::Touching),
                    (true, false) => Some(DigitRefusal::Scribble),
                    _ => None,
                };
                number.digits.push(ReadDigit {
                    digit: *digit,
                    confidence: *confidence,
                    probabilities: evidence.probabilities,
                    area: area(hypothesis.first, hypothesis.end).unwrap_or(number.area),
                    refusal,
                });
            }
        }
    }
}
