//! From the files of a run to what its report shows.
//!
//! The report is drawn from the run directory alone, so that it can be drawn again without the data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    RunConfig, RunFailure,
    finish::{ENVIRONMENT, METRICS, Metrics, PICTURES, TIMINGS, Timings},
    fits::{self, Fit},
    run::DATA,
    search, single,
};
use crate::{
    data::{CLASSES, Digits, Images, PIXELS, Probabilities},
    evaluation::{self, ModelScores},
    fit::{FitTiming, History},
    learners::{Classifier, LearnerError},
    nn,
    report::{
        DataSummary, Example, MemberFilterHistory, MemberFilters, MemberHistories, MemberOpinion, Mistake, ReportInput,
        StageTime,
    },
    storage,
};

/// Examples of each class on the page.
const EXAMPLES: usize = 2;
/// Mistakes that the gallery shows.
const GALLERY: usize = 24;

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

/// What the pictures are picked from.
pub(super) struct Picked<'a> {
    /// All training images.
    pub(super) train: &'a Digits,
    pub(super) test_images: Option<usize>,
    /// The images whose worst mistakes are shown, with the featured model's predictions for them.
    pub(super) judged: (&'a Digits, &'a Probabilities),
    /// What each member predicts for the same images.
    pub(super) members: Vec<(&'a str, &'a Probabilities)>,
    /// One model of each member.
    pub(super) models: Vec<(&'a str, &'a dyn Classifier)>,
}

/// Picks what the report shows: the worst mistakes, examples, filters.
pub(super) fn pictures(picked: &Picked) -> Result<Pictures, RunFailure> {
    let (digits, rows) = picked.judged;
    let mistakes = evaluation::mistakes(rows, &digits.labels, GALLERY)?;
    let saved = |mistake: evaluation::Mistake| {
        let opinion = |(member, rows): &(&str, &Probabilities)| {
            let ranking = evaluation::rank(&rows[mistake.index]);
            SavedOpinion { member: (*member).to_owned(), digit: ranking.digit, probability: ranking.probability }
        };
        SavedMistake {
            index: mistake.index,
            label: mistake.label,
            predicted: mistake.predicted,
            probability: mistake.probabilities[usize::from(mistake.predicted)],
            opinions: picked.members.iter().map(opinion).collect(),
            pixels: digits.images.get(mistake.index).to_vec(),
        }
    };
    let filters = picked.models.iter().filter_map(|(member, model)| {
        let weights = model.first_layer_filters()?.weights;
        Some(SavedFilters { member: (*member).to_owned(), weights })
    });
    let of_class = |class: usize| {
        let labels = picked.train.labels.iter().enumerate();
        labels.filter(move |(_, label)| usize::from(**label) == class).take(EXAMPLES).map(|(index, _)| index)
    };
    let examples = (0..CLASSES).flat_map(of_class);
    Ok(Pictures {
        train_images: picked.train.len(),
        test_images: picked.test_images,
        mistakes: mistakes.into_iter().map(saved).collect(),
        filters: filters.collect(),
        examples: examples
            .map(|index| SavedExample {
                label: picked.train.labels[index],
                pixels: picked.train.images.get(index).to_vec(),
            })
            .collect(),
    })
}

/// Gathers the files of a run.
pub(super) fn read(config: &RunConfig, run: &Path, reproducible_hash: String) -> Result<ReportInput, RunFailure> {
    let metrics: Metrics = storage::read_json(&run.join(METRICS))?;
    let timings: Timings = storage::read_json(&run.join(TIMINGS))?;
    let mut histories: Vec<MemberHistories> = config
        .members
        .iter()
        .map(|member| MemberHistories { member: member.name().to_owned(), fits: Vec::new() })
        .collect();
    let mut films: Vec<Option<MemberFilterHistory>> = config.members.iter().map(|_| None).collect();
    for fit in Fit::all(config) {
        let folder = run.join(fit.part(config));
        histories[fit.member].fits.push((fit.label(config), storage::read_json(&folder.join(fits::HISTORY))?));
        if films[fit.member].is_none() {
            films[fit.member] = film(config.members[fit.member].name(), &folder)?;
        }
    }
    let stages = timings.stages.into_iter().map(|stage| StageTime {
        name: stage.name,
        seconds: stage.seconds,
        images: (stage.images > 0).then_some(stage.images),
    });
    Ok(ReportInput {
        title: config.name.clone(),
        models: metrics.models,
        featured: Some(metrics.stack),
        histories,
        filter_histories: films.into_iter().flatten().collect(),
        timings: stages.collect(),
        ..common(config, run, config.stacking.folds, reproducible_hash)?
    })
}

/// Gathers the files of a model that was trained alone.
pub(super) fn read_single(
    config: &RunConfig,
    run: &Path,
    reproducible_hash: String,
) -> Result<ReportInput, RunFailure> {
    let scores: ModelScores = storage::read_json(&run.join(METRICS))?;
    let timing: FitTiming = storage::read_json(&run.join(TIMINGS))?;
    let history: History = storage::read_json(&run.join(fits::HISTORY))?;
    let member = scores.name.clone();
    let fit = StageTime { name: format!("fit {member}"), seconds: timing.seconds, images: Some(timing.images) };
    Ok(ReportInput {
        title: format!("{}: {member}", config.name),
        histories: vec![MemberHistories { member: member.clone(), fits: vec![(member.clone(), history)] }],
        filter_histories: film(&member, &run.join(single::MODEL))?.into_iter().collect(),
        featured: Some(member),
        models: vec![scores],
        timings: vec![fit],
        ..common(config, run, 0, reproducible_hash)?
    })
}

/// What runs and single models have in common.
fn common(config: &RunConfig, run: &Path, folds: usize, reproducible_hash: String) -> Result<ReportInput, RunFailure> {
    let pictures: Pictures = storage::read_json(&run.join(PICTURES))?;
    let data: serde_json::Value = storage::read_json(&run.join(DATA))?;
    let official = data["train"]["official_mnist"].as_bool().unwrap_or(false);
    let drawn = data["train"]["files"].as_array().is_some_and(Vec::is_empty);
    let source = match (official, drawn) {
        (true, _) => "MNIST",
        (false, true) => "built-in digits, drawn by the program",
        (false, false) => "a folder of digits",
    };
    Ok(ReportInput {
        data: DataSummary {
            source: source.to_owned(),
            train_images: pictures.train_images,
            test_images: pictures.test_images,
            folds,
        },
        environment: storage::read_json(&run.join(ENVIRONMENT))?,
        config_toml: config.to_toml()?,
        mistakes: pictures.mistakes.into_iter().map(mistake).collect(),
        filters: pictures.filters.into_iter().map(filters).collect(),
        examples: pictures
            .examples
            .into_iter()
            .map(|example| Example { image: image(example.pixels), label: example.label })
            .collect(),
        reproducible_hash,
        study: config.search.as_deref().and_then(|folder| search::page_seen_from(folder, run)),
        ..ReportInput::default()
    })
}

/// The film of the model in a folder, if it has one.
fn film(member: &str, folder: &Path) -> Result<Option<MemberFilterHistory>, RunFailure> {
    let film = nn::Film::load(folder).map_err(LearnerError::from)?;
    let side = film.pictures.values().next().map(|filters| filters.side);
    let snapshots = film.pictures.into_iter().map(|(iteration, filters)| (iteration, filters.weights)).collect();
    Ok(side.map(|side| MemberFilterHistory { member: member.to_owned(), side, snapshots }))
}

fn mistake(saved: SavedMistake) -> Mistake {
    let opinion = |opinion: SavedOpinion| MemberOpinion {
        member: opinion.member,
        digit: opinion.digit,
        probability: f64::from(opinion.probability),
    };
    Mistake {
        image: image(saved.pixels),
        index: saved.index,
        label: saved.label,
        predicted: saved.predicted,
        probability: f64::from(saved.probability),
        opinions: saved.opinions.into_iter().map(opinion).collect(),
    }
}

fn filters(saved: SavedFilters) -> MemberFilters {
    let side = saved.weights.first().map_or(0, |filter| filter.len().isqrt());
    MemberFilters { member: saved.member, side, weights: saved.weights }
}

/// Pixels that a damaged file lacks are background.
fn image(pixels: Vec<u8>) -> [u8; PIXELS] {
    Images::new(pixels).filter(|images| images.len() == 1).map_or([0; PIXELS], |images| *images.get(0))
}
