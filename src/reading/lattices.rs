//! Lattices of the strips of a page, made in parts: a page takes long, and other work may be waiting.

use std::collections::{HashMap, HashSet};

use super::{
    decode::Lattice,
    lattice::{Evidence, Hypothesis, hypotheses, hypothesis},
    pieces::Pieces,
};
use crate::{
    data::{Images, PIXELS},
    imaging::{InkBox, Strip},
};

/// Most pieces of a line; a line with more is left out.
const MAX_PIECES: usize = 256;
/// Most hypotheses of a page; from the first line on that has no room, lines are left out.
pub(super) const MAX_HYPOTHESES: usize = 6000;

/// A strip with its lattice.
pub(super) struct ReadStrip {
    pub(super) strip: Strip,
    pub(super) pieces: Pieces,
    pub(super) lattice: Lattice,
    /// Whether it was left out because of the limits: its lattice has no hypotheses.
    pub(super) is_left_out: bool,
}

/// Lattices that are being made.
pub(super) struct Lattices {
    strips: Vec<Strip>,
    pieces: Vec<Pieces>,
    /// Strip, component and hypothesis of each component that is cut, as one digit.
    whole: Vec<(usize, usize, Hypothesis)>,
    /// Hypotheses of each strip; none of one that is left out.
    hypotheses: Vec<Option<Vec<Hypothesis>>>,
    known: HashMap<[u8; PIXELS], Evidence>,
    /// Images whose evidence is to be asked for, each once.
    wanted: Vec<[u8; PIXELS]>,
    /// Hypotheses that may still be made.
    left: usize,
    /// Images that are asked for at a time.
    batch: usize,
    stage: Stage,
}

/// Next part of the work.
enum Stage {
    /// Cut the strip of this index into pieces.
    Cut(usize),
    /// Ask about the components that are cut.
    AskWhole,
    /// List the hypotheses of the strip of this index.
    List(usize),
    /// Ask about the hypotheses.
    Ask,
    Done,
}

impl Lattices {
    /// Begins; `batch` images are asked for at a time, at least one.
    pub(super) fn new(strips: Vec<Strip>, batch: usize) -> Self {
        Self {
            strips,
            pieces: Vec::new(),
            whole: Vec::new(),
            hypotheses: Vec::new(),
            known: HashMap::new(),
            wanted: Vec::new(),
            left: MAX_HYPOTHESES,
            batch: batch.max(1),
            stage: Stage::Cut(0),
        }
    }

    /// Does a part: one strip, or one batch of images. True once all is done.
    ///
    /// # Errors
    /// The errors of `score`.
    pub(super) fn advance<E>(
        &mut self,
        score: &mut impl FnMut(&Images) -> Result<Vec<Evidence>, E>,
    ) -> Result<bool, E> {
        self.stage = match self.stage {
            Stage::Cut(index) if index < self.strips.len() => {
                self.cut(index);
                Stage::Cut(index + 1)
            }
            Stage::Cut(_) => {
                self.wanted = unknown(self.whole.iter().map(|(.., hypothesis)| hypothesis), &self.known);
                Stage::AskWhole
            }
            Stage::AskWhole if !self.wanted.is_empty() => {
                self.ask(score)?;
                Stage::AskWhole
            }
            Stage::AskWhole => {
                self.keep_certain_whole();
                Stage::List(0)
            }
            Stage::List(index) if index < self.pieces.len() => {
                self.list(index);
                Stage::List(index + 1)
            }
            Stage::List(_) => {
                self.wanted = unknown(self.hypotheses.iter().flatten().flatten(), &self.known);
                Stage::Ask
            }
            Stage::Ask if !self.wanted.is_empty() => {
                self.ask(score)?;
                Stage::Ask
            }
            Stage::Ask => {
                fill_in(self.hypotheses.iter_mut().flatten().flatten(), &self.known);
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
        Ok(matches!(self.stage, Stage::Done))
    }

    /// The strips with their lattices.
    pub(super) fn finish(self) -> Vec<ReadStrip> {
        let strips = self.strips.into_iter().zip(self.pieces).zip(self.hypotheses);
        let strip = |((strip, pieces), hypotheses): ((Strip, Pieces), Option<Vec<Hypothesis>>)| {
            let size = |area: InkBox| area.width.max(area.height) as f32 / pieces.height;
            let sizes = pieces.pieces.iter().map(|piece| size(piece.area)).collect();
            let is_left_out = hypotheses.is_none();
            let lattice = Lattice { hypotheses: hypotheses.unwrap_or_default(), sizes };
            ReadStrip { strip, pieces, lattice, is_left_out }
        };
        strips.map(strip).collect()
    }

    fn cut(&mut self, index: usize) {
        let pieces = Pieces::of(&self.strips[index]);
        if pieces.pieces.len() <= MAX_PIECES {
            let room = MAX_HYPOTHESES - self.whole.len();
            let components = cut_components(&pieces);
            let whole = components.into_iter().filter_map(|(first, end)| {
                let component = pieces.pieces[first].component;
                hypothesis(&pieces, first, end).map(|hypothesis| (index, component, hypothesis))
            });
            self.whole.extend(whole.take(room));
        }
        self.pieces.push(pieces);
    }

    /// Asks about the next images.
    fn ask<E>(&mut self, score: &mut impl FnMut(&Images) -> Result<Vec<Evidence>, E>) -> Result<(), E> {
        let first = self.wanted.len().saturating_sub(self.batch);
        let evidence = score(&Images::from_images(self.wanted[first..].iter().copied()))?;
        self.known.extend(self.wanted.drain(first..).zip(evidence));
        Ok(())
    }

    /// Components that are certainly one digit need no cuts: most lines then have few hypotheses.
    fn keep_certain_whole(&mut self) {
        fill_in(self.whole.iter_mut().map(|(.., hypothesis)| hypothesis), &self.known);
        for (strip, component, hypothesis) in std::mem::take(&mut self.whole) {
            if hypothesis.is_certain() {
                self.pieces[strip].without_cuts(component);
            }
        }
    }

    fn list(&mut self, index: usize) {
        let pieces = &self.pieces[index];
        let is_short = pieces.pieces.len() <= MAX_PIECES;
        let own: Option<Vec<Hypothesis>> = is_short.then(|| hypotheses(pieces).take(self.left + 1).collect());
        let own = own.filter(|own| own.len() <= self.left);
        match &own {
            Some(own) => self.left -= own.len(),
            None if is_short => self.left = 0,
            None => {}
        }
        self.hypotheses.push(own);
    }
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

/// Images of hypotheses that are not known, each once, the last first.
fn unknown<'a>(
    hypotheses: impl Iterator<Item = &'a Hypothesis>,
    known: &HashMap<[u8; PIXELS], Evidence>,
) -> Vec<[u8; PIXELS]> {
    let mut asked = HashSet::new();
    let is_new = |image: &[u8; PIXELS]| !known.contains_key(image) && asked.insert(*image);
    let mut wanted: Vec<[u8; PIXELS]> = hypotheses.map(|hypothesis| hypothesis.image).filter(is_new).collect();
    wanted.reverse();
    wanted
}

/// Fills in the evidence of hypotheses.
fn fill_in<'a>(hypotheses: impl Iterator<Item = &'a mut Hypothesis>, known: &HashMap<[u8; PIXELS], Evidence>) {
    for hypothesis in hypotheses {
        hypothesis.evidence = known.get(&hypothesis.image).copied();
    }
}
