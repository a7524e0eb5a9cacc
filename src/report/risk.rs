//! The risk–coverage curve of a run, as a file of its own.

use super::{error::ReportError, figures, raster, theme::Palette, theme::Theme};
use crate::evaluation::RiskCoverage;

/// Name of the figure in error messages.
const FIGURE: &str = "the risk–coverage curve";
/// Natural width of the figure, in pixels.
const WIDTH: f64 = 640.0;

/// Draws the risk–coverage curve of a model on the images of a set, in words, as SVG text or, if `png`, as a PNG
/// picture.
///
/// # Errors
/// [`ReportError`] if the curve has no point, or the picture cannot be drawn.
pub fn draw_risk_coverage(curve: &RiskCoverage, model: &str, set: &str, png: bool) -> Result<Vec<u8>, ReportError> {
    if curve.points.is_empty() {
        return Err(ReportError::input(FIGURE, "it has no point".to_owned()));
    }
    let paint = Palette::new([model]).of(model);
    let svg = figures::risk_coverage(curve, model, set, paint, Theme::Paper, WIDTH);
    if png { raster::png(&svg, FIGURE) } else { Ok(svg.into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::RiskPoint;

    #[test]
    fn a_curve_shows_its_threshold() {
        let point = |confidence, answered, errors| RiskPoint { confidence, answered, errors };
        let points = vec![point(0.2, 2000, 40), point(0.9, 1900, 10), point(0.99, 1500, 1), point(1.0, 200, 0)];
        let curve = RiskCoverage { images: 2000, threshold: Some(points[2]), points, target: 0.001 };
        let svg = draw_risk_coverage(&curve, "cnn", "out-of-fold", false);
        let svg = String::from_utf8(svg.expect("it can be drawn")).expect("SVG is text");
        for text in
            ["confidence ≥ 0.99", "dashed: 0.1 % errors", "coverage, % of the images", "errors, % of the answers"]
        {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        let empty = RiskCoverage { points: Vec::new(), ..curve };
        assert!(draw_risk_coverage(&empty, "cnn", "out-of-fold", false).is_err());
    }
}
