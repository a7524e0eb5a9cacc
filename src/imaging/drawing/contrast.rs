//! Tells ink from paper by the difference from the background.
//!
//! There are two ways. Where the ink leaves the border of the picture free, the background is a smooth surface fitted to
//! the whole picture, which follows uneven light. A crop along the digit's own box may hold more ink than paper, so that
//! such a fit takes one for the other: there the levels are split into two classes, and the shapes of the classes say
//! which is the ink ([`paper`]).

use super::{
    background::{Surface, median},
    paper,
};

/// Minimum mean difference of ink from the background, in grey levels.
const MIN_CONTRAST: f32 = 20.0;
/// Minimum ratio of that difference to the grain of the background.
const MIN_CONTRAST_TO_GRAIN: f32 = 5.0;
/// Greatest share of the border that ink may take for the surface to be trusted.
const MAX_BORDER: f64 = 0.02;
/// Least share of the variance of the levels that lies between two classes, for their shapes to count.
const MIN_SEPARATION: f64 = 0.78;
/// Share of the distance of two classes below which ink that was found by the surface is not theirs.
const MIN_CONTRAST_OF_CLASSES: f32 = 0.6;
/// Pixels of paper around a crop for each pixel of it, as around a picture with a margin of a fifth on every side.
const MARGIN: f64 = 0.96;

/// Difference of each pixel from the background, on the side of the ink.
pub(super) struct Difference {
    levels: Vec<f32>,
    /// Differences below this are grain.
    floor: f32,
    /// Differences from this on are full ink.
    full: f32,
    /// Mean level of ink minus mean level of background.
    pub(super) contrast: f32,
    /// The ink is darker than the background.
    pub(super) dark: bool,
}

impl Difference {
    /// Computes the differences; `None` if no ink stands out. `dark` tells the side of the ink, if it is known.
    pub(super) fn of(levels: &[f32], width: usize, height: usize, dark: Option<bool>) -> Option<Self> {
        let free = Free::of(levels, width, height, dark);
        if let Some(Free { difference, border, .. }) = &free
            && *border <= MAX_BORDER
            && !Classes::of(levels)
                .is_some_and(|classes| difference.contrast < MIN_CONTRAST_OF_CLASSES * classes.distance())
        {
            return free.map(|free| free.difference);
        }
        let tight = Classes::of(levels).and_then(|classes| classes.difference(levels, width, height, dark));
        tight.or(free.map(|free| free.difference))
    }

    /// Level of ink of each pixel, 0 to 255.
    pub(super) fn into_ink(self) -> Vec<u8> {
        let gain = 255.0 / (self.full - self.floor);
        self.levels.iter().map(|level| ((level - self.floor) * gain).round().clamp(0.0, 255.0) as u8).collect()
    }

    /// From differences above 0 where there is ink; `margin` counts pixels of paper around the picture.
    fn new(
        differences: Vec<f32>,
        dark: bool,
        margin: usize,
        grain: impl Fn(&[f32], f32) -> f32,
    ) -> Option<(Self, f32)> {
        // Pixels on the other side of the background are background.
        let inked: Vec<f32> = differences.iter().map(|difference| difference.max(0.0)).collect();
        let Split { threshold, low: background, high: ink, .. } = otsu(&inked, margin)?;
        let grain = grain(&differences, threshold);
        let contrast = ink - background;
        if contrast < MIN_CONTRAST.max(MIN_CONTRAST_TO_GRAIN * grain) {
            return None;
        }
        // Clean pictures keep the soft edges of their strokes; grain moves the floor towards the threshold.
        let floor = (background + 4.0 * grain).max(background + 0.15 * contrast).min(threshold);
        Some((Self { levels: inked, floor, full: ink, contrast, dark }, threshold))
    }
}

/// Tells whether the larger differences from a smooth surface fitted to a picture are on its dark side, and the share
/// of the pixels that lie on its light side by half as much as the lightest.
pub(in crate::imaging) fn darker_side(levels: &[f32], width: usize, height: usize) -> (bool, f64) {
    let surface = Surface::fit(levels, width, height);
    let difference = |index: usize| levels[index] - surface.at((index % width, width), (index / width, height));
    let (mut sum, mut highest) = (0.0, 0.0f32);
    for index in 0..levels.len() {
        let difference = difference(index);
        sum += f64::from(difference).powi(3);
        highest = highest.max(difference);
    }
    let light = (0..levels.len()).filter(|&index| difference(index) > 0.5 * highest).count();
    (sum < 0.0, light as f64 / levels.len().max(1) as f64)
}

/// Differences from the surface of the whole picture, on the side of the larger ones.
struct Free {
    difference: Difference,
    /// Share of the border that is ink.
    border: f64,
}

impl Free {
    fn of(levels: &[f32], width: usize, height: usize, dark: Option<bool>) -> Option<Self> {
        let surface = Surface::fit(levels, width, height);
        let mut differences: Vec<f32> = levels
            .iter()
            .enumerate()
            .map(|(index, level)| level - surface.at((index % width, width), (index / width, height)))
            .collect();
        // Cubing keeps the sign and emphasises large differences.
        let dark = dark
            .unwrap_or_else(|| differences.iter().map(|&difference| f64::from(difference).powi(3)).sum::<f64>() < 0.0);
        if dark {
            differences.iter_mut().for_each(|difference| *difference = -*difference);
        }
        let grain = |differences: &[f32], threshold: f32| {
            let near = differences.iter().filter(|level| level.abs() < threshold);
            deviation(near.map(|&level| f64::from(level).abs()).collect())
        };
        let (difference, threshold) = Difference::new(differences, dark, 0, grain)?;
        let inked = paper::border(width, height).filter(|&index| difference.levels[index] > threshold).count();
        let border = inked as f64 / paper::border(width, height).count() as f64;
        Some(Self { difference, border })
    }
}

/// The two classes of levels of a crop.
struct Classes {
    split: Split,
}

impl Classes {
    /// Splits the levels; `None` if they do not fall into two classes.
    fn of(levels: &[f32]) -> Option<Self> {
        let split = otsu(levels, 0)?;
        (split.separation >= MIN_SEPARATION && split.high - split.low >= MIN_CONTRAST).then_some(Self { split })
    }

    fn distance(&self) -> f32 {
        self.split.high - self.split.low
    }

    /// Differences from the class that is paper; `None` if the ink is on the other side than `dark` says.
    fn difference(&self, levels: &[f32], width: usize, height: usize, dark: Option<bool>) -> Option<Difference> {
        let threshold = self.split.threshold;
        let found = paper::ink(levels, width, height, threshold);
        let dark = match dark {
            None => found.is_dark,
            Some(dark) if dark == found.is_dark || !found.is_certain => dark,
            Some(_) => return None,
        };
        // Of the paper's class the half away from the ink: the other has the soft edges of strokes.
        let is_paper = |level: f32| if dark { level >= self.split.high } else { level <= self.split.low };
        let surface = Surface::fit_background(levels, width, height, is_paper);
        let sign = if dark { -1.0 } else { 1.0 };
        let differences: Vec<f32> = levels
            .iter()
            .enumerate()
            .map(|(index, level)| sign * (level - surface.at((index % width, width), (index / width, height))))
            .collect();
        // Soft edges lie on the side of the ink; the other side has grain alone.
        let grain = |differences: &[f32], _: f32| {
            deviation(differences.iter().filter(|&&level| level < 0.0).map(|&level| f64::from(-level)).collect())
        };
        let margin = (MARGIN * levels.len() as f64) as usize;
        Difference::new(differences, dark, margin, grain).map(|(difference, _)| difference)
    }
}

/// Standard deviation estimated from the median of absolute deviations.
fn deviation(mut deviations: Vec<f64>) -> f32 {
    1.4826 * median(&mut deviations) as f32
}

/// Two classes of levels.
struct Split {
    threshold: f32,
    /// Mean of the lower class.
    low: f32,
    /// Mean of the upper class.
    high: f32,
    /// Share of the variance that lies between the classes, 0 to 1.
    separation: f64,
}

/// Splits levels, with a number of further ones of 0, into the two classes with minimum within-class variance (Otsu);
/// `None` if all are equal.
fn otsu(levels: &[f32], zeros: usize) -> Option<Split> {
    const BINS: usize = 256;
    let lowest = levels.iter().copied().fold(if zeros > 0 { 0.0 } else { f32::INFINITY }, f32::min);
    let highest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let width = (highest - lowest) / BINS as f32;
    if width.is_nan() || width <= 1e-4 {
        return None;
    }
    let bin_of = |level: f32| (((level - lowest) / width) as usize).min(BINS - 1);
    let mut bins = [(0.0f64, 0.0f64); BINS];
    let mut squares = 0.0;
    bins[bin_of(0.0f32.max(lowest))].0 += zeros as f64;
    for &level in levels {
        let bin = &mut bins[bin_of(level)];
        let level = f64::from(level);
        *bin = (bin.0 + 1.0, bin.1 + level);
        squares += level * level;
    }
    let (count, sum) = bins.iter().fold((0.0, 0.0), |(count, sum), bin| (count + bin.0, sum + bin.1));
    let (mut below, mut sum_below) = (0.0, 0.0);
    let mut best = (f64::NEG_INFINITY, None);
    for (index, bin) in bins[..BINS - 1].iter().enumerate() {
        below += bin.0;
        sum_below += bin.1;
        let above = count - below;
        if below > 0.0 && above > 0.0 {
            let (low, high) = (sum_below / below, (sum - sum_below) / above);
            let between = below * above * (high - low).powi(2);
            if between > best.0 {
                best = (between, Some((lowest + (index + 1) as f32 * width, low as f32, high as f32)));
            }
        }
    }
    let (threshold, low, high) = best.1?;
    let variance = (squares / count - (sum / count).powi(2)).max(f64::MIN_POSITIVE);
    Some(Split { threshold, low, high, separation: best.0 / (count * count) / variance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsus_threshold_separates_two_classes() {
        let mut levels = vec![10.0; 90];
        levels.extend([200.0; 10]);
        let Split { threshold, low, high, separation } = otsu(&levels, 0).unwrap();
        assert!((10.0..200.0).contains(&threshold));
        assert!((low - 10.0).abs() < 1e-3 && (high - 200.0).abs() < 1e-3);
        assert!((separation - 1.0).abs() < 1e-6);
        assert!(otsu(&[5.0; 20], 0).is_none());
        let even: Vec<f32> = (0..1000).map(|level| level as f32).collect();
        assert!((otsu(&even, 0).unwrap().separation - 0.75).abs() < 0.01);
        let with_zeros = otsu(&[100.0, 100.0], 2).unwrap();
        assert_eq!((with_zeros.low, with_zeros.high), (0.0, 100.0));
    }
}
