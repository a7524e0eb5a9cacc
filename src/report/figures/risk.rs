//! Risk–coverage curve.

use super::axes::Axes;
use crate::{
    evaluation::{RiskCoverage, RiskPoint, confidence_text},
    report::{
        canvas::{Anchor, Canvas, Stroke, Style},
        format,
        scale::Scale,
        theme::{Paint, Theme},
    },
};

/// Draws the share of errors among the answers over the share of images that are answered, with the confidence
/// threshold of few enough errors, if there is one.
pub(in crate::report) fn risk_coverage(
    curve: &RiskCoverage,
    model: &str,
    set: &str,
    paint: Paint,
    theme: Theme,
    width: f64,
) -> String {
    let (left, height) = (40.0, 220.0);
    let mut canvas = Canvas::new(theme, width, 28.0 + height + 40.0);
    let most = curve.points.iter().map(RiskPoint::risk).fold(curve.target, f64::max);
    let (x, y) = (Scale::linear(0.0, 100.0), Scale::linear(0.0, 110.0 * most));
    let axes = Axes { area: [left, 28.0, width - left - 12.0, height], x: &x, y: &y };
    axes.draw_y(&mut canvas, "errors, % of the answers");
    axes.draw_x(&mut canvas, "coverage, % of the images that are answered", false);
    axes.draw_base(&mut canvas);
    let ((x1, y1), (x2, y2)) = (axes.at(0.0, 100.0 * curve.target), axes.at(100.0, 100.0 * curve.target));
    canvas.line([x1, y1, x2, y2], Stroke::new(Paint::Soft, 1.0).dashed());
    let target = format!("dashed: {} % errors", format::short(100.0 * curve.target));
    canvas.text((x1 + 6.0, y1 - 5.0), &target, Style::new(Anchor::Start).size(10.5).paint(Paint::Soft));
    let at = |point: &RiskPoint| axes.at(100.0 * point.coverage(curve.images), 100.0 * point.risk());
    let points: Vec<_> = curve.points.iter().map(at).collect();
    canvas.polyline(&points, Stroke::new(paint, 1.5));
    if let Some(point) = &curve.threshold {
        let (x, y) = at(point);
        canvas.dot((x, y), 3.6, paint, true);
        let text = format!("confidence ≥ {}", confidence_text(point.confidence));
        let (anchor, x) = if x > left + width / 2.0 { (Anchor::End, x - 8.0) } else { (Anchor::Start, x + 8.0) };
        canvas.text((x, y - 32.0), &text, Style::new(anchor).bold().paint(paint));
    }
    canvas.finish(&format!("Risk and coverage of {model} on {set} images"), &format!("{}.", curve.describe()))
}
