//! `digitstack predict`.

use serde::Serialize;

use super::{
    arguments::{Global, PredictArguments},
    output::Output,
};
use crate::{
    data::{CLASSES, Images, PIXELS},
    evaluation::{self, ModelKind},
    imaging,
    nn::{self, ChosenDevice},
    pipeline::{Opinion, RunFailure, SavedRun, Work},
    progress::{Cancel, Progress},
    verdict::Refusal,
};

#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    digit: u8,
    /// Calibrated.
    confidence: f32,
    runner_up: u8,
    /// Why the digit should not be believed.
    refusal: Option<Refusal>,
    /// Of the stack, as it came.
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
    let device = nn::resolve(&global.device)?;
    let progress = output.progress();
    let cancel = Cancel::default();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel: &cancel };
    let run = SavedRun::load(&arguments.run, &work)?;

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
    for ((path, prepared), opinions) in digits.iter().zip(&answers) {
        let stack =
            opinions.iter().find(|opinion| opinion.name == run.stack_name()).map_or([0.0; CLASSES], |opinion| opinion.probabilities);
        let verdict = judge.judge(&prepared.image, &stack);
        let (digit, runner_up) = (evaluation::rank(&stack).digit, verdict.runner_up);
        let prediction = Prediction {
            image: path.display().to_string(),
            digit,
            confidence: verdict.confidence,
            runner_up,
            refusal: verdict.answer.err(),
            probabilities: stack,
            models: opinions.iter().map(model_opinion).collect(),
        };
        output.line(format!(
            "{}: {digit} ({:.1} %), looks like {runner_up} ({:.1} %)",
            prediction.image,
            100.0 * verdict.confidence,
            100.0 * verdict.runner_up_confidence
        ))?;
        if let Err(refusal) = verdict.answer {
            output.line(format!("  but: {}", refusal.message()))?;
        }
        for opinion in opinions.iter().filter(|opinion| opinion.kind == ModelKind::Member || opinion.name == run.stack_name()) {
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

/// Images that are asked about one by one on the CPU: at a millisecond each they are done before batches on all cores have begun to pay.
const FEW: usize = 200;

/// What every model thinks of each image: a few one by one on the CPU, otherwise in batches.
fn ask(
    run: &SavedRun,
    images: &[[u8; PIXELS]],
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Vec<Vec<Opinion<[f32; CLASSES]>>>, RunFailure> {
    if images.len() <= FEW && nn::fused::available(device.device()) {
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
