//! The page: what its template is filled in with.

use askama::Template;

use super::{
    canvas, format,
    input::{Mistake, ReportInput},
    theme::{self, Paint, Palette, Theme},
};
use crate::{
    data::CLASSES,
    evaluation::{ModelKind, ModelScores, Scores},
};

/// A figure in the page.
pub(super) struct Shown {
    /// Name of its own file, without `.svg`; also its anchor.
    pub(super) id: String,
    pub(super) number: usize,
    pub(super) caption: String,
    pub(super) svg: String,
    /// Drawn again for a phone, where shrinking it would make its text too small.
    pub(super) narrow: Option<String>,
    /// Of its own file.
    pub(super) extension: &'static str,
}

/// `page.html`.
#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) byline: String,
    pub(super) summary: String,
    pub(super) stats: Vec<Stat>,
    pub(super) style: &'static str,
    pub(super) light: String,
    pub(super) dark: String,
    pub(super) data_facts: Vec<(&'static str, String)>,
    pub(super) examples: Option<Shown>,
    pub(super) leaderboard: Option<Shown>,
    pub(super) models: Vec<ModelRows<'a>>,
    pub(super) courses: Vec<MemberCourses<'a>>,
    pub(super) errors: Option<Errors<'a>>,
    pub(super) mistakes: Vec<MistakeCard<'a>>,
    pub(super) filters: Vec<Shown>,
    pub(super) held_out: &'static str,
    pub(super) stages: Option<Shown>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) config: &'a str,
    pub(super) study: Option<&'a str>,
}

/// A figure in large type.
pub(super) struct Stat {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
}

/// A model in the table of scores.
pub(super) struct ModelRows<'a> {
    name: &'a str,
    kind: &'static str,
    colour: String,
    rows: Vec<ScoreRow>,
}

struct ScoreRow {
    set: &'static str,
    accuracy: String,
    best: bool,
    interval: String,
    errors: String,
    images: String,
    log_loss: String,
    calibration: String,
}

/// The curves of a member.
pub(super) struct MemberCourses<'a> {
    pub(super) member: &'a str,
    pub(super) figures: Vec<Shown>,
}

/// The featured model's errors.
pub(super) struct Errors<'a> {
    pub(super) model: &'a str,
    pub(super) set: &'static str,
    pub(super) basis: String,
    pub(super) confusion: Shown,
    pub(super) calibration: Shown,
    pub(super) classes: Vec<ClassRow>,
}

/// A class in the table of precision and recall.
pub(super) struct ClassRow {
    digit: usize,
    support: String,
    precision: String,
    recall: String,
    f1: String,
    taken_for: String,
}

/// One of the worst mistakes.
pub(super) struct MistakeCard<'a> {
    paths: String,
    label: u8,
    predicted: u8,
    probability: String,
    index: usize,
    opinions: Vec<OpinionRow<'a>>,
}

struct OpinionRow<'a> {
    member: &'a str,
    colour: String,
    digit: u8,
    probability: String,
    right: bool,
}

/// The sets a model can have scores on; `held_out` is [`DataSummary::held_out`](super::DataSummary::held_out).
pub(super) fn sets<'a>(model: &'a ModelScores, held_out: &'static str) -> [(&'static str, Option<&'a Scores>); 3] {
    [("train", model.train.as_ref()), (held_out, model.out_of_fold.as_ref()), ("test", model.test.as_ref())]
}

fn interval(scores: &Scores) -> String {
    format!("{}\u{a0}–\u{2060}\u{a0}{}", format::percent(scores.accuracy.low), format::percent(scores.accuracy.high))
}

fn wrong(scores: &Scores) -> usize {
    scores.images - scores.correct
}

/// The rows of the table of scores; the fewest errors of each set are marked.
pub(super) fn model_rows<'a>(
    models: &[&'a ModelScores],
    held_out: &'static str,
    palette: &Palette,
) -> Vec<ModelRows<'a>> {
    let best = |set: usize| {
        models
            .iter()
            .filter_map(|model| sets(model, held_out)[set].1)
            .map(|scores| scores.accuracy.value)
            .fold(0.0, f64::max)
    };
    let best = [0, 1, 2].map(best);
    let rows = |model: &'a ModelScores| ModelRows {
        name: &model.name,
        kind: model.kind.name(),
        colour: palette.of(&model.name).css(Theme::Page).into_owned(),
        rows: sets(model, held_out)
            .into_iter()
            .zip(best)
            .filter_map(|((set, scores), best)| Some(score_row(set, scores?, best)))
            .collect(),
    };
    models.iter().map(|model| rows(model)).collect()
}

fn score_row(set: &'static str, scores: &Scores, best: f64) -> ScoreRow {
    ScoreRow {
        set,
        accuracy: format::percent(scores.accuracy.value),
        best: scores.accuracy.value >= best,
        interval: interval(scores),
        errors: format::count(wrong(scores) as u64),
        images: format::count(scores.images as u64),
        log_loss: format!("{:.4}", scores.log_loss),
        calibration: format!("{:.4}", scores.expected_calibration_error),
    }
}

/// The rows of the table of precision and recall.
pub(super) fn class_rows(scores: &Scores) -> Vec<ClassRow> {
    let row = |digit: usize| {
        let class = &scores.classes[digit];
        let sum = class.precision + class.recall;
        let f1 = if sum > 0.0 { 2.0 * class.precision * class.recall / sum } else { 0.0 };
        let others = (0..CLASSES).filter(|other| *other != digit).map(|other| (scores.confusion[digit][other], other));
        let taken_for =
            others.max_by_key(|(count, other)| (*count, std::cmp::Reverse(*other))).filter(|(count, _)| *count > 0);
        ClassRow {
            digit,
            support: format::count(class.support as u64),
            precision: format::percent(class.precision),
            recall: format::percent(class.recall),
            f1: format::percent(f1),
            taken_for: taken_for
                .map_or_else(|| "–".to_owned(), |(count, other)| format!("{other} ({})", format::count(count as u64))),
        }
    };
    (0..CLASSES).map(row).collect()
}

/// The gallery.
pub(super) fn mistake_cards<'a>(mistakes: &'a [Mistake], palette: &Palette) -> Vec<MistakeCard<'a>> {
    let card = |mistake: &'a Mistake| MistakeCard {
        paths: canvas::digit_paths(&mistake.image, &Paint::Ink.css(Theme::Page)),
        label: mistake.label,
        predicted: mistake.predicted,
        probability: format::probability(mistake.probability),
        index: mistake.index,
        opinions: mistake
            .opinions
            .iter()
            .map(|opinion| OpinionRow {
                member: &opinion.member,
                colour: palette.of(&opinion.member).css(Theme::Page).into_owned(),
                digit: opinion.digit,
                probability: format::probability(opinion.probability),
                right: opinion.digit == mistake.label,
            })
            .collect(),
    };
    mistakes.iter().map(card).collect()
}

/// The figures at the top.
pub(super) fn stats(input: &ReportInput, featured: Option<&ModelScores>) -> Vec<Stat> {
    let mut stats = Vec::new();
    let Some(model) = featured else { return stats };
    let held_out = input.data.held_out();
    for (set, scores) in sets(model, held_out).into_iter().skip(1).rev() {
        let Some(scores) = scores else { continue };
        stats.push(Stat {
            label: format!("{set} accuracy"),
            value: format!("{}\u{a0}%", format::percent(scores.accuracy.value)),
            note: format!("{}, {}", interval(scores), model.name),
        });
    }
    if let Some((set, Some(scores))) = sets(model, held_out).into_iter().rev().find(|(_, scores)| scores.is_some()) {
        stats.push(Stat {
            label: "errors".to_owned(),
            value: format::count(wrong(scores) as u64),
            note: format!("of {} {set} images", format::count(scores.images as u64)),
        });
    }
    if !input.timings.is_empty() {
        let seconds = input.timings.iter().map(|stage| stage.seconds).sum();
        stats.push(Stat {
            label: "time".to_owned(),
            value: format::duration(seconds),
            note: input.environment.device.clone(),
        });
    }
    stats
}

/// The first paragraph: the result in words.
pub(super) fn summary(input: &ReportInput, featured: Option<&ModelScores>) -> String {
    let Some(model) = featured else { return "No model of this run was scored.".to_owned() };
    let figures = |of: &str, scores: &Scores| {
        let share = format::percent(scores.accuracy.value);
        format!(
            "{share}\u{a0}% of {} {of} (95\u{a0}% interval {})",
            format::count(scores.images as u64),
            interval(scores)
        )
    };
    let held_out = if input.data.folds > 0 { "training images out of fold" } else { "images held out for validation" };
    let unseen = [("test images", &model.test), (held_out, &model.out_of_fold)];
    let scored: Vec<_> = unseen.into_iter().filter_map(|(of, scores)| Some(figures(of, scores.as_ref()?))).collect();
    let chosen = if input.featured.is_some() { "" } else { ", best of its run out of fold," };
    let verb = if scored.is_empty() {
        "has no scores on images it did not see".to_owned()
    } else {
        format!("correctly classifies {}", scored.join(" and "))
    };
    let without = if model.test.is_none() { " The run has no test scores." } else { "" };
    let name = match model.kind {
        ModelKind::Member => format!("The model {}", model.name),
        ModelKind::Ensemble => format!("The ensemble {}", model.name),
        ModelKind::Stack => format!("The stack {}", model.name),
    };
    format!("{name}{chosen} {verb}.{without}")
}

/// Date, program and machine in one line.
pub(super) fn byline(input: &ReportInput) -> String {
    let environment = &input.environment;
    let program = format!("{} {}", environment.program, environment.version);
    let day = environment.time.split('T').next().unwrap_or_default().to_owned();
    let parts = [day, program.trim().to_owned(), environment.device.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The facts about the data.
pub(super) fn data_facts(input: &ReportInput) -> Vec<(&'static str, String)> {
    let data = &input.data;
    let test = data.test_images.map_or_else(
        || "none: this run has no test set".to_owned(),
        |images| format!("{} images", format::count(images as u64)),
    );
    let mut facts = vec![("Training", format!("{} images", format::count(data.train_images as u64))), ("Test", test)];
    if !data.source.is_empty() {
        facts.insert(0, ("Source", data.source.clone()));
    }
    if data.folds > 0 {
        facts.push(("Folds", format!("{}, stratified by digit", data.folds)));
    }
    facts
}

/// The facts that reproduce the run.
pub(super) fn facts(input: &ReportInput) -> Vec<(&'static str, String)> {
    let environment = &input.environment;
    let commit = environment.commit.as_ref().map(|commit| {
        let state = if commit.dirty { " with local changes" } else { "" };
        format!("{}{state}", commit.hash)
    });
    let cpu = if environment.threads > 0 {
        format!("{} ({} threads)", environment.cpu, environment.threads)
    } else {
        environment.cpu.clone()
    };
    let facts = [
        ("Program", format!("{} {}", environment.program, environment.version)),
        ("Commit", commit.unwrap_or_default()),
        ("Command", environment.command_line.join(" ")),
        ("Device", environment.device.clone()),
        ("Processor", cpu),
        ("System", format!("{} {}", environment.os, environment.architecture)),
        ("Peak memory", environment.peak_memory.map(format::bytes).unwrap_or_default()),
        ("Time", environment.time.replace('T', " ").replace('Z', " UTC")),
        ("Result hash", input.reproducible_hash.clone()),
    ];
    facts
        .into_iter()
        .map(|(name, value)| (name, value.trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Style sheet and colours.
pub(super) fn style() -> (&'static str, String, String) {
    (
        concat!(include_str!("colours.css"), include_str!("style.css")),
        theme::accent_variables(false),
        theme::accent_variables(true),
    )
}
