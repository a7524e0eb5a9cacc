//! Reliability diagram.

use super::axes::Axes;
use crate::{
    evaluation::{Proportion, ReliabilityBin, Scores},
    report::{
        canvas::{Anchor, Canvas, Stroke, Style},
        format,
        scale::Scale,
        theme::{Paint, Theme},
    },
};

/// Least number of images of a bin that is drawn: the accuracy of fewer says little.
const MIN_COUNT: usize = 20;

/// Bins that hold images, neighbours being joined until each has at least 20, if all together have.
fn merged(bins: &[ReliabilityBin]) -> Vec<ReliabilityBin> {
    let mut out: Vec<ReliabilityBin> = Vec::new();
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        match out.last_mut().filter(|last| last.count < MIN_COUNT) {
            Some(last) => *last = joined(last, bin),
            None => out.push(*bin),
        }
    }
    // What is too small at the upper end goes to the bin below it.
    if let [.., _, last] = &out[..]
        && last.count < MIN_COUNT
    {
        let last = out.pop();
        if let (Some(last), Some(below)) = (last, out.last_mut()) {
            *below = joined(below, &last);
        }
    }
    out
}

/// Two bins as one: means weighted by the numbers of images.
fn joined(lower: &ReliabilityBin, upper: &ReliabilityBin) -> ReliabilityBin {
    let count = lower.count + upper.count;
    let mean = |a: f64, b: f64| (a * lower.count as f64 + b * upper.count as f64) / count as f64;
    ReliabilityBin {
        low: lower.low,
        high: upper.high,
        count,
        confidence: mean(lower.confidence, upper.confidence),
        accuracy: mean(lower.accuracy, upper.accuracy),
    }
}

/// Draws the reliability diagram: for each bin of the top probability, the accuracy (with its 95 % interval) over the
/// mean probability, and below it the number of images in the bin.
pub(in crate::report) fn calibration(
    scores: &Scores,
    model: &str,
    set: &str,
    paint: Paint,
    theme: Theme,
    width: f64,
) -> String {
    let (side, strip) = (width - 40.0 - 12.0, 54.0);
    let height = 28.0 + side + 14.0 + strip + 40.0;
    let mut canvas = Canvas::new(theme, width, height);
    let unit = Scale::linear(0.0, 100.0);
    let axes = Axes { area: [40.0, 28.0, side, side], x: &unit, y: &unit };
    axes.draw_y(&mut canvas, "accuracy, % of the images in the bin");
    axes.draw_base(&mut canvas);
    let ((x1, y1), (x2, y2)) = (axes.at(0.0, 0.0), axes.at(100.0, 100.0));
    canvas.line([x1, y1, x2, y2], Stroke::new(Paint::Soft, 1.0).dashed());
    let (x, y) = axes.at(100.0, 0.0);
    canvas.text((x, y - 8.0), "dashed: perfect calibration", Style::new(Anchor::End).size(10.5).paint(Paint::Soft));

    let bins = merged(&scores.reliability);
    let points: Vec<_> = bins.iter().map(|bin| axes.at(100.0 * bin.confidence, 100.0 * bin.accuracy)).collect();
    canvas.polyline(&points, Stroke::new(paint, 1.25));
    for (bin, &(x, y)) in bins.iter().zip(&points) {
        let correct = (bin.accuracy * bin.count as f64).round() as usize;
        let Proportion { low, high, .. } = Proportion::wilson(correct, bin.count);
        canvas.line([x, axes.at(0.0, 100.0 * low).1, x, axes.at(0.0, 100.0 * high).1], Stroke::new(paint, 1.25));
        canvas.dot((x, y), 3.2, paint, true);
    }
    let (x, y) = axes.at(0.0, 100.0);
    canvas.text(
        (x + 10.0, y + 18.0),
        &format!("ECE {:.4}", scores.expected_calibration_error),
        Style::new(Anchor::Start).bold().paint(paint),
    );

    let top = 28.0 + side + 14.0;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
    let counts = Axes { area: [40.0, top, side, strip], x: &unit, y: &unit };
    for bin in &bins {
        let bar = (strip - 12.0) * (bin.count as f64).ln_1p() / most.ln_1p();
        let (left, right) = (counts.at(100.0 * bin.low, 0.0).0, counts.at(100.0 * bin.high, 0.0).0);
        canvas.rect([left + 1.0, top + strip - bar, right - left - 2.0, bar], paint, 0.3);
        if bins.len() <= 12 {
            let text = format::count(bin.count as u64);
            canvas.text(
                ((left + right) / 2.0, top + strip - bar - 3.0),
                &text,
                Style::new(Anchor::Middle).size(8.5).paint(Paint::Soft),
            );
        }
    }
    counts.draw_x(&mut canvas, "top probability, % (bars: images, log scale)", false);
    counts.draw_base(&mut canvas);
    canvas.finish(
        &format!("Calibration of {model} on {set} images"),
        &format!("Expected calibration error {:.4} over {} images.", scores.expected_calibration_error, scores.images),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(index: usize, count: usize, right: usize) -> ReliabilityBin {
        let (low, high) = (index as f64 / 15.0, (index + 1) as f64 / 15.0);
        let accuracy = if count == 0 { 0.0 } else { right as f64 / count as f64 };
        ReliabilityBin { low, high, count, confidence: (low + high) / 2.0, accuracy }
    }

    #[test]
    fn small_bins_join_their_neighbours_and_no_image_is_lost() {
        let bins = [bin(4, 3, 1), bin(5, 0, 0), bin(6, 17, 9), bin(7, 40, 30), bin(8, 5, 5), bin(14, 2, 2)];
        let drawn = merged(&bins);
        let counts: Vec<usize> = drawn.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [20, 47]);
        assert_eq!((drawn[0].low, drawn[0].high, drawn[1].high), (bins[0].low, bins[2].high, bins[5].high));
        let right: f64 = drawn.iter().map(|bin| bin.accuracy * bin.count as f64).sum();
        assert!((right - 47.0).abs() < 1e-9, "{right}");
        assert_eq!(merged(&[bin(14, 7, 7)]).len(), 1);
        assert!(merged(&[]).is_empty());
    }
}
