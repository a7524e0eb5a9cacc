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
//! The module knows no models: the caller gives the evidence for a batch of images. [`PageReading`] does the work in
//! parts and within limits; [`NumberRecord`] is the result as JSON.

mod decode;
mod fit;
mod lattice;
mod lattices;
mod number;
mod overlay;
mod page_reading;
mod pattern;
mod pieces;
mod record;
mod seams;
mod weights;

pub use fit::{Fit, FitLines, TrainingLine};
pub use lattice::Evidence;
pub use number::{DigitRefusal, Number, NumberRefusal, ReadDigit};
pub use overlay::overlay;
pub use page_reading::PageReading;
pub use pattern::{Pattern, PatternError};
pub use record::{DigitRecord, NumberRecord, RefusalRecord};

use crate::{
    data::Images,
    imaging::{DrawingError, InkBox, InkSource, Layout, PagePicture},
};
use decode::{Path, Step};
use lattices::ReadStrip;
use weights::FITTED;

/// Score of the detector above its threshold, in log-odds, from which on ink is no digit. Above 0, because pieces of
/// touching digits are less like the digits that the threshold was set by.
const UNLIKE: f32 = 2.0;
/// Size of ink that was passed over, relative to the height of the line, from which on it is named.
const NAMED: f32 = 0.4;
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

/// Reads the numbers of a page, in reading order; none on an empty page. `score` gives the evidence for each of some
/// 28×28 images. [`PageReading`] does the same in parts.
///
/// # Errors
/// A picture that has no pixels; the errors of `score`.
pub fn read_numbers<E: From<DrawingError>>(
    page: &PagePicture,
    options: &ReadingOptions,
    mut score: impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
) -> Result<Vec<Number>, E> {
    let mut reading = PageReading::new(page, options.clone(), usize::MAX)?;
    while !reading.advance(&mut score)? {}
    Ok(reading.finish())
}

/// Reads the strips of a line: one or, in boxes, one for each digit.
fn number(strips: &[ReadStrip], area: InkBox, options: &ReadingOptions) -> Number {
    let is_boxed = options.layout == Layout::Boxes;
    let single = Pattern::of_length(1);
    let pattern = if is_boxed { single.as_ref() } else { options.pattern.as_ref() };
    let mut number = Number {
        digits: Vec::new(),
        confidence: 1.0,
        area,
        degrees: strips.first().map_or(0.0, |read| read.strip.degrees),
        unread: Vec::new(),
        refusal: None,
    };
    if strips.iter().any(|read| read.is_left_out) {
        return Number { confidence: 0.0, refusal: Some(NumberRefusal::LeftOut), ..number };
    }
    let mut is_matched = true;
    for read in strips {
        let scored = read.lattice.scored(&FITTED);
        let matched = scored.best(pattern);
        is_matched &= matched.is_some();
        let used = matched.as_ref().and(pattern);
        let Some(path) = matched.or_else(|| scored.best(None)) else { continue };
        let digits = path.digits();
        number.confidence *= scored.probability(&digits, used);
        add(&mut number, read, &path, &scored.place_probabilities(&digits));
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
fn add(number: &mut Number, read: &ReadStrip, path: &Path, confidences: &[f32]) {
    let ReadStrip { strip, pieces, lattice, .. } = read;
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
