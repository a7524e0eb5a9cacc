//! The tables of scores that `run`, `train`, `import` and `evaluate` print, and what a run found out beside them.

use std::path::Path;

use crate::{
    artifact::layout::{DOUBTFUL, Metrics, REPORT_PAGE, SourceScores},
    evaluation::{ModelScores, RiskCoverage, RiskPoint, Scores, confidence_text},
};

/// Formats scores as lines of text, one for each model under a heading.
pub(super) fn score_table(models: &[ModelScores]) -> Vec<String> {
    let is_hold_out = models.iter().any(|model| model.held_out.is_some());
    let unseen = if is_hold_out { "validation %" } else { "out-of-fold %" };
    let mut lines = vec![format!(
        "{:<15} {:>8} {unseen:>13} {:>8} {:>16} {:>8} {:>9}",
        "model", "train %", "test %", "95 % interval", "errors", "log-loss"
    )];
    for model in models {
        let percent = |scores: Option<&Scores>| {
            scores.map_or_else(|| "–".to_owned(), |scores| format!("{:.2}", 100.0 * scores.accuracy.value))
        };
        // Without test images the figures are those of the images that were held out.
        let (interval, errors, loss) = match model.test.as_ref().or_else(|| model.unseen()) {
            Some(test) => (
                format!("{:.2} – {:.2}", 100.0 * test.accuracy.low, 100.0 * test.accuracy.high),
                (test.images - test.correct).to_string(),
                format!("{:.4}", test.log_loss),
            ),
            None => Default::default(),
        };
        lines.push(format!(
            "{:<15} {:>8} {:>13} {:>8} {:>16} {:>8} {:>9}",
            model.name,
            percent(model.train.as_ref()),
            percent(model.unseen()),
            percent(model.test.as_ref()),
            interval,
            errors,
            loss
        ));
    }
    lines
}

/// Formats scores by source as lines of text; none if there is only one source.
pub(super) fn source_table(sources: &[SourceScores]) -> Vec<String> {
    if sources.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!(
            "{:<24} {:<12} {:>8} {:>10} {:>16} {:>8}",
            "source", "part", "images", "accuracy %", "95 % interval", "errors"
        ),
    ];
    for source in sources {
        for (part, scores) in [("held out", &source.held_out), ("test", &source.test)] {
            let Some(scores) = scores else { continue };
            let interval = format!("{:.2} – {:.2}", 100.0 * scores.accuracy.low, 100.0 * scores.accuracy.high);
            let (accuracy, errors) = (100.0 * scores.accuracy.value, scores.images - scores.correct);
            lines.push(format!(
                "{:<24} {part:<12} {:>8} {accuracy:>10.2} {interval:>16} {errors:>8}",
                source.source, scores.images
            ));
        }
    }
    lines
}

/// Findings of a run, as lines of text: which model answers if it is not the stack, members that were left out,
/// the threshold of few errors, probable label errors.
pub(super) fn findings(metrics: &Metrics, folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(
        metrics.left_out.iter().map(|name| format!("the stack does without {name}: it predicts no probabilities")),
    );
    lines.extend(metrics.answer.as_ref().and_then(|answer| answer.warning()));
    lines.extend(metrics.risk_coverage.as_ref().map(RiskCoverage::describe));
    if let Some(errors) = metrics.label_errors.as_ref().filter(|errors| errors.listed > 0) {
        lines.push(format!(
            "doubtful labels: {}; {} listed, {} of them probably wrong",
            folder.join(DOUBTFUL).display(),
            errors.listed,
            errors.estimated
        ));
    }
    lines
}

/// Path of a directory's report, and the command that opens the drawing page with its models.
pub(super) fn next_steps(folder: &Path) -> [String; 2] {
    [
        format!("report: {}", folder.join(REPORT_PAGE).display()),
        format!("draw digits in a browser: digitstack serve {}", folder.display()),
    ]
}

/// Formats a risk–coverage curve as lines of text: what was measured on the digits held out and, with the same
/// thresholds, on `images` test images, if there are any.
pub(super) fn risk_table(curve: &RiskCoverage, test: &[RiskPoint], images: usize) -> Vec<String> {
    let columns = |confidence: &str, held_out: [&str; 3], test: Option<[&str; 3]>| {
        let [coverage, errors, risk] = held_out;
        let test = test.map(|[coverage, errors, risk]| format!(" {coverage:>15} {errors:>9} {risk:>9}"));
        format!("{confidence:>12} {coverage:>12} {errors:>9} {risk:>9}{}", test.unwrap_or_default())
    };
    let heading = (!test.is_empty()).then_some(["test images: %", "errors", "errors %"]);
    let mut lines = vec![String::new(), columns("confidence ≥", ["held out: %", "errors", "errors %"], heading)];
    let figures = |point: &RiskPoint, images: usize| {
        [
            format!("{:.2}", 100.0 * point.coverage(images)),
            point.errors.to_string(),
            format!("{:.3}", 100.0 * point.risk()),
        ]
    };
    for (index, point) in curve.points.iter().enumerate() {
        let held_out = figures(point, curve.images);
        let on_test = test.get(index).map(|point| figures(point, images));
        lines.push(columns(
            &confidence_text(point.confidence),
            held_out.each_ref().map(String::as_str),
            on_test.as_ref().map(|figures| figures.each_ref().map(String::as_str)),
        ));
    }
    lines.push(format!("{} (held-out images)", curve.describe()));
    lines
}
