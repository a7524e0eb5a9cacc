//! `digitstack predict MODEL --csv`.

use std::path::Path;

use serde::Serialize;

use super::{
    super::session::Session,
    model_index,
    options::{AnswerOptions, shown},
};
use crate::{
    artifact::{CsvRequest, CsvSummary, TrainedModels, predict_csv},
    cli::failure::UsageError,
    data::csv::Answers,
};

#[derive(Serialize)]
struct Summary<'a> {
    run: String,
    csv: String,
    out: String,
    #[serde(flatten)]
    summary: &'a CsvSummary,
}

/// Classifies each row of `csv` with the models in `folder`.
pub(super) fn predict(folder: &Path, csv: &Path, options: &AnswerOptions, session: &Session) -> anyhow::Result<()> {
    let output = &session.output;
    let cancel = session.cancel_on_interrupt()?;
    let inputs: Vec<&Path> = std::iter::once(csv).chain(options.answers.as_deref()).collect();
    let (Some(out), Some(target)) = (options.out.as_deref(), options.target(&inputs)?) else {
        return Err(UsageError("--csv needs --out".into()).into());
    };
    let answers = options.answers.as_deref().map(Answers::read).transpose()?;
    let resources = session.resources(cancel)?;
    let trained = TrainedModels::load(folder, &resources.device)?;
    let request = CsvRequest {
        csv,
        model: model_index(&trained, options.model.as_deref())?,
        with_probabilities: options.probabilities,
        min_confidence: options.min_confidence,
        answers: answers.as_ref(),
    };
    let summary = predict_csv(&trained, &request, target.destination(output), &resources.context())?;
    output.json(&Summary {
        run: folder.display().to_string(),
        csv: csv.display().to_string(),
        out: out.display().to_string(),
        summary: &summary,
    })?;
    target.print(summary_lines(&summary, out), output)
}

fn summary_lines(summary: &CsvSummary, out: &Path) -> Vec<String> {
    let CsvSummary { model, rows, seconds, rows_per_s, digits, .. } = summary;
    let counts: Vec<_> = digits.iter().enumerate().map(|(digit, count)| format!("{digit}: {count}")).collect();
    let mut lines = vec![
        format!("{}: {rows} rows by {model} in {seconds:.1} s, {rows_per_s:.0} rows/s", shown(out)),
        format!("  {}", counts.join(", ")),
    ];
    let interval = |share: crate::evaluation::Proportion| {
        let [value, low, high] = [share.value, share.low, share.high].map(|share| 100.0 * share);
        format!("{value:.2} % (95 % interval {low:.2} – {high:.2})")
    };
    if let (Some(correct), Some(accuracy)) = (summary.correct, summary.accuracy) {
        lines.push(format!("  right: {correct} of {rows}, {}", interval(accuracy)));
    }
    if let Some(refused) = summary.refused {
        let right = summary
            .accuracy_of_answered
            .map_or_else(String::new, |right| format!(", of the others right: {}", interval(right)));
        lines.push(format!("  refused for low confidence: {refused} of {rows}{right}"));
    }
    lines
}
