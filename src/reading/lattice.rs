//! Hypotheses of a line: each run of neighbouring pieces that may be one digit, with its evidence.

use super::pieces::{Piece, Pieces};
use crate::{
    data::{CLASSES, PIXELS},
    imaging::{Centre, InkBox, digit_from_ink},
};

/// Most pieces of a digit.
const MAX_PIECES: usize = 8;
/// Greatest width of a digit that is made of several pieces, relative to the height of the line.
const MAX_WIDTH: f32 = 1.35;
/// Greatest gap between components of a digit, relative to the height of the line.
const MAX_GAP: f32 = 0.3;
/// Least height of a digit, relative to the height of the line.
const MIN_HEIGHT: f32 = 0.3;

/// Outputs of the models for one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Calibrated probabilities of the digits 0 to 9.
    pub probabilities: [f32; CLASSES],
    /// Score of the out-of-distribution detector minus its threshold, in log-odds: above 0 it refuses the image; 0
    /// without a detector.
    pub unlikeness: f32,
    /// Whether the image shows two parts side by side.
    pub is_several: bool,
}

/// Number of features of a hypothesis, beside that of the probability of its digit.
pub(super) const FEATURES: usize = 14;

/// Pieces `first..end` as one digit.
#[derive(Clone, Debug)]
pub(super) struct Hypothesis {
    pub(super) first: usize,
    pub(super) end: usize,
    /// The image that the models see.
    pub(super) image: [u8; PIXELS],
    /// Outputs of the models for the image, once they are known.
    pub(super) evidence: Option<Evidence>,
    /// Features that do not depend on the evidence.
    geometry: Geometry,
}

#[derive(Clone, Copy, Debug, Default)]
struct Geometry {
    height: f32,
    width: f32,
    offset: f32,
    /// Ink of the cuts at both ends, and the number of those cuts.
    cuts: (f32, f32),
    /// How cheap the cuts inside are that are not made.
    uncut: f32,
    /// Components beyond the first, the sum of their gaps, and those of them that stand beside.
    joined: (f32, f32, f32),
}

/// All hypotheses of the pieces of a line.
pub(super) fn hypotheses(pieces: &Pieces) -> impl Iterator<Item = Hypothesis> + '_ {
    let count = pieces.pieces.len();
    (0..count)
        .flat_map(move |first| (first + 1..=(first + MAX_PIECES).min(count)).map(move |end| (first, end)))
        .filter_map(|(first, end)| hypothesis(pieces, first, end))
}

/// One hypothesis; `None` if its shape rules it out.
pub(super) fn hypothesis(pieces: &Pieces, first: usize, end: usize) -> Option<Hypothesis> {
    let area = pieces.area(first, end)?;
    let (width, height) = (area.width as f32 / pieces.height, area.height as f32 / pieces.height);
    if (end - first > 1 && width > MAX_WIDTH) || height < MIN_HEIGHT || width > 4.0 * height {
        return None;
    }
    let own = &pieces.pieces[first..end];
    let (gap, beside, components) = joins(own, pieces.height)?;
    // Cuts to pieces of the same component outside, and those inside.
    let outside = |index: Option<usize>, of: usize| {
        index.and_then(|index| pieces.pieces.get(index)).filter(|piece| piece.component == pieces.pieces[of].component)
    };
    let mut cuts = (0.0, 0.0);
    if let Some(cut) = outside(first.checked_sub(1), first).and(pieces.pieces[first].cut) {
        cuts = (cuts.0 + cut, cuts.1 + 1.0);
    }
    if let Some(cut) = outside(Some(end), end - 1).and_then(|piece| piece.cut) {
        cuts = (cuts.0 + cut, cuts.1 + 1.0);
    }
    let uncut = own.windows(2).filter(|pair| pair[0].component == pair[1].component).filter_map(|pair| pair[1].cut);
    let geometry = Geometry {
        height,
        width,
        offset: (area.middle().1 - pieces.middle) / pieces.height,
        cuts,
        uncut: uncut.map(|cut| (1.2 - cut).max(0.0)).sum(),
        joined: ((components - 1) as f32, gap, beside),
    };
    let image = digit_from_ink(pieces.image(first, end)?, Centre::Mass)?.image;
    Some(Hypothesis { first, end, image, evidence: None, geometry })
}

/// Sum of the gaps between the components of some pieces, how many stand beside others, and their number; `None` if
/// they are too far apart.
fn joins(pieces: &[Piece], height: f32) -> Option<(f32, f32, usize)> {
    let mut areas: Vec<(usize, InkBox)> = Vec::new();
    for piece in pieces {
        match areas.iter_mut().find(|(component, _)| *component == piece.component) {
            Some((_, area)) => *area = InkBox::enclosing([*area, piece.area]).unwrap_or(*area),
            None => areas.push((piece.component, piece.area)),
        }
    }
    let (mut sum, mut beside) = (0.0, 0.0);
    for (index, (_, area)) in areas.iter().enumerate().skip(1) {
        let gap = areas[..index].iter().map(|(_, other)| gap(other, area)).min()? as f32 / height;
        if gap > MAX_GAP {
            return None;
        }
        sum += gap;
        let stands_beside = |other: &InkBox| {
            let overlap = other.right().min(area.right()).saturating_sub(other.left.max(area.left));
            let tall = |area: &InkBox| area.height as f32 >= 0.6 * height;
            2 * overlap < other.width.min(area.width) && tall(other) && tall(area)
        };
        beside += f32::from(u8::from(areas[..index].iter().any(|(_, other)| stands_beside(other))));
    }
    Some((sum, beside, areas.len()))
}

/// Distance of two boxes, in pixels.
fn gap(one: &InkBox, other: &InkBox) -> usize {
    let apart = |a: (usize, usize), b: (usize, usize)| a.0.saturating_sub(b.1).max(b.0.saturating_sub(a.1));
    let across = apart((one.left, one.right()), (other.left, other.right()));
    across.max(apart((one.top, one.bottom()), (other.top, other.bottom())))
}

impl Hypothesis {
    /// Logarithm of the probability of a digit, at least −9.
    fn log_probability(&self, digit: u8) -> f32 {
        self.evidence.map_or(-9.0, |evidence| evidence.probabilities[usize::from(digit)].max(1e-9).ln().max(-9.0))
    }

    /// Features for one digit, about 0 to 5 each. The first is 1.
    pub(super) fn features(&self, digit: u8) -> [f32; FEATURES] {
        let Geometry { height, width, offset, cuts, uncut, joined } = self.geometry;
        let (unlikeness, is_several) =
            self.evidence.map_or((0.0, false), |evidence| (evidence.unlikeness, evidence.is_several));
        let is_one = digit == 1;
        let aspect = width / height;
        [
            1.0,
            self.log_probability(digit),
            unlikeness.clamp(-6.0, 0.0),
            unlikeness.clamp(0.0, 9.0),
            f32::from(u8::from(is_several)),
            height.ln().abs().min(1.5),
            (width - 0.85).clamp(0.0, 2.0),
            if is_one { 0.0 } else { (0.45 - aspect).max(0.0) * 4.0 },
            offset.abs().min(1.0),
            cuts.0.min(5.0),
            cuts.1,
            uncut,
            joined.0 + 2.0 * joined.1 + joined.2,
            if is_one { cuts.1 } else { 0.0 },
        ]
    }

    /// Whether the ink is wider than a digit.
    pub(super) fn is_wide(&self) -> bool {
        self.geometry.width > 1.25 * self.geometry.height
    }

    /// Whether it has the shape of a whole digit, and the models are sure of it: its component needs no cuts.
    pub(super) fn is_certain(&self) -> bool {
        let most = self.evidence.map_or(0.0, |evidence| evidence.probabilities.iter().copied().fold(0.0, f32::max));
        let Geometry { height, width, .. } = self.geometry;
        let unlikeness = self.evidence.map_or(0.0, |evidence| evidence.unlikeness);
        height > 0.75 && width < 0.75 * height && most > 0.99 && unlikeness < -1.0
    }
}
