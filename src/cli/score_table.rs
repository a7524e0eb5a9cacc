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
        let (interval, errors, loss) = match &model.test {
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

/// Path of a directory's report.
pub(super) fn report_line(folder: &Path) -> String {
    format!("report: {}", folder.join(REPORT_PAGE).display())
}

/// Formats a risk–coverage curve as lines of text: what was measured on the digits held out and, with the same
/// thresholds, on `images` test images.
pub(super) fn risk_table(curve: &RiskCoverage, test: &[RiskPoint], images: usize) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!(
            "{:>12} {:>12} {:>9} {:>9} {:>15} {:>9} {:>9}",
            "confidence ≥", "held out: %", "errors", "errors %", "test images: %", "errors", "errors %"
        ),
    ];
    for (point, test) in curve.points.iter().zip(test) {
        lines.push(format!(
            "{:>12} {:>12.2} {:>9} {:>9.3} {:>15.2} {:>9} {:>9.3}",
            confidence_text(point.confidence),
            100.0 * point.coverage(curve.images),
            point.errors,
            100.0 * point.risk(),
            100.0 * test.coverage(images),
            test.errors,
            100.0 * test.risk()
        ));
    }
    lines.push(format!("{} (held-out images)", curve.describe()));
    lines
}
