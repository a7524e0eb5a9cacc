//! Extracts the ink of a picture.

use image::{DynamicImage, RgbaImage};

use super::{
    alpha::{self, Meaning},
    contrast::Difference,
    depth::eight_bits,
    options::InkSource,
};
use crate::imaging::{gray::Gray, resize::Filter};

/// Longer side to which pictures are reduced first, in pixels: many for each of the final 20, and few enough that a
/// photograph takes milliseconds.
const WORKING_SIDE: usize = 512;

/// Extracts the ink of a picture, at most 512 pixels on the longer side, 255 = full ink, and says whether it is dark or
/// light; `None` if no ink stands out.
pub(super) fn ink_of(picture: &DynamicImage, source: InkSource) -> Option<(Gray, InkSource)> {
    with_pixels(picture, source, WORKING_SIDE, |pixels, place| match place {
        Place::Opacity => pixels.opacity(),
        Place::Over(colour, side) => {
            let found = pixels.over(colour).contrast(&side);
            found.or_else(|| if matches!(side, Side::Colours { .. }) { pixels.opacity() } else { None })
        }
    })
}

/// Levels of a picture in full size, in which ink is to be found.
pub(in crate::imaging) enum Levels {
    /// The ink itself, 255 = full ink.
    Ink(Gray),
    /// Brightness, or the colour channel in which ink and paper differ most, and whether the ink is dark, if it is
    /// known.
    Picture(Gray, Option<bool>),
}

/// Levels of a picture for finding many digits; `None` for a picture that is clear throughout.
pub(in crate::imaging) fn levels_of(picture: &DynamicImage, source: InkSource) -> Option<Levels> {
    with_pixels(picture, source, usize::MAX, |pixels, place| match place {
        Place::Opacity => pixels.opacity().map(|(ink, _)| Levels::Ink(ink)),
        Place::Over(colour, side) => {
            let (levels, weights) = pixels.over(colour).sharpest();
            Some(Levels::Picture(levels, side.is_dark(weights)))
        }
    })
}

/// Where the ink of a picture is looked for.
enum Place {
    /// In its opacity.
    Opacity,
    /// In its colours, over this one where it is clear.
    Over([u8; 3], Side),
}

/// Calls `f` with the pixels of a picture and the place of the ink; `None` for a picture that is clear throughout.
fn with_pixels<T>(
    picture: &DynamicImage,
    source: InkSource,
    side: usize,
    f: impl FnOnce(&Pixels, Place) -> Option<T>,
) -> Option<T> {
    let has_alpha = picture.color().has_alpha();
    let eight = eight_bits(picture);
    let rgba = match eight.as_rgba8() {
        Some(rgba) => std::borrow::Cow::Borrowed(rgba),
        None => std::borrow::Cow::Owned(eight.to_rgba8()),
    };
    let strongest = match has_alpha {
        true => {
            rgba.as_raw().as_chunks::<4>().0.iter().map(|pixel| pixel[3]).max().filter(|&strongest| strongest > 0)?
        }
        false => 255,
    };
    let (white, black) = ([255; 3], [0; 3]);
    let meaning = match source {
        InkSource::Alpha => Meaning::Ink,
        InkSource::Auto if has_alpha => alpha::meaning(&rgba, strongest),
        _ => Meaning::Opaque,
    };
    let place = match (source, meaning) {
        (InkSource::Dark, _) => Place::Over(white, Side::Known(true)),
        (InkSource::Light, _) => Place::Over(black, Side::Known(false)),
        (_, Meaning::Opaque) => Place::Over(white, Side::Unknown),
        (_, Meaning::CutOut(ink)) => Place::Over(ink, Side::Unknown),
        (_, Meaning::Ink) => Place::Opacity,
        (_, Meaning::Paper { paper, ink }) => Place::Over(paper, Side::Colours { paper, ink }),
    };
    f(&Pixels::of(&rgba, strongest, side), place)
}

/// What is known of the side on which the ink lies.
enum Side {
    Unknown,
    /// Darker than the background, or lighter.
    Known(bool),
    Colours {
        paper: [u8; 3],
        ink: [u8; 3],
    },
}

impl Side {
    /// Whether the ink is the darker, as a weighted sum of the colours shows it.
    fn is_dark(&self, weights: [f32; 3]) -> Option<bool> {
        let of = |colour: &[u8; 3]| colour.iter().zip(weights).map(|(&level, weight)| f32::from(level) * weight).sum();
        match self {
            Self::Unknown => None,
            Self::Known(dark) => Some(*dark),
            Self::Colours { paper, ink } => {
                let (paper, ink): (f32, f32) = (of(paper), of(ink));
                Some(ink < paper)
            }
        }
    }
}

/// Weights of red, green and blue in brightness, by ITU-R BT.601, and each of them alone.
const VIEWS: [[f32; 3]; 4] = [[0.299, 0.587, 0.114], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// A picture with its working size.
struct Pixels<'a> {
    rgba: &'a RgbaImage,
    /// The greatest opacity, which counts as full.
    strongest: u32,
    size: (usize, usize),
}

impl<'a> Pixels<'a> {
    fn of(rgba: &'a RgbaImage, strongest: u8, side: usize) -> Self {
        let (width, height) = (rgba.width() as usize, rgba.height() as usize);
        let reduction = (width.max(height) as f64 / side as f64).max(1.0);
        let size = ((width as f64 / reduction).round() as usize, (height as f64 / reduction).round() as usize);
        Self { rgba, strongest: strongest.into(), size }
    }

    /// Computes one value for each pixel and resizes to the working size.
    fn channel(&self, value: impl Fn([u8; 4]) -> u8) -> Gray {
        let (width, height) = (self.rgba.width() as usize, self.rgba.height() as usize);
        let pixels = self.rgba.pixels().map(|pixel| value(pixel.0)).collect();
        // An image buffer has width × height pixels, and neither is 0 here.
        let whole = Gray::new(width, height, pixels).expect("one value for each pixel");
        if self.size == (width, height) { whole } else { whole.resize(self.size.0, self.size.1, Filter::Bilinear) }
    }

    /// Opacity as ink, dark or light by its colours.
    fn opacity(&self) -> Option<(Gray, InkSource)> {
        let ink = self.channel(|[_, _, _, opacity]| (u32::from(opacity) * 255 / self.strongest) as u8);
        Some((ink, InkSource::Dark))
    }

    /// Red, green and blue over a colour.
    fn over(&self, below: [u8; 3]) -> Colours {
        let mix = |level: u8, below: u8, opacity: u8| {
            let opacity = u32::from(opacity).min(self.strongest);
            let sum = u32::from(level) * opacity + u32::from(below) * (self.strongest - opacity);
            ((sum + self.strongest / 2) / self.strongest) as u8
        };
        let is_grey =
            self.rgba.as_raw().as_chunks::<4>().0.iter().all(|[red, green, blue, _]| red == green && green == blue)
                && below[0] == below[1]
                && below[1] == below[2];
        let red = self.channel(|[level, _, _, opacity]| mix(level, below[0], opacity));
        if is_grey {
            return Colours(vec![red]);
        }
        Colours(vec![
            red,
            self.channel(|[_, level, _, opacity]| mix(level, below[1], opacity)),
            self.channel(|[_, _, level, opacity]| mix(level, below[2], opacity)),
        ])
    }
}

/// Red, green and blue of a picture at working size, or grey alone.
struct Colours(Vec<Gray>);

/// Pixels between two that are compared for the sharpness of a view.
const EDGE: usize = 4;
/// Share of the differences that are counted as those of edges of ink.
const EDGES: f64 = 0.005;
/// Ratio to the edges of brightness from which on another view is taken in its place.
const BETTER: f64 = 1.3;

impl Colours {
    /// Brightness, or the colour channel whose edges are clearly stronger, with its weights of red, green and blue.
    fn sharpest(mut self) -> (Gray, [f32; 3]) {
        let [red, green, blue] = &self.0[..] else { return (self.0.swap_remove(0), VIEWS[0]) };
        let (width, height) = (red.width(), red.height());
        let weights = VIEWS[0].map(|weight| (256.0 * weight) as u32);
        let channels = red.pixels().iter().zip(green.pixels()).zip(blue.pixels());
        let brightness = channels
            .map(|((&red, &green), &blue)| {
                ((weights[0] * u32::from(red) + weights[1] * u32::from(green) + weights[2] * u32::from(blue) + 128)
                    >> 8) as u8
            })
            .collect();
        // As many pixels as each channel has.
        let Some(brightness) = Gray::new(width, height, brightness) else { return (self.0.swap_remove(0), VIEWS[1]) };
        let base = edges(&brightness);
        let best = (0..3).map(|channel| (edges(&self.0[channel]), channel)).max_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((strength, channel)) if strength > BETTER * base => (self.0.swap_remove(channel), VIEWS[1 + channel]),
            _ => (brightness, VIEWS[0]),
        }
    }

    /// Ink with the highest contrast among brightness and the three colour channels: red ink on green paper may have
    /// the brightness of the paper.
    fn contrast(&self, side: &Side) -> Option<(Gray, InkSource)> {
        let (width, height) = (self.0[0].width(), self.0[0].height());
        let difference = |weights: [f32; 3]| {
            let levels: Vec<f32> = match &self.0[..] {
                [red, green, blue] => {
                    let channels = red.pixels().iter().zip(green.pixels()).zip(blue.pixels());
                    channels
                        .map(|((&red, &green), &blue)| {
                            weights[0] * f32::from(red) + weights[1] * f32::from(green) + weights[2] * f32::from(blue)
                        })
                        .collect()
                }
                grey => grey[0].pixels().iter().map(|&level| f32::from(level)).collect(),
            };
            Difference::of(&levels, width, height, side.is_dark(weights))
        };
        let views = if self.0.len() == 1 { &VIEWS[..1] } else { &VIEWS };
        let best =
            views.iter().filter_map(|&weights| difference(weights)).max_by(|a, b| a.contrast.total_cmp(&b.contrast))?;
        let side = if best.dark { InkSource::Dark } else { InkSource::Light };
        Some((Gray::new(width, height, best.into_ink())?, side))
    }
}

/// Strength of the strongest differences of near pixels, on every fourth row.
fn edges(levels: &Gray) -> f64 {
    let mut counts = [0u64; 256];
    for row in levels.rows().step_by(EDGE) {
        for (&one, &other) in row.iter().zip(row.iter().skip(EDGE)) {
            counts[usize::from(one.abs_diff(other))] += 1;
        }
    }
    let mut left = (EDGES * counts.iter().sum::<u64>() as f64).ceil();
    let (mut sum, all) = (0.0, left.max(1.0));
    for (difference, &count) in counts.iter().enumerate().rev() {
        let taken = left.min(count as f64);
        sum += taken * difference as f64;
        left -= taken;
    }
    sum / all
}
