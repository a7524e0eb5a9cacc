//! `digitstack predict MODEL IMAGE…`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    super::{output::Output, printable::shell_word, session::Session},
    model_index,
    options::{AnswerOptions, Target, shown},
};
use crate::{
    artifact::{
        Answer, ModelPrediction, PictureOutcome, PicturesRequest, PicturesSummary, TrainedModels, predict_pictures,
        predict_pictures_csv, problem_name,
    },
    data::{self, CLASSES, NamedPicture},
    evaluation::{self, ModelKind},
    imaging::DrawingOptions,
    storage,
    verdict::Refusal,
};

/// Files without a digit that a message names; the others are counted.
const NAMED: usize = 20;

/// One line of JSON: the answer to a picture, or the reason why there is none.
#[derive(Serialize)]
struct Line<'a> {
    image: String,
    /// None if the picture gives no digit.
    digit: Option<u8>,
    /// Calibrated if a run's recommended model answers; otherwise the model's own probability.
    confidence: Option<f32>,
    runner_up: Option<u8>,
    /// Reason to reject the answer, or why there is none.
    refusal: Option<&'static str>,
    /// Advice in words: a better drawing, or the digit that it may be.
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
    /// The reason in words, of a file that gives no digit.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    /// Uncalibrated, by the model that answers.
    probabilities: Option<[f32; CLASSES]>,
    models: Vec<ModelOpinion<'a>>,
}

#[derive(Serialize)]
struct ModelOpinion<'a> {
    name: &'a str,
    digit: u8,
    probabilities: [f32; CLASSES],
}

#[derive(Serialize)]
struct Summary<'a> {
    run: String,
    out: String,
    #[serde(flatten)]
    summary: &'a PicturesSummary,
}

/// Recognises the digit in each picture.
pub(super) fn predict(
    run: &Path,
    named: &[PathBuf],
    drawing: &DrawingOptions,
    options: &AnswerOptions,
    session: &Session,
) -> anyhow::Result<()> {
    let output = &session.output;
    let cancel = session.cancel_on_interrupt()?;
    let inputs: Vec<&Path> = named.iter().map(PathBuf::as_path).filter(|path| !path.is_dir()).collect();
    let target = options.target(&inputs)?;
    let mut pictures = data::find_pictures(named);
    if let Some(Target::File(file)) = &target {
        // An output of an earlier time, where it lies among the pictures.
        pictures.retain(|picture| !storage::is_output_or_partial(&picture.path, file.target()));
    }
    if pictures.is_empty() {
        let named = named.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(anyhow::anyhow!("{named}: there is no file in it"));
    }
    let resources = session.resources(cancel)?;
    let trained = TrainedModels::load(run, &resources.device)?;
    let request = PicturesRequest {
        pictures: &pictures,
        drawing: drawing.clone(),
        model: model_index(&trained, options.model.as_deref())?,
        min_confidence: options.min_confidence.unwrap_or(0.0),
        all_models: target.is_none(),
    };
    let context = resources.context();
    let Some(target) = target else {
        let mut failures = Failures::default();
        predict_pictures(&trained, &request, &context, |picture, outcome| {
            failures.note(picture, &outcome);
            show(run, picture, &outcome, request.model, output)
        })?;
        return failures.end(pictures.len());
    };
    let out = options.out.as_deref().unwrap_or(Path::new(""));
    let summary =
        predict_pictures_csv(&trained, &request, options.probabilities, target.destination(output), &context)?;
    output.json(&Summary { run: run.display().to_string(), out: out.display().to_string(), summary: &summary })?;
    target.print(summary_lines(run, &summary, out), output)?;
    if summary.readable > 0 {
        return Ok(());
    }
    let each = if summary.files == 1 { "the file" } else { "every file" };
    Err(anyhow::anyhow!("no picture could be read; {} lists {each} with its reason", shown(out)))
}

fn summary_lines(run: &Path, summary: &PicturesSummary, out: &Path) -> Vec<String> {
    let PicturesSummary { model, files, answered, refused, digits, seconds, .. } = summary;
    let counts: Vec<_> = digits.iter().enumerate().map(|(digit, count)| format!("{digit}: {count}")).collect();
    let out = shown(out);
    let mut lines = vec![
        format!("{out}: {answered} of {files} files answered by {model} in {seconds:.1} s"),
        format!("  {}", counts.join(", ")),
    ];
    if !refused.is_empty() {
        let reasons: Vec<_> = refused.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let all: usize = refused.iter().map(|(_, count)| count).sum();
        lines.push(format!("  refused: {all} ({}); see the column `refusal`", reasons.join(", ")));
    }
    if refused.iter().any(|(reason, _)| reason == Refusal::SeveralDigits.name()) {
        let run = shell_word(run);
        lines.push(format!("  several digits in a picture are read as a number by: digitstack read {run} IMAGE"));
    }
    lines
}

/// Files that gave no digit.
#[derive(Default)]
struct Failures {
    count: usize,
    named: Vec<String>,
}

impl Failures {
    fn note(&mut self, picture: &NamedPicture, outcome: &PictureOutcome) {
        let Err(problem) = outcome else { return };
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("{}: {problem}", picture.path.display()));
        }
    }

    /// An error if there are any.
    fn end(self, all: usize) -> anyhow::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let more = match self.count - self.named.len() {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let (count, list) = (self.count, self.named.join("\n  "));
        Err(anyhow::anyhow!("{count} of {all} pictures could not be read:\n  {list}{more}"))
    }
}

/// Prints the outcome of a picture, for people or as a line of JSON.
fn show(
    run: &Path,
    picture: &NamedPicture,
    outcome: &PictureOutcome,
    model: usize,
    output: &Output,
) -> anyhow::Result<()> {
    let image = picture.path.display().to_string();
    let (answer, models) = match outcome {
        Ok(answered) => answered,
        Err(problem) => {
            return output.json_line(&Line {
                image,
                digit: None,
                confidence: None,
                runner_up: None,
                refusal: Some(problem_name(problem.kind)),
                advice: String::new(),
                problem: Some(&problem.message),
                probabilities: None,
                models: Vec::new(),
            });
        }
    };
    let Answer { digit, confidence, runner_up, runner_up_confidence, refusal, advice, probabilities } = *answer;
    output.line(format!(
        "{image}: {digit} ({:.1} %), second guess {runner_up} ({:.1} %)",
        100.0 * confidence,
        100.0 * runner_up_confidence
    ))?;
    if let Some(refusal) = refusal {
        output.line(format!("  but: {} {}", refusal.message(), advice.hint.unwrap_or_default()).trim_end())?;
        if refusal == Refusal::SeveralDigits {
            let (run, file) = (shell_word(run), shell_word(&picture.path));
            output.line(format!("  to read them as a number: digitstack read {run} {file}"))?;
        }
    }
    let is_shown = |&(index, other): &(usize, &ModelPrediction<_>)| other.kind == ModelKind::Member || index == model;
    for (_, opinion) in models.iter().enumerate().filter(is_shown) {
        let row = opinion.probabilities.map(|p| format!("{:>6.2}", 100.0 * p)).join(" ");
        output.line(format!("  {:<10} {row}", opinion.name))?;
    }
    output.json_line(&Line {
        image,
        digit: Some(digit),
        confidence: Some(confidence),
        runner_up: Some(runner_up),
        refusal: refusal.map(Refusal::name),
        advice: advice.sentences(),
        problem: None,
        probabilities: Some(probabilities),
        models: models.iter().map(model_opinion).collect(),
    })
}

fn model_opinion(opinion: &ModelPrediction<[f32; CLASSES]>) -> ModelOpinion<'_> {
    let probabilities = opinion.probabilities;
    ModelOpinion { name: &opinion.name, digit: evaluation::rank(&probabilities).digit, probabilities }
}
