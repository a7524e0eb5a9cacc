//! The reading of one page, part by part.

use super::{
    Evidence, Number, ReadingOptions,
    lattices::{Lattices, ReadStrip},
    number,
};
use crate::{
    data::Images,
    imaging::{DrawingError, InkBox, PagePicture, find_numbers},
};

/// Reading of a page in parts, between which a thread may do other work: a line is cut into pieces, its hypotheses are
/// listed, a batch of images is asked about, a line is decided.
///
/// Its work has limits. A page has at most 200 lines, 6,000 hypotheses and 256 pieces of ink in a line; lines beyond
/// are refused as [`NumberRefusal::LeftOut`](super::NumberRefusal::LeftOut), those after the 200th are not found.
pub struct PageReading {
    options: ReadingOptions,
    /// Area and number of strips of each line.
    lines: Vec<(InkBox, usize)>,
    state: State,
    numbers: Vec<Number>,
}

enum State {
    Lattices(Lattices),
    /// Strips of the lines that are not decided yet.
    Strips(std::vec::IntoIter<ReadStrip>),
}

impl PageReading {
    /// Finds the lines of a page; none on an empty one. `batch`: images that are asked about at a time, at least one.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn new(page: &PagePicture, options: ReadingOptions, batch: usize) -> Result<Self, DrawingError> {
        let found = match find_numbers(page, options.ink, options.layout) {
            Err(DrawingError::Blank) => Vec::new(),
            found => found?,
        };
        let lines = found.iter().map(|line| (line.area, line.strips.len())).collect();
        let strips = found.into_iter().flat_map(|line| line.strips).collect();
        Ok(Self { options, lines, state: State::Lattices(Lattices::new(strips, batch)), numbers: Vec::new() })
    }

    /// Does a part. `score` gives the evidence for each of some 28×28 images. True once the page is read.
    ///
    /// # Errors
    /// The errors of `score`, after which the same part may be tried again.
    pub fn advance<E>(&mut self, mut score: impl FnMut(&Images) -> Result<Vec<Evidence>, E>) -> Result<bool, E> {
        match &mut self.state {
            State::Lattices(lattices) => {
                if lattices.advance(&mut score)? {
                    let done = std::mem::replace(lattices, Lattices::new(Vec::new(), 1));
                    self.state = State::Strips(done.finish().into_iter());
                }
                Ok(false)
            }
            State::Strips(strips) => {
                let Some((area, count)) = self.lines.get(self.numbers.len()) else { return Ok(true) };
                let own: Vec<ReadStrip> = strips.by_ref().take(*count).collect();
                self.numbers.push(number(&own, *area, &self.options));
                Ok(self.numbers.len() == self.lines.len())
            }
        }
    }

    /// The numbers in reading order: all of them once the page is read.
    pub fn finish(self) -> Vec<Number> {
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::synthetic,
        imaging::{InkSource, Layout},
        reading::NumberRecord,
        seed::Seed,
    };

    /// The numbers of a digit as a page, one image at a time; of the calls those fail that `fails` says.
    fn read(fails: impl Fn(usize) -> bool) -> (serde_json::Value, usize) {
        let page = PagePicture::of_digit(&synthetic::digit(4, Seed(2)));
        let options =
            ReadingOptions { ink: InkSource::Light, layout: Layout::Lines, pattern: None, min_confidence: 0.0 };
        let mut reading = PageReading::new(&page, options, 1).unwrap();
        let mut calls = 0;
        loop {
            let part = reading.advance(|images| {
                calls += 1;
                if fails(calls) {
                    return Err("no answer");
                }
                let evidence = |image: &[u8; crate::data::PIXELS]| {
                    let sum: usize = image.iter().map(|&pixel| usize::from(pixel)).sum();
                    let probabilities = std::array::from_fn(|digit| if digit == sum % 10 { 0.73 } else { 0.03 });
                    Evidence { probabilities, unlikeness: 0.0, is_several: false }
                };
                Ok(images.iter().map(evidence).collect())
            });
            if part == Ok(true) {
                let numbers = reading.finish();
                let records: Vec<NumberRecord> = numbers.iter().map(NumberRecord::from).collect();
                return (serde_json::to_value(records).unwrap(), calls);
            }
        }
    }

    #[test]
    fn a_part_that_failed_is_tried_again() {
        let (expected, calls) = read(|_| false);
        assert!(calls > 0 && expected[0]["digits"][0]["digit"].is_number(), "{expected}");
        assert_eq!(read(|call| call % 2 == 1), (expected, 2 * calls));
    }
}
