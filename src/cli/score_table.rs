//! The table of models' scores that `run`, `train`, `import` and `evaluate` print.

use crate::evaluation::{ModelScores, Scores};

/// Formats scores as lines of text, one for each model under a heading.
pub(super) fn score_table(models: &[ModelScores]) -> Vec<String> {
    let is_hold_out = models.iter().any(|model| model.held_out.is_some());
    let unseen = if is_hold_out { "held-out %" } else { "out-of-fold %" };
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
