//! `digitstack evaluate` and `digitstack report`.

use serde::Serialize;

use super::{
    UsageError,
    arguments::{EvaluateArguments, Global, ReportArguments},
    output::Output,
};
use crate::{
    evaluation::{ModelScores, Scores},
    nn,
    pipeline::{self, DrawnScores, SavedModel, Work},
    progress::Cancel,
    report::ReportOptions,
    verdict::Refusal,
};

#[derive(Serialize)]
struct Evaluation<'a> {
    run: String,
    data: String,
    reproducible_sha256: String,
    models: &'a [ModelScores],
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<&'a [DrawnScores]>,
}

pub(super) fn evaluate(arguments: &EvaluateArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let cancel = Cancel::default();
    let work =
        Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel: &cancel };
    let saved = SavedModel::load(&arguments.run, &work)?;
    let judged = match &saved {
        SavedModel::Run(run) => arguments.drawn.then_some(run),
        SavedModel::Single(_) if arguments.drawn => {
            let problem = "holds a single model, which refuses no drawing; --drawn is for runs";
            return Err(UsageError(format!("{} {problem}", arguments.run.display())).into());
        }
        SavedModel::Single(_) => None,
    };
    let (data, models) = saved.evaluate(arguments.data.data.as_deref(), progress.as_ref())?;
    let drawn = judged.map(|run| run.evaluate_drawn(arguments.data.data.as_deref(), progress.as_ref())).transpose()?;
    let hash = saved.manifest().reproducible_hash();
    output.json(&Evaluation {
        run: arguments.run.display().to_string(),
        data: data.clone(),
        reproducible_sha256: hash.clone(),
        models: &models,
        drawn: drawn.as_deref(),
    })?;
    output.line(format!("{}: every file as its manifest says (reproducible part: {hash})", arguments.run.display()))?;
    output.line(format!("test digits: {data}"))?;
    for line in leaderboard(&models) {
        output.line(line)?;
    }
    for line in drawn.iter().flat_map(|scores| drawn_table(scores)) {
        output.line(line)?;
    }
    Ok(())
}

pub(super) fn report(arguments: &ReportArguments, output: &Output) -> anyhow::Result<()> {
    let page = pipeline::draw_report(&arguments.run, ReportOptions { png: arguments.png })?;
    output.json(&serde_json::json!({ "report": page }))?;
    output.line(format!("report: {}", page.display()))
}

/// How drawings were read, as lines of text.
fn drawn_table(scores: &[DrawnScores]) -> Vec<String> {
    let reasons = Refusal::ALL.map(|reason| format!("{:>14}", reason.name())).concat();
    let mut lines = vec![
        String::new(),
        format!(
            "{:<32} {:>9} {:>8} {:>10} {:>14}{reasons}",
            "read", "drawings", "right %", "refused %", "95 % interval"
        ),
    ];
    for row in scores {
        let right = row.right.map_or_else(|| "–".to_owned(), |right| format!("{:.2}", 100.0 * right.value));
        let interval = format!("{:.2} – {:.2}", 100.0 * row.refused.low, 100.0 * row.refused.high);
        let reasons = row.reasons.map(|count| format!("{count:>14}")).concat();
        let refused = 100.0 * row.refused.value;
        lines.push(format!("{:<32} {:>9} {right:>8} {refused:>10.2} {interval:>14}{reasons}", row.what, row.drawings));
    }
    lines
}

/// The leaderboard as lines of text.
pub(super) fn leaderboard(models: &[ModelScores]) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<15} {:>8} {:>12} {:>8} {:>16} {:>8} {:>9}",
        "model", "train %", "out-of-fold %", "test %", "95 % interval", "errors", "log-loss"
    )];
    for model in models {
        let percent = |scores: &Option<Scores>| {
            scores.as_ref().map_or_else(|| "–".to_owned(), |scores| format!("{:.2}", 100.0 * scores.accuracy.value))
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
            percent(&model.train),
            percent(&model.out_of_fold),
            percent(&model.test),
            interval,
            errors,
            loss
        ));
    }
    lines
}
