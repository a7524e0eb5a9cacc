//! `digitstack predict MODEL IMAGE…`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::{output::Output, session::Session};
use crate::{
    artifact::{ModelPrediction, TrainedModels},
    data::{CLASSES, Images},
    evaluation::{self, ModelKind},
    fit::Cancel,
    imaging::{self, DrawingOptions},
    verdict::Refusal,
};

#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    digit: u8,
    /// Calibrated if a run answers; a single model's own probability.
    confidence: f32,
    runner_up: u8,
    /// Reason to reject the picture.
    refusal: Option<Refusal>,
    /// Uncalibrated, by the stack or the single model.
    probabilities: [f32; CLASSES],
    models: Vec<ModelOpinion<'a>>,
}

#[derive(Serialize)]
struct ModelOpinion<'a> {
    name: &'a str,
    digit: u8,
    probabilities: [f32; CLASSES],
}

/// Recognises the digit in each picture. A picture that cannot be read is an error after the others are answered.
pub(super) fn predict(
    run: &Path,
    pictures: &[PathBuf],
    drawing: &DrawingOptions,
    session: &Session,
) -> anyhow::Result<()> {
    let output = &session.output;
    let resources = session.resources(Cancel::default())?;
    let trained = TrainedModels::load(run, &resources.device)?;

    let (mut digits, mut failures) = (Vec::new(), Vec::new());
    for path in pictures {
        let picture = imaging::open_picture(path).map_err(anyhow::Error::from);
        match picture.and_then(|picture| Ok(imaging::digit_from_picture(&picture, drawing)?)) {
            Ok(digit) => digits.push((path, digit)),
            Err(error) => failures.push(format!("{}: {error}", path.display())),
        }
    }
    let images = Images::from_images(digits.iter().map(|(_, digit)| digit.image));
    let models = trained.predict_all(&images, resources.progress.as_ref())?;
    let mut predictions = Vec::new();
    let mut verdicts = trained.session()?;
    let recommended = trained.recommended();
    let of_image = |index: usize| models.iter().map(|model| model.of_image(index)).collect();
    let answers: Vec<Vec<_>> = (0..digits.len()).map(of_image).collect();
    for ((path, digit), of_models) in digits.iter().zip(&answers) {
        let probabilities = of_models[recommended].probabilities;
        let ranking = evaluation::rank(&probabilities);
        let verdict = verdicts.verdict(&digit.image, &probabilities);
        let (confidence, runner_up, runner_up_confidence) = match &verdict {
            Some(verdict) => (verdict.confidence, verdict.runner_up, verdict.runner_up_confidence),
            None => (ranking.probability, ranking.runner_up, ranking.runner_up_probability),
        };
        let prediction = Prediction {
            image: path.display().to_string(),
            digit: ranking.digit,
            confidence,
            runner_up,
            refusal: verdict.and_then(|verdict| verdict.answer.err()),
            probabilities,
            models: of_models.iter().map(model_opinion).collect(),
        };
        show(&prediction, runner_up_confidence, output)?;
        let is_shown =
            |&(index, model): &(usize, &ModelPrediction<_>)| model.kind == ModelKind::Member || index == recommended;
        for (_, opinion) in of_models.iter().enumerate().filter(is_shown) {
            let row = opinion.probabilities.map(|p| format!("{:>6.2}", 100.0 * p)).join(" ");
            output.line(format!("  {:<10} {row}", opinion.name))?;
        }
        predictions.push(prediction);
    }
    output.json(&predictions)?;
    if failures.is_empty() {
        return Ok(());
    }
    let (failed, all) = (failures.len(), pictures.len());
    Err(anyhow::anyhow!("{failed} of {all} pictures could not be read:\n  {}", failures.join("\n  ")))
}

fn show(prediction: &Prediction, runner_up_confidence: f32, output: &Output) -> anyhow::Result<()> {
    let Prediction { image, digit, confidence, runner_up, refusal, .. } = prediction;
    output.line(format!(
        "{image}: {digit} ({:.1} %), looks like {runner_up} ({:.1} %)",
        100.0 * confidence,
        100.0 * runner_up_confidence
    ))?;
    match refusal {
        Some(refusal) => output.line(format!("  but: {}", refusal.message())),
        None => Ok(()),
    }
}

fn model_opinion(opinion: &ModelPrediction<[f32; CLASSES]>) -> ModelOpinion<'_> {
    let probabilities = opinion.probabilities;
    ModelOpinion { name: &opinion.name, digit: evaluation::rank(&probabilities).digit, probabilities }
}
