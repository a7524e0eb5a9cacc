//! `digitstack predict`.

use serde::Serialize;

use super::{
    arguments::{Global, PredictArguments},
    output::Output,
};
use crate::{
    data::{CLASSES, Images},
    evaluation::{self, ModelKind},
    imaging::{self, DrawingOptions},
    nn,
    pipeline::{Opinion, SavedRun, Work},
    progress::Cancel,
};

#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    digit: u8,
    runner_up: u8,
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
        match picture.and_then(|picture| Ok(imaging::digit_from_picture(&picture, &DrawingOptions::default())?)) {
            Ok(digit) => digits.push((path, digit.image)),
            Err(error) => failures.push(format!("{}: {error}", path.display())),
        }
    }
    let images = run.prepare(&Images::from_images(digits.iter().map(|(_, image)| *image)))?;
    let opinions = run.opinions(&images, progress.as_ref())?;
    let mut predictions = Vec::new();
    for (place, (path, _)) in digits.iter().enumerate() {
        let stack =
            opinions.iter().find(|opinion| opinion.name == run.stack_name()).map_or([0.0; CLASSES], |opinion| opinion.probabilities[place]);
        let ranking = evaluation::rank(&stack);
        let (digit, runner_up) = (ranking.digit, ranking.looks_like);
        let prediction = Prediction {
            image: path.display().to_string(),
            digit,
            runner_up,
            probabilities: stack,
            models: opinions.iter().map(|opinion| model_opinion(opinion, place)).collect(),
        };
        output.line(format!(
            "{}: {digit} ({:.1} %), looks like {runner_up} ({:.1} %)",
            prediction.image,
            100.0 * ranking.probability,
            100.0 * ranking.looks_like_probability
        ))?;
        for opinion in opinions.iter().filter(|opinion| opinion.kind == ModelKind::Member || opinion.name == run.stack_name()) {
            let row = opinion.probabilities[place].map(|p| format!("{:>6.2}", 100.0 * p)).join(" ");
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

fn model_opinion(opinion: &Opinion, place: usize) -> ModelOpinion<'_> {
    let probabilities = opinion.probabilities[place];
    ModelOpinion { name: &opinion.name, digit: evaluation::rank(&probabilities).digit, probabilities }
}
