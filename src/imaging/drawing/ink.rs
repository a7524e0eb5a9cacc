//! Extracts the ink of a picture.

use std::borrow::Cow;

use image::{DynamicImage, RgbaImage};

use super::{
    background::{Surface, median},
    options::InkSource,
};
use crate::imaging::{gray::Gray, resize::Filter};

/// Longer side to which pictures are reduced first, in pixels: many for each of the final 20, and few enough that a
/// photograph takes milliseconds.
const WORKING_SIDE: usize = 512;
/// Minimum mean difference of ink from the background, in grey levels.
const MIN_CONTRAST: f32 = 20.0;
/// Minimum ratio of that difference to the grain of the background.
const MIN_CONTRAST_TO_GRAIN: f32 = 5.0;

/// Extracts the ink of a picture, at most 512 pixels on the longer side, 255 = full ink, and says whether it is dark or
/// light; `None` if no ink stands out.
pub(super) fn ink_of(picture: &DynamicImage, source: InkSource) -> Option<(Gray, InkSource)> {
    let pixels = Pixels::of(picture);
    let by_alpha = match source {
        InkSource::Alpha => true,
        InkSource::Auto => picture.color().has_alpha() && is_mostly_transparent(&pixels.rgba),
        InkSource::Dark | InkSource::Light => false,
    };
    if by_alpha {
        Some((alpha(&pixels.channel(|[_, _, _, alpha]| alpha))?, InkSource::Dark))
    } else {
        Colours::of(&pixels).contrast(source)
    }
}

fn is_mostly_transparent(rgba: &RgbaImage) -> bool {
    let transparent = rgba.pixels().filter(|pixel| pixel.0[3] < 128).count();
    2 * transparent >= rgba.width() as usize * rgba.height() as usize
}

/// Scales the alpha channel so that its maximum is 255; `None` if all pixels are transparent.
fn alpha(channel: &Gray) -> Option<Gray> {
    let strongest = channel.pixels().iter().copied().max().filter(|&strongest| strongest > 0)?;
    let scaled = channel.pixels().iter().map(|&alpha| (u32::from(alpha) * 255 / u32::from(strongest)) as u8).collect();
    Gray::new(channel.width(), channel.height(), scaled)
}

/// A picture with its working size.
struct Pixels<'a> {
    rgba: Cow<'a, RgbaImage>,
    size: (usize, usize),
}

impl<'a> Pixels<'a> {
    fn of(picture: &'a DynamicImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let reduction = (width.max(height) as f64 / WORKING_SIDE as f64).max(1.0);
        let size = ((width as f64 / reduction).round() as usize, (height as f64 / reduction).round() as usize);
        let rgba = picture.as_rgba8().map_or_else(|| Cow::Owned(picture.to_rgba8()), Cow::Borrowed);
        Self { rgba, size }
    }

    /// Computes one value for each pixel and resizes to the working size.
    fn channel(&self, value: impl Fn([u8; 4]) -> u8) -> Gray {
        let (width, height) = (self.rgba.width() as usize, self.rgba.height() as usize);
        let pixels = self.rgba.pixels().map(|pixel| value(pixel.0)).collect();
        // An image buffer has width × height pixels, and neither is 0 here.
        let whole = Gray::new(width, height, pixels).expect("one value for each pixel");
        if self.size == (width, height) { whole } else { whole.resize(self.size.0, self.size.1, Filter::Bilinear) }
    }
}

/// Red, green and blue of a picture at working size, composited over white.
struct Colours([Gray; 3]);

impl Colours {
    fn of(pixels: &Pixels) -> Self {
        let over_white = |level: u8, alpha: u8| (255 - (u32::from(255 - level) * u32::from(alpha) + 127) / 255) as u8;
        Self([
            pixels.channel(|[level, _, _, alpha]| over_white(level, alpha)),
            pixels.channel(|[_, level, _, alpha]| over_white(level, alpha)),
            pixels.channel(|[_, _, level, alpha]| over_white(level, alpha)),
        ])
    }

    /// Ink with the highest contrast among brightness and the three colour channels: red ink on green paper may have
    /// the brightness of the paper.
    fn contrast(&self, source: InkSource) -> Option<(Gray, InkSource)> {
        let (width, height) = (self.0[0].width(), self.0[0].height());
        let [red, green, blue] = self.0.each_ref().map(Gray::pixels);
        let brightness = red
            .iter()
            .zip(green)
            .zip(blue)
            .map(|((&r, &g), &b)| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b));
        let mut views = vec![brightness.collect::<Vec<f32>>()];
        if red != green || green != blue {
            views.extend([red, green, blue].map(|levels| levels.iter().map(|&level| f32::from(level)).collect()));
        }
        let candidates = views.iter().filter_map(|levels| Difference::of(levels, width, height, source));
        let best = candidates.max_by(|a, b| a.contrast.total_cmp(&b.contrast))?;
        let side = if best.dark { InkSource::Dark } else { InkSource::Light };
        Some((Gray::new(width, height, best.into_ink())?, side))
    }
}

/// Difference of each pixel from the background, on the side of the ink.
struct Difference {
    levels: Vec<f32>,
    /// Differences below this are grain.
    floor: f32,
    /// Differences from this on are full ink.
    full: f32,
    /// Mean level of ink minus mean level of background.
    contrast: f32,
    /// The ink is darker than the background.
    dark: bool,
}

impl Difference {
    /// Computes the differences; `None` if no ink stands out.
    fn of(levels: &[f32], width: usize, height: usize, source: InkSource) -> Option<Self> {
        let surface = Surface::fit(levels, width, height);
        let mut differences: Vec<f32> = levels
            .iter()
            .enumerate()
            .map(|(index, level)| level - surface.at((index % width, width), (index / width, height)))
            .collect();
        let dark = match source {
            InkSource::Dark => true,
            InkSource::Light => false,
            // Cubing keeps the sign and emphasises large differences.
            InkSource::Auto | InkSource::Alpha => {
                differences.iter().map(|&difference| f64::from(difference).powi(3)).sum::<f64>() < 0.0
            }
        };
        if dark {
            differences.iter_mut().for_each(|difference| *difference = -*difference);
        }
        // Pixels on the other side of the background are background.
        let inked: Vec<f32> = differences.iter().map(|difference| difference.max(0.0)).collect();
        let (threshold, background, ink) = otsu(&inked)?;
        let mut grain: Vec<f64> =
            differences.iter().filter(|level| level.abs() < threshold).map(|&level| f64::from(level).abs()).collect();
        // Standard deviation estimated from the median absolute deviation.
        let grain = 1.4826 * median(&mut grain) as f32;
        let contrast = ink - background;
        if contrast < MIN_CONTRAST.max(MIN_CONTRAST_TO_GRAIN * grain) {
            return None;
        }
        // Clean pictures keep the soft edges of their strokes; grain moves the floor towards the threshold.
        let floor = (background + 4.0 * grain).max(background + 0.15 * contrast).min(threshold);
        Some(Self { levels: inked, floor, full: ink, contrast, dark })
    }

    fn into_ink(self) -> Vec<u8> {
        let gain = 255.0 / (self.full - self.floor);
        self.levels.iter().map(|level| ((level - self.floor) * gain).round().clamp(0.0, 255.0) as u8).collect()
    }
}

/// Otsu's threshold: the level that splits the pixels into two classes with minimum within-class variance. Returns it
/// with the means of the lower and the upper class; `None` if all pixels are equal.
fn otsu(levels: &[f32]) -> Option<(f32, f32, f32)> {
    const BINS: usize = 256;
    let lowest = levels.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let width = (highest - lowest) / BINS as f32;
    if width.is_nan() || width <= 1e-4 {
        return None;
    }
    let mut bins = [(0u32, 0.0f64); BINS];
    for &level in levels {
        let bin = &mut bins[(((level - lowest) / width) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + f64::from(level));
    }
    let (count, sum) = bins.iter().fold((0.0, 0.0), |(count, sum), bin| (count + f64::from(bin.0), sum + bin.1));
    let (mut below, mut sum_below) = (0.0, 0.0);
    let mut best = (f64::NEG_INFINITY, None);
    for (index, bin) in bins[..BINS - 1].iter().enumerate() {
        below += f64::from(bin.0);
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
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsus_threshold_separates_two_classes() {
        let mut levels = vec![10.0; 90];
        levels.extend([200.0; 10]);
        let (threshold, low, high) = otsu(&levels).unwrap();
        assert!((10.0..200.0).contains(&threshold));
        assert!((low - 10.0).abs() < 1e-3 && (high - 200.0).abs() < 1e-3);
        assert!(otsu(&[5.0; 20]).is_none());
    }
}
