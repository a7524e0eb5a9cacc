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
    let pixels = Pixels::of(&rgba, strongest);
    let (white, black) = ([255; 3], [0; 3]);
    let meaning = match source {
        InkSource::Alpha => Meaning::Ink,
        InkSource::Auto if has_alpha => alpha::meaning(&rgba, strongest),
        InkSource::Auto => Meaning::Opaque,
        InkSource::Dark => return pixels.over(white).contrast(&Side::Known(true)),
        InkSource::Light => return pixels.over(black).contrast(&Side::Known(false)),
    };
    match meaning {
        Meaning::Opaque => pixels.over(white).contrast(&Side::Unknown),
        Meaning::CutOut(ink) => pixels.over(ink).contrast(&Side::Unknown),
        Meaning::Ink => pixels.opacity(),
        Meaning::Paper { paper, ink } => {
            pixels.over(paper).contrast(&Side::Colours { paper, ink }).or_else(|| pixels.opacity())
        }
    }
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
    fn of(rgba: &'a RgbaImage, strongest: u8) -> Self {
        let (width, height) = (rgba.width() as usize, rgba.height() as usize);
        let reduction = (width.max(height) as f64 / WORKING_SIDE as f64).max(1.0);
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

impl Colours {
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
