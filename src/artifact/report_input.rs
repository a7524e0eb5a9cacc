//! From the files of a finished directory to the contents of its report.
//!
//! The report is drawn from the directory alone, so that it can be drawn again without the data.

use std::path::Path;

use super::{
    failure::RunFailure,
    layout::{
        Answer, ArtifactKind, DATA, DataRecord, ENVIRONMENT, Fit, HISTORY, METRICS, Metrics, PICTURES, Pictures,
        SavedDoubt, SavedExample, SavedFilters, SavedMistake, SavedOpinion, SourceScores, TIMINGS, Timings,
        TrainingPart,
    },
    page_link,
};
use crate::{
    config::RunConfig,
    data::{CLASSES, Digits, Images, PIXELS, Probabilities},
    evaluation,
    learners::{Classifier, LearnerError},
    nn,
    report::{
        DataSummary, Example, LabelDoubt, LabelErrorSummary, MemberFilterHistory, MemberFilters, MemberHistories,
        MemberOpinion, Mistake, ReportInput, SourceRows, StageTime,
    },
    storage,
};

/// Examples of each class on the page.
const EXAMPLES: usize = 2;
/// Mistakes that the gallery shows.
const GALLERY: usize = 24;

/// Sources that the report's pictures are selected from.
pub struct PictureSources<'a> {
    /// All training images.
    pub train: &'a Digits,
    /// Test images; none if there is no test set.
    pub test_images: Option<usize>,
    /// Images whose worst mistakes are shown, with the answering model's predictions for them.
    pub scored: (&'a Digits, &'a Probabilities),
    /// Each member's predictions for the same images; none if the answering model is the only one.
    pub members: Vec<(&'a str, &'a Probabilities)>,
    /// A model of each member.
    pub models: Vec<(&'a str, &'a dyn Classifier)>,
    /// The most doubtful labels.
    pub doubts: Vec<SavedDoubt>,
}

/// Selects the report's pictures: the worst mistakes, examples and filters.
///
/// # Errors
/// If the predictions do not fit the labels.
pub fn select_pictures(sources: PictureSources) -> Result<Pictures, RunFailure> {
    let (digits, rows) = sources.scored;
    let mistakes = evaluation::mistakes(rows, &digits.labels, GALLERY)?;
    let saved = |mistake: evaluation::Mistake| {
        let opinion = |(member, rows): &(&str, &Probabilities)| {
            let ranking = evaluation::rank(&rows[mistake.index]);
            SavedOpinion { member: (*member).to_owned(), digit: ranking.digit, probability: ranking.probability }
        };
        SavedMistake {
            index: mistake.index,
            name: digits.name(mistake.index),
            label: mistake.label,
            predicted: mistake.predicted,
            probability: mistake.probabilities[usize::from(mistake.predicted)],
            opinions: sources.members.iter().map(opinion).collect(),
            pixels: digits.images.get(mistake.index).to_vec(),
        }
    };
    let filters = sources.models.iter().filter_map(|(member, model)| {
        let weights = model.first_layer_filters()?.weights;
        Some(SavedFilters { member: (*member).to_owned(), weights })
    });
    let of_class = |class: usize| {
        let labels = sources.train.labels.iter().enumerate();
        labels.filter(move |(_, label)| usize::from(**label) == class).take(EXAMPLES).map(|(index, _)| index)
    };
    let examples = (0..CLASSES).flat_map(of_class);
    Ok(Pictures {
        train_images: sources.train.len(),
        test_images: sources.test_images,
        mistakes: mistakes.into_iter().map(saved).collect(),
        filters: filters.collect(),
        doubts: sources.doubts,
        examples: examples
            .map(|index| SavedExample {
                label: sources.train.labels[index],
                pixels: sources.train.images.get(index).to_vec(),
            })
            .collect(),
    })
}

/// Gathers the contents of the report of a directory of this kind and configuration. `fits`: all of them, by member;
/// `reproducible_hash`: SHA-256 over the files that are equal between equal runs.
///
/// # Errors
/// A file that is missing or damaged.
pub fn report_input(
    folder: &Path,
    kind: &ArtifactKind,
    config: &RunConfig,
    fits: &[Fit],
    reproducible_hash: String,
) -> Result<ReportInput, RunFailure> {
    let metrics: Metrics = storage::read_json(&folder.join(METRICS))?;
    let timings: Timings = storage::read_json(&folder.join(TIMINGS))?;
    let pictures: Pictures = storage::read_json(&folder.join(PICTURES))?;
    let data: DataRecord = storage::read_json(&folder.join(DATA))?;
    let mut histories: Vec<MemberHistories> = Vec::new();
    let mut filter_histories: Vec<MemberFilterHistory> = Vec::new();
    for &fit in fits {
        let name = config.experiment.members[fit.member].name();
        let path = folder.join(fit.folder(config));
        let history = (fit.label(config), storage::read_json(&path.join(HISTORY))?);
        match histories.last_mut() {
            Some(last) if last.member == name => last.fits.push(history),
            _ => histories.push(MemberHistories { member: name.to_owned(), fits: vec![history] }),
        }
        if filter_histories.last().is_none_or(|history| history.member != name) {
            filter_histories.extend(filter_history(name, &path)?);
        }
    }
    let stages = timings.stages.into_iter().map(|stage| StageTime {
        name: stage.name,
        seconds: stage.seconds,
        images: (stage.images > 0).then_some(stage.images),
    });
    let name = &config.experiment.name;
    let title = match kind {
        ArtifactKind::Member { member, .. } => format!("{name}: {member}"),
        ArtifactKind::Stack {} | ArtifactKind::Search {} => name.clone(),
    };
    let folds = fits.iter().filter(|fit| fit.member == 0 && matches!(fit.part, TrainingPart::WithoutFold(_))).count();
    Ok(ReportInput {
        title,
        models: metrics.models,
        featured: Some(metrics.recommended),
        answer: metrics.answer.as_ref().and_then(Answer::warning),
        left_out: metrics.left_out,
        risk_coverage: metrics.risk_coverage,
        sources: metrics.sources.into_iter().map(source_rows).collect(),
        label_errors: metrics.label_errors.map(|errors| LabelErrorSummary {
            model: errors.model,
            listed: errors.listed,
            estimated: errors.estimated,
        }),
        doubts: pictures.doubts.into_iter().map(doubt).collect(),
        histories,
        filter_histories,
        timings: stages.collect(),
        data: DataSummary {
            source: data.source().to_owned(),
            train_images: pictures.train_images,
            test_images: pictures.test_images,
            folds,
        },
        environment: storage::read_json(&folder.join(ENVIRONMENT))?,
        config_toml: config.to_toml()?,
        mistakes: pictures.mistakes.into_iter().map(mistake).collect(),
        filters: pictures.filters.into_iter().map(filters).collect(),
        examples: pictures
            .examples
            .into_iter()
            .map(|example| Example { image: image(example.pixels), label: example.label })
            .collect(),
        reproducible_hash,
        study: config.search.as_deref().and_then(|search| page_link::search_page(search, folder)),
    })
}

/// Source of the training digits, in words.
/// Filter history of the net in a folder; none if it recorded none.
fn filter_history(member: &str, folder: &Path) -> Result<Option<MemberFilterHistory>, RunFailure> {
    let history = nn::FilterHistory::load(folder).map_err(LearnerError::from)?;
    let side = history.snapshots.values().next().map(|filters| filters.side);
    let snapshots = history.snapshots.into_iter().map(|(iteration, filters)| (iteration, filters.weights)).collect();
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
        name: if saved.name.is_empty() { format!("image {}", saved.index) } else { saved.name },
        label: saved.label,
        predicted: saved.predicted,
        probability: f64::from(saved.probability),
        opinions: saved.opinions.into_iter().map(opinion).collect(),
    }
}

fn source_rows(scores: SourceScores) -> SourceRows {
    SourceRows { source: scores.source, held_out: scores.held_out, test: scores.test }
}

fn doubt(saved: SavedDoubt) -> LabelDoubt {
    LabelDoubt {
        image: image(saved.pixels),
        name: saved.name,
        label: saved.label,
        predicted: saved.predicted,
        label_probability: f64::from(saved.label_probability),
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
