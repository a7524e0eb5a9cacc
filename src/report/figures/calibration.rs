//! Reliability diagram.

use super::axes::Axes;
use crate::{
    evaluation::{Proportion, Scores},
    report::{
        canvas::{Anchor, Canvas, Stroke, Style},
        format,
        scale::Scale,
        theme::{Paint, Theme},
    },
};

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

    let bins: Vec<_> = scores.reliability.iter().filter(|bin| bin.count > 0).collect();
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
