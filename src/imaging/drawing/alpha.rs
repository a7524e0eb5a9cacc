//! Decides what the opacity of a picture means: its ink, or where its paper lies.

use image::RgbaImage;

/// Least range of the colours of opaque pixels, in grey levels, that can be ink on paper.
const MIN_RANGE: usize = 40;
/// Least share of the pixels that must be clear; fewer are a flaw of an opaque picture.
const MIN_CLEAR: f64 = 0.001;
/// Least share of the paper among the opaque pixels next to clear ones.
const MIN_EDGE_SHARE: f64 = 0.6;
/// Least ratio of the share of a paper's pixels that lie next to clear ones to that of the ink's.
const MIN_EDGE_RATIO: f64 = 2.0;

/// Meaning of the opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// All pixels are opaque: none.
    Opaque,
    /// Opaque pixels are ink.
    Ink,
    /// Clear pixels are paper of this colour. The ink has the other colour.
    Paper {
        /// Colour of the paper.
        paper: [u8; 3],
        /// Mean colour of the ink.
        ink: [u8; 3],
    },
    /// A digit is cut out of opaque paper: clear pixels are ink, and show best in this colour.
    CutOut([u8; 3]),
}

/// Numbers of pixels at each level, for red, green and blue.
type Histograms = [[u32; 256]; 3];

/// Decides by the opaque pixels. If they show no ink of their own, they are the ink, as on a canvas. If they do, clear
/// pixels are paper: those of a card on a clear canvas, or white that was made clear. Which of their colours is the
/// paper's, the pixels next to clear ones show. `strongest` is the greatest opacity.
pub(super) fn meaning(rgba: &RgbaImage, strongest: u8) -> Meaning {
    let strongest = u32::from(strongest);
    let is_opaque = |opacity: u8| 4 * u32::from(opacity) >= 3 * strongest;
    let is_clear = |opacity: u8| 2 * u32::from(opacity) < strongest;
    let mut all: Box<Histograms> = Box::new([[0; 256]; 3]);
    let (mut clear, mut opaque) = (0usize, 0usize);
    for pixel in rgba.as_raw().as_chunks::<4>().0 {
        if is_opaque(pixel[3]) {
            opaque += 1;
            for (histogram, &level) in all.iter_mut().zip(pixel) {
                histogram[usize::from(level)] += 1;
            }
        }
        clear += usize::from(is_clear(pixel[3]));
    }
    if clear as f64 <= MIN_CLEAR * f64::from(rgba.width()) * f64::from(rgba.height()) {
        return Meaning::Opaque;
    }
    let range = |histogram: &[u32; 256]| quantile(histogram, 0.99) - quantile(histogram, 0.01);
    let ranges = all.each_ref().map(range);
    let widest = (0..3).max_by_key(|&channel| ranges[channel]).unwrap_or(0);
    if opaque == 0 || ranges[widest] < MIN_RANGE {
        return match border(rgba).any(&is_clear) {
            true => Meaning::Ink,
            false => {
                let level = all.iter().map(|histogram| quantile(histogram, 0.5)).sum::<usize>() / 3;
                Meaning::CutOut(if level < 128 { [255; 3] } else { [0; 3] })
            }
        };
    }
    own_ink(rgba, &all, widest, is_opaque, is_clear)
}

/// Meaning if the opaque pixels have two colours, which channel `widest` tells apart.
fn own_ink(
    rgba: &RgbaImage,
    all: &Histograms,
    widest: usize,
    is_opaque: impl Fn(u8) -> bool,
    is_clear: impl Fn(u8) -> bool,
) -> Meaning {
    let threshold = threshold(&all[widest]);
    // Numbers of pixels and sums of colours of the dark and the light class, and the colours of those at the edge.
    let (mut counts, mut sums) = ([0u64; 2], [[0u64; 3]; 2]);
    let mut edges: Box<[Histograms; 2]> = Box::new([[[0; 256]; 3]; 2]);
    let (width, height) = (rgba.width() as usize, rgba.height() as usize);
    let pixels = rgba.as_raw().as_chunks::<4>().0;
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        for (x, pixel) in row.iter().enumerate().filter(|(_, pixel)| is_opaque(pixel[3])) {
            let class = usize::from(usize::from(pixel[widest]) > threshold);
            counts[class] += 1;
            let at = y * width + x;
            // Beyond its neighbour, because the pixels between opaque and clear are neither.
            let near = [
                (x > 1).then(|| at - 2),
                (x + 2 < width).then_some(at + 2),
                (y > 1).then(|| at - 2 * width),
                (y + 2 < height).then_some(at + 2 * width),
            ];
            let is_edge = near.into_iter().flatten().any(|neighbour| is_clear(pixels[neighbour][3]));
            for (channel, &level) in pixel[..3].iter().enumerate() {
                sums[class][channel] += u64::from(level);
                edges[class][channel][usize::from(level)] += u32::from(is_edge);
            }
        }
    }
    let at_edge = edges.each_ref().map(|histograms| histograms[0].iter().sum::<u32>());
    let rate = |class: usize| f64::from(at_edge[class]) / counts[class].max(1) as f64;
    let paper = usize::from(rate(1) > rate(0));
    let ink = 1 - paper;
    let share = f64::from(at_edge[paper]) / f64::from((at_edge[0] + at_edge[1]).max(1));
    if share < MIN_EDGE_SHARE || rate(paper) < MIN_EDGE_RATIO * rate(ink) || counts[ink] == 0 {
        return Meaning::Ink;
    }
    let mean = |class: usize| sums[class].map(|sum| (sum / counts[class].max(1)) as u8);
    let (of_ink, of_paper) = (mean(ink), mean(paper));
    // The extreme colours at the edge: the others are mixed with ink.
    let colour = std::array::from_fn(|channel| {
        let share = if of_paper[channel] >= of_ink[channel] { 0.9 } else { 0.1 };
        quantile(&edges[paper][channel], share) as u8
    });
    Meaning::Paper { paper: colour, ink: of_ink }
}

/// Opacities at the border.
fn border(rgba: &RgbaImage) -> impl Iterator<Item = u8> {
    let (right, bottom) = (rgba.width() - 1, rgba.height() - 1);
    let across = (0..=right).flat_map(move |x| [(x, 0), (x, bottom)]);
    let down = (0..=bottom).flat_map(move |y| [(0, y), (right, y)]);
    across.chain(down).map(|(x, y)| rgba.get_pixel(x, y).0[3])
}

/// Lowest level with a share of the pixels at or below it.
fn quantile(histogram: &[u32; 256], share: f64) -> usize {
    let all: u64 = histogram.iter().map(|&count| u64::from(count)).sum();
    let wanted = (share * all as f64).ceil().max(1.0) as u64;
    let mut below = 0;
    histogram
        .iter()
        .position(|&count| {
            below += u64::from(count);
            below >= wanted
        })
        .unwrap_or(0)
}

/// Otsu's threshold: the level up to which pixels are dark.
fn threshold(histogram: &[u32; 256]) -> usize {
    let levels = || histogram.iter().enumerate().map(|(level, &count)| (level as f64, f64::from(count)));
    let (count, sum) = levels().fold((0.0, 0.0), |(count, sum), (level, own)| (count + own, sum + own * level));
    let (mut below, mut sum_below, mut best) = (0.0, 0.0, (f64::NEG_INFINITY, 0));
    for (level, own) in levels() {
        below += own;
        sum_below += own * level;
        if below > 0.0 && below < count {
            let distance = (sum - sum_below) / (count - below) - sum_below / below;
            let between = below * (count - below) * distance * distance;
            if between > best.0 {
                best = (between, level as usize);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    const SIDE: u32 = 60;

    fn of(pixel: impl Fn(u32, u32) -> [u8; 4]) -> Meaning {
        meaning(&RgbaImage::from_fn(SIDE, SIDE, |x, y| Rgba(pixel(x, y))), 255)
    }

    fn in_bar(x: u32, y: u32) -> bool {
        (26..34).contains(&x) && (15..45).contains(&y)
    }

    #[test]
    fn opaque_pixels_of_one_colour_are_ink() {
        for ink in [[0, 0, 0, 255], [255, 255, 255, 255], [200, 30, 30, 255]] {
            assert_eq!(of(|x, y| if in_bar(x, y) { ink } else { [9, 9, 9, 0] }), Meaning::Ink);
        }
        // Two inks.
        let two = |x, y| {
            if !in_bar(x, y) {
                [0; 4]
            } else if y < 30 {
                [0, 0, 200, 255]
            } else {
                [200, 0, 0, 255]
            }
        };
        assert_eq!(of(two), Meaning::Ink);
        assert_eq!(of(|_, _| [5, 6, 7, 255]), Meaning::Opaque);
    }

    #[test]
    fn a_card_is_paper() {
        let on_card = |x: u32, y: u32| (8..52).contains(&x) && (8..52).contains(&y);
        for (card, ink) in [([250, 250, 240], [10, 20, 30]), ([20, 20, 25], [240, 240, 240])] {
            let found = of(|x, y| {
                let [red, green, blue] = if in_bar(x, y) { ink } else { card };
                [red, green, blue, if on_card(x, y) { 255 } else { 0 }]
            });
            assert_eq!(found, Meaning::Paper { paper: card, ink });
        }
    }

    #[test]
    fn white_that_was_made_clear_is_paper() {
        let found = of(|x, y| {
            let distance = (f64::from(x) - 29.5).abs() - 4.0;
            let level = (128.0 + 60.0 * distance).clamp(0.0, 255.0) as u8;
            let level = if (15..45).contains(&y) { level } else { 255 };
            [level, level, level, if level == 255 { 0 } else { 255 }]
        });
        assert!(matches!(found, Meaning::Paper { paper, ink } if paper[0] > 180 && ink[0] < 40), "{found:?}");
    }

    #[test]
    fn a_digit_that_is_cut_out_is_clear() {
        let cut = |x, y| if in_bar(x, y) { [0; 4] } else { [230, 230, 230, 255] };
        assert_eq!(of(cut), Meaning::CutOut([0; 3]));
    }

    #[test]
    fn thresholds_and_quantiles_are_levels() {
        let mut histogram = [0; 256];
        assert_eq!((quantile(&histogram, 0.5), threshold(&histogram)), (0, 0));
        histogram[10] = 90;
        histogram[200] = 10;
        assert!((10..200).contains(&threshold(&histogram)));
        assert_eq!([0.01, 0.9, 0.91, 1.0].map(|share| quantile(&histogram, share)), [10, 10, 200, 200]);
    }
}
