//! `digitstack predict`.

use serde::Serialize;

use super::{
    arguments::{Global, PredictArguments},
    on_interrupt,
    output::Output,
    predict_table,
};
use crate::{
    data::{CLASSES, Images, PIXELS},
    evaluation::{self, ModelKind},
    imaging,
    nn::{self, ChosenDevice},
    pipeline::{Opinion, RunFailure, SavedModel, WORTH_A_BATCH, Work},
    progress::{Cancel, Progress},
    verdict::Refusal,
};

#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    digit: u8,
    /// Calibrated if a run answers; a single model's own probability.
    confidence: f32,
    runner_up: u8,
    /// Why the digit should not be believed.
    refusal: Option<Refusal>,
    /// Of the stack or the single model, as it came.
    probabilities: [f32; CLASSES],
    models: Vec<ModelOpinion<'a>>,
}

#[derive(Serialize)]
struct ModelOpinion<'a> {
    name: &'a str,
    digit: u8,
    probabilities: [f32; CLASSES],
}

pub(super) fn predict(arguments: &PredictArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    if let Some(csv) = &arguments.table.csv {
        return predict_table::predict(&arguments.run, csv, &arguments.table, global, output, &on_interrupt(output)?);
    }
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let cancel = Cancel::default();
    let work =
        Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel: &cancel };
    let run = SavedModel::load(&arguments.run, &work)?;

    let mut digits = Vec::new();
    let mut failures = Vec::new();
    for path in &arguments.images {
        let picture = imaging::open_picture(path).map_err(anyhow::Error::from);
        match picture.and_then(|picture| Ok(imaging::digit_from_picture(&picture, &arguments.drawing.options())?)) {
            Ok(digit) => digits.push((path, digit)),
            Err(error) => failures.push(format!("{}: {error}", path.display())),
        }
    }
    let images: Vec<_> = digits.iter().map(|(_, digit)| digit.image).collect();
    let answers = ask(&run, &images, &device, progress.as_ref())?;
    let mut predictions = Vec::new();
    let mut judge = run.judge()?;
    let believed = run.believed();
    for ((path, prepared), opinions) in digits.iter().zip(&answers) {
        let probabilities = opinions[believed].probabilities;
        let ranking = evaluation::rank(&probabilities);
        let verdict = judge.as_mut().map(|judge| judge.judge(&prepared.image, &probabilities));
        let (confidence, runner_up, runner_up_confidence) = match &verdict {
            Some(verdict) => (verdict.confidence, verdict.runner_up, verdict.runner_up_confidence),
            None => (ranking.probability, ranking.looks_like, ranking.looks_like_probability),
        };
        let prediction = Prediction {
            image: path.display().to_string(),
            digit: ranking.digit,
            confidence,
            runner_up,
            refusal: verdict.and_then(|verdict| verdict.answer.err()),
            probabilities,
            models: opinions.iter().map(model_opinion).collect(),
        };
        output.line(format!(
            "{}: {} ({:.1} %), looks like {runner_up} ({:.1} %)",
            prediction.image,
            prediction.digit,
            100.0 * confidence,
            100.0 * runner_up_confidence
        ))?;
        if let Some(refusal) = prediction.refusal {
            output.line(format!("  but: {}", refusal.message()))?;
        }
        let shown = |&(place, opinion): &(usize, &Opinion<_>)| opinion.kind == ModelKind::Member || place == believed;
        for (_, opinion) in opinions.iter().enumerate().filter(shown) {
            let row = opinion.probabilities.map(|p| format!("{:>6.2}", 100.0 * p)).join(" ");
            output.line(format!("  {:<10} {row}", opinion.name))?;
        }
        predictions.push(prediction);
    }
    output.json(&predictions)?;
    match failures.is_empty() {
        true => Ok(()),
        false => Err(anyhow::anyhow!(
            "{} of {} pictures could not be read:\n  {}",
            failures.len(),
            arguments.images.len(),
            failures.join("\n  ")
        )),
    }
}

/// What every model thinks of each image: a few one by one on the CPU, otherwise in batches.
fn ask(
    run: &SavedModel,
    images: &[[u8; PIXELS]],
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<Vec<Opinion<[f32; CLASSES]>>>, RunFailure> {
    if images.len() < WORTH_A_BATCH && nn::fused::available(device.device()) {
        let mut predictor = run.predictor()?;
        return images.iter().map(|image| Ok(predictor.predict(image)?.to_vec())).collect();
    }
    let opinions = run.opinions(&run.prepare(&Images::from_images(images.iter().copied()))?, progress)?;
    Ok((0..images.len()).map(|place| opinions.iter().map(|opinion| opinion.of_image(place)).collect()).collect())
}

fn model_opinion(opinion: &Opinion<[f32; CLASSES]>) -> ModelOpinion<'_> {
    let probabilities = opinion.probabilities;
    ModelOpinion { name: &opinion.name, digit: evaluation::rank(&probabilities).digit, probabilities }
}
