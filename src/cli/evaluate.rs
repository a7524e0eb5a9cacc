//! `digitstack evaluate`.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PathBufValueParser, TypedValueParser},
};
use serde::Serialize;

use super::{
    failure::UsageError,
    leaderboard::{figure_file, is},
    options::DataDirectory,
    score_table::{risk_table, score_table},
    session::Session,
};
use crate::{
    artifact::{self, DrawingScores, TestScores, TrainedModels},
    evaluation::{ModelScores, RiskCoverage, RiskPoint},
    fit::Cancel,
    report,
    storage::OutputFile,
    verdict::Refusal,
};

const HELP: &str = "\
Every file is compared with the manifest's SHA-256 before anything is loaded. Without --data the run's own test digits are \
scored; where it has none at hand (a folder that only the command line named), the recorded scores are shown. A folder \
of --data without a test part is scored as a whole; of the run's own folder only the share that it held out.

--drawn pastes each test digit onto a \
canvas as a mouse would draw it, centres it by mass and by bounding box, and counts how many of these drawings are \
rejected, and how many pairs of digits, scribbles, letters, symbols and doodles.

The last table is the risk–coverage curve: how many answers and errors are left if answers below a confidence are \
refused, on the digits that the run held out (out of fold) and, by the same thresholds, on the test digits. The \
threshold for 0.1 % errors is chosen by the former alone; `predict --min-confidence` takes it.

Examples:
  digitstack evaluate artifacts/quickstart
  digitstack evaluate artifacts/quickstart-cnn               a single model
  digitstack evaluate artifacts/quickstart --data ~/mnist    built-in digits learnt, MNIST scored
  digitstack evaluate artifacts/quickstart --drawn           accuracy to expect of the page
  digitstack evaluate artifacts/quickstart --curve risk.svg  the risk–coverage curve as a figure";

/// Verify the files of a finished run or model, and score it on its own or other digits
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct EvaluateArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    #[command(flatten)]
    data: DataDirectory,
    /// Also score simulated canvas drawings and report the rejection rate (runs only)
    #[arg(long)]
    drawn: bool,
    /// Draw the risk–coverage curve of the held-out digits: .svg or .png file, replaced if it exists
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(figure_file))]
    curve: Option<PathBuf>,
}

#[derive(Serialize)]
struct Evaluation<'a> {
    run: String,
    data: Option<&'a str>,
    images: usize,
    reproducible_sha256: String,
    models: &'a [ModelScores],
    answering: &'a str,
    /// On the digits that the run held out.
    risk_coverage: Option<&'a RiskCoverage>,
    /// For the same confidences, on the test digits.
    risk_on_test: &'a [RiskPoint],
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<&'a [DrawingScores]>,
}

impl EvaluateArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let resources = session.resources(Cancel::default())?;
        let progress = resources.progress.as_ref();
        let trained = TrainedModels::load(&self.run, &resources.device)?;
        if self.drawn && !trained.has_verdict() {
            let problem = "holds a single model, which rejects nothing; --drawn is for runs";
            return Err(UsageError(format!("{} {problem}", self.run.display())).into());
        }
        let figure = self.curve.as_deref().map(|path| OutputFile::check(path, true)).transpose()?;
        let TestScores { data, images, models, risk_coverage, risk_on_test } =
            trained.evaluate(self.data.path(), progress)?;
        let drawings = || artifact::evaluate_drawings(&trained, self.data.path(), progress);
        let drawn = self.drawn.then(drawings).transpose()?;
        let hash = trained.artifact().manifest().reproducible_hash();
        output.json(&Evaluation {
            run: self.run.display().to_string(),
            data: data.as_deref(),
            images,
            reproducible_sha256: hash.clone(),
            models: &models,
            answering: trained.recommended_name(),
            risk_coverage: risk_coverage.as_ref(),
            risk_on_test: &risk_on_test,
            drawn: drawn.as_deref(),
        })?;
        output.line(format!("{}: every file as its manifest says (reproducible part: {hash})", self.run.display()))?;
        output.line(match &data {
            Some(data) => format!("test digits: {data}: {images} images"),
            None => "no test digits at hand: these are the scores that the run recorded (--data DIR for others)".into(),
        })?;
        output.lines(score_table(&models))?;
        output.line(format!("answers: {}", trained.recommended_name()))?;
        output.lines(drawn.iter().flat_map(|scores| drawn_table(scores)))?;
        let Some(curve) = risk_coverage else {
            if self.curve.is_some() {
                return Err(anyhow::anyhow!(
                    "{}: made by a version that kept no curve; run it again",
                    self.run.display()
                ));
            }
            return Ok(());
        };
        output.lines(risk_table(&curve, &risk_on_test, images))?;
        let (Some(path), Some(figure)) = (&self.curve, figure) else { return Ok(()) };
        let set = if trained.has_verdict() { "out-of-fold" } else { "validation" };
        figure.write(&report::draw_risk_coverage(&curve, trained.recommended_name(), set, is(path, "png"))?)?;
        output.line(format!("drawn: {}", path.display()))
    }
}

/// Accuracy and rejection rate of simulated drawings, as lines of text.
fn drawn_table(scores: &[DrawingScores]) -> Vec<String> {
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
