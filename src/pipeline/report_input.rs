//! From the files of a run to what its report shows.
//!
//! The report is drawn from the run directory alone, so that it can be drawn again without the data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    RunConfig, RunFailure,
    finish::{ENVIRONMENT, Evidence, METRICS, Metrics, PICTURES, TIMINGS, Timings},
    fits::{self, Fit},
    run::DATA,
    search,
};
use crate::{
    data::{CLASSES, Images, PIXELS, Probabilities},
    evaluation,
    report::{DataSummary, Example, Filters, MemberHistories, MemberOpinion, Mistake, ReportInput, StageTime},
    runs,
};

/// Examples of each class on the page.
const EXAMPLES: usize = 2;
/// Filters of each net on the page.
const FILTERS: usize = 64;

/// `pictures.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct Pictures {
    train_images: usize,
    test_images: Option<usize>,
    mistakes: Vec<SavedMistake>,
    filters: Vec<SavedFilters>,
    examples: Vec<SavedExample>,
}

#[derive(Serialize, Deserialize)]
struct SavedMistake {
    index: usize,
    label: u8,
    predicted: u8,
    probability: f32,
    opinions: Vec<SavedOpinion>,
    pixels: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct SavedOpinion {
    member: String,
    digit: u8,
    probability: f32,
}

#[derive(Serialize, Deserialize)]
struct SavedFilters {
    member: String,
    weights: Vec<Vec<f32>>,
}

#[derive(Serialize, Deserialize)]
struct SavedExample {
    label: u8,
    pixels: Vec<u8>,
}

/// Picks what the report shows: the stack's worst mistakes on the test images (out of fold, if there is no test set), examples, filters.
pub(super) fn pictures(
    config: &RunConfig,
    evidence: &Evidence,
    stack_on_test: Option<&Probabilities>,
    gallery: usize,
) -> Result<Pictures, RunFailure> {
    let (digits, stack, members) = match (evidence.test, stack_on_test, &evidence.test_predictions) {
        (Some(test), Some(stack), Some(members)) => (test, stack, members),
        _ => (evidence.digits, &evidence.stacked[0], &evidence.members),
    };
    let mistakes = evaluation::mistakes(stack, &digits.labels, gallery)?;
    let saved = |mistake: evaluation::Mistake| {
        let opinion = |(place, rows): (usize, &Probabilities)| {
            let ranking = evaluation::rank(&rows[mistake.index]);
            SavedOpinion { member: config.members[place].name().to_owned(), digit: ranking.digit, probability: ranking.probability }
        };
        SavedMistake {
            index: mistake.index,
            label: mistake.label,
            predicted: mistake.predicted,
            probability: mistake.probabilities[usize::from(mistake.predicted)],
            opinions: members.iter().enumerate().map(opinion).collect(),
            pixels: digits.images.get(mistake.index).to_vec(),
        }
    };
    let filters = config.members.iter().zip(evidence.models).filter_map(|(member, models)| {
        let mut weights = models.first()?.first_layer_filters()?.weights;
        weights.truncate(FILTERS);
        Some(SavedFilters { member: member.name().to_owned(), weights })
    });
    let of_class = |class: usize| {
        let labels = evidence.digits.labels.iter().enumerate();
        labels.filter(move |(_, label)| usize::from(**label) == class).take(EXAMPLES).map(|(index, _)| index)
    };
    let examples = (0..CLASSES).flat_map(of_class);
    Ok(Pictures {
        train_images: evidence.digits.len(),
        test_images: evidence.test.map(crate::data::Digits::len),
        mistakes: mistakes.into_iter().map(saved).collect(),
        filters: filters.collect(),
        examples: examples
            .map(|index| SavedExample { label: evidence.digits.labels[index], pixels: evidence.digits.images.get(index).to_vec() })
            .collect(),
    })
}

/// Gathers the files of a run.
pub(super) fn read(config: &RunConfig, run: &Path, reproducible_hash: String) -> Result<ReportInput, RunFailure> {
    let metrics: Metrics = runs::read_json(&run.join(METRICS))?;
    let pictures: Pictures = runs::read_json(&run.join(PICTURES))?;
    let timings: Timings = runs::read_json(&run.join(TIMINGS))?;
    let data: serde_json::Value = runs::read_json(&run.join(DATA))?;
    let official = data["train"]["official_mnist"].as_bool().unwrap_or(false);
    let drawn = data["train"]["files"].as_array().is_some_and(Vec::is_empty);
    let source = match (official, drawn) {
        (true, _) => "MNIST",
        (false, true) => "built-in digits, drawn by the program",
        (false, false) => "a folder of digits",
    };
    let mut histories: Vec<MemberHistories> =
        config.members.iter().map(|member| MemberHistories { member: member.name().to_owned(), fits: Vec::new() }).collect();
    for fit in Fit::all(config) {
        let history = runs::read_json(&run.join(fit.part(config)).join(fits::HISTORY))?;
        histories[fit.member].fits.push((fit.label(config), history));
    }
    let stages = timings.stages.into_iter().map(|stage| StageTime {
        name: stage.name,
        seconds: stage.seconds,
        images: (stage.images > 0).then_some(stage.images),
    });
    Ok(ReportInput {
        title: config.name.clone(),
        data: DataSummary {
            source: source.to_owned(),
            train_images: pictures.train_images,
            test_images: pictures.test_images,
            folds: config.stacking.folds,
        },
        environment: runs::read_json(&run.join(ENVIRONMENT))?,
        config_toml: config.to_toml()?,
        models: metrics.models,
        featured: Some(metrics.stack),
        histories,
        timings: stages.collect(),
        mistakes: pictures.mistakes.into_iter().map(mistake).collect(),
        filters: pictures.filters.into_iter().map(filters).collect(),
        examples: pictures.examples.into_iter().map(|example| Example { image: image(example.pixels), label: example.label }).collect(),
        reproducible_hash,
        study: config.search.as_deref().and_then(|folder| search::page_seen_from(folder, run)),
    })
}

fn mistake(saved: SavedMistake) -> Mistake {
    let opinion =
        |opinion: SavedOpinion| MemberOpinion { member: opinion.member, digit: opinion.digit, probability: f64::from(opinion.probability) };
    Mistake {
        image: image(saved.pixels),
        index: saved.index,
        label: saved.label,
        predicted: saved.predicted,
        probability: f64::from(saved.probability),
        opinions: saved.opinions.into_iter().map(opinion).collect(),
    }
}

fn filters(saved: SavedFilters) -> Filters {
    let side = saved.weights.first().map_or(0, |filter| filter.len().isqrt());
    Filters { member: saved.member, side, weights: saved.weights }
}

/// Pixels that a damaged file lacks are background.
fn image(pixels: Vec<u8>) -> [u8; PIXELS] {
    Images::new(pixels).filter(|images| images.len() == 1).map_or([0; PIXELS], |images| *images.get(0))
}
