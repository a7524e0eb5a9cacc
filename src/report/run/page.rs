//! Values for the template of a run's page.

use askama::Template;

use crate::{
    data::CLASSES,
    evaluation::{ModelKind, ModelScores, RiskCoverage, RiskPoint, Scores, confidence_text},
    report::{
        canvas, format,
        input::{LabelDoubt, LabelErrorSummary, Mistake, ReportInput, SourceRows},
        page::{PageFigure, Stat},
        theme::{Paint, Palette, Theme},
    },
};

/// Template `run.html`.
#[derive(Template)]
#[template(path = "run.html", config = "src/report/askama.toml")]
pub(super) struct RunPage<'a> {
    pub(super) title: &'a str,
    pub(super) byline: String,
    pub(super) summary: String,
    pub(super) stats: Vec<Stat>,
    pub(super) style: &'static str,
    pub(super) light: String,
    pub(super) dark: String,
    pub(super) data_facts: Vec<(&'static str, String)>,
    pub(super) examples: Option<PageFigure>,
    pub(super) leaderboard: Option<PageFigure>,
    pub(super) models: Vec<ModelRows<'a>>,
    pub(super) curves: Vec<MemberCurves<'a>>,
    pub(super) errors: Option<ErrorAnalysis<'a>>,
    pub(super) mistakes: Vec<MistakeCard<'a>>,
    pub(super) risk: Option<RiskAnalysis>,
    pub(super) sources: Vec<SourceRow<'a>>,
    pub(super) label_errors: Option<&'a LabelErrorSummary>,
    pub(super) doubts: Vec<DoubtCard<'a>>,
    pub(super) filters: Vec<PageFigure>,
    pub(super) held_out: &'static str,
    pub(super) has_test: bool,
    pub(super) stages: Option<PageFigure>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) config: &'a str,
    pub(super) study: Option<&'a str>,
}

/// Rows of one model in the table of scores, one for each set.
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

/// Learning curves of a member.
pub(in crate::report) struct MemberCurves<'a> {
    pub(super) member: &'a str,
    pub(in crate::report) figures: Vec<PageFigure>,
}

/// Confusion matrix, calibration and scores by class of the featured model.
pub(in crate::report) struct ErrorAnalysis<'a> {
    pub(super) model: &'a str,
    pub(super) set: &'static str,
    /// Sentence that says which images the figures are measured on.
    pub(in crate::report) basis: String,
    pub(in crate::report) confusion: PageFigure,
    pub(in crate::report) calibration: PageFigure,
    pub(super) classes: Vec<ClassRow>,
}

/// Row of one class in the table of precision and recall.
pub(super) struct ClassRow {
    digit: usize,
    support: String,
    precision: String,
    recall: String,
    f1: String,
    /// Most frequent wrong prediction with its count.
    confused_with: String,
}

/// One of the worst errors, with every member's prediction.
pub(super) struct MistakeCard<'a> {
    paths: String,
    label: u8,
    predicted: u8,
    probability: String,
    name: &'a str,
    opinions: Vec<OpinionRow<'a>>,
}

struct OpinionRow<'a> {
    member: &'a str,
    colour: String,
    digit: u8,
    probability: String,
    right: bool,
}

/// Risk–coverage curve of the featured model.
pub(super) struct RiskAnalysis {
    pub(super) figure: PageFigure,
    /// What threshold gives few enough errors, in words.
    pub(super) sentence: String,
    pub(super) rows: Vec<RiskRow>,
}

/// Row of the table of thresholds.
pub(super) struct RiskRow {
    confidence: String,
    coverage: String,
    answered: String,
    errors: String,
    risk: String,
}

/// Accuracies on the digits of one source.
pub(super) struct SourceRow<'a> {
    source: &'a str,
    rows: Vec<ScoreRow>,
}

/// One of the most doubtful labels.
pub(super) struct DoubtCard<'a> {
    paths: String,
    name: &'a str,
    label: u8,
    predicted: u8,
    probability: String,
}

/// Coverages of the rows of the table of thresholds.
const RISK_ROWS: [f64; 8] = [1.0, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5];

/// Rows of the table of thresholds, greatest coverage first.
pub(super) fn risk_rows(curve: &RiskCoverage) -> Vec<RiskRow> {
    let points = RISK_ROWS.iter().filter_map(|coverage| {
        curve.points.iter().rfind(|point| point.answered as f64 >= coverage * curve.images as f64)
    });
    let mut points: Vec<&RiskPoint> = points.chain(&curve.threshold).collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.answered));
    points.dedup();
    let row = |point: &RiskPoint| RiskRow {
        confidence: confidence_text(point.confidence),
        coverage: format::percent(point.coverage(curve.images)),
        answered: format::count(point.answered as u64),
        errors: format::count(point.errors as u64),
        risk: format!("{:.3}", 100.0 * point.risk()),
    };
    points.into_iter().map(row).collect()
}

/// Scores by source: on the digits held out, then on the test digits.
pub(super) fn source_rows<'a>(input: &'a ReportInput) -> Vec<SourceRow<'a>> {
    let held_out = input.data.held_out();
    let row = |source: &'a SourceRows| SourceRow {
        source: &source.source,
        rows: [(held_out, &source.held_out), ("test", &source.test)]
            .into_iter()
            .filter_map(|(set, scores)| Some(score_row(set, scores.as_ref()?, 2.0)))
            .collect(),
    };
    input.sources.iter().map(row).filter(|source| !source.rows.is_empty()).collect()
}

/// Cards of the most doubtful labels.
pub(super) fn doubt_cards(doubts: &[LabelDoubt]) -> Vec<DoubtCard<'_>> {
    fn card(doubt: &LabelDoubt) -> DoubtCard<'_> {
        DoubtCard {
            paths: canvas::digit_paths(&doubt.image, &Paint::Ink.css(Theme::Page)),
            name: &doubt.name,
            label: doubt.label,
            predicted: doubt.predicted,
            probability: format!("{:.1e}", doubt.label_probability),
        }
    }
    doubts.iter().map(card).collect()
}

/// Names of the sets and a model's scores on each, where there are any; `held_out` is
/// [`DataSummary::held_out`](crate::report::DataSummary::held_out).
pub(super) fn sets<'a>(model: &'a ModelScores, held_out: &'static str) -> [(&'static str, Option<&'a Scores>); 3] {
    [("train", model.train.as_ref()), (held_out, model.unseen()), ("test", model.test.as_ref())]
}

fn interval(scores: &Scores) -> String {
    format!("{}\u{a0}–\u{2060}\u{a0}{}", format::percent(scores.accuracy.low), format::percent(scores.accuracy.high))
}

fn wrong(scores: &Scores) -> usize {
    scores.images - scores.correct
}

/// Rows of the table of scores; the highest accuracy on each set is marked.
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

/// Rows of the table of precision and recall.
pub(super) fn class_rows(scores: &Scores) -> Vec<ClassRow> {
    let row = |digit: usize| {
        let class = &scores.classes[digit];
        let sum = class.precision + class.recall;
        let f1 = if sum > 0.0 { 2.0 * class.precision * class.recall / sum } else { 0.0 };
        let others = (0..CLASSES).filter(|other| *other != digit).map(|other| (scores.confusion[digit][other], other));
        let confused_with =
            others.max_by_key(|(count, other)| (*count, std::cmp::Reverse(*other))).filter(|(count, _)| *count > 0);
        ClassRow {
            digit,
            support: format::count(class.support as u64),
            precision: format::percent(class.precision),
            recall: format::percent(class.recall),
            f1: format::percent(f1),
            confused_with: confused_with
                .map_or_else(|| "–".to_owned(), |(count, other)| format!("{other} ({})", format::count(count as u64))),
        }
    };
    (0..CLASSES).map(row).collect()
}

/// Cards of the worst errors.
pub(super) fn mistake_cards<'a>(mistakes: &'a [Mistake], palette: &Palette) -> Vec<MistakeCard<'a>> {
    let card = |mistake: &'a Mistake| MistakeCard {
        paths: canvas::digit_paths(&mistake.image, &Paint::Ink.css(Theme::Page)),
        label: mistake.label,
        predicted: mistake.predicted,
        probability: format::probability(mistake.probability),
        name: &mistake.name,
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

/// Headline figures: accuracies, number of errors, training time.
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

/// First paragraph: the result in words.
pub(in crate::report) fn summary(input: &ReportInput, featured: Option<&ModelScores>) -> String {
    let Some(model) = featured else { return "This run has no scored model.".to_owned() };
    let figures = |of: &str, scores: &Scores| {
        let share = format::percent(scores.accuracy.value);
        format!(
            "{share}\u{a0}% of {} {of} (95\u{a0}% interval {})",
            format::count(scores.images as u64),
            interval(scores)
        )
    };
    let held_out =
        if input.data.folds > 0 { "training images (out of fold)" } else { "images held out for validation" };
    let unseen = [("test images", model.test.as_ref()), (held_out, model.unseen())];
    let scored: Vec<_> = unseen.into_iter().filter_map(|(of, scores)| Some(figures(of, scores?))).collect();
    let chosen = match input.featured {
        None if input.models.len() > 1 => format!(", the best of this run by {} accuracy,", input.data.held_out()),
        _ => String::new(),
    };
    let verb = if scored.is_empty() {
        "has no scores on unseen images".to_owned()
    } else {
        format!("correctly classifies {}", scored.join(" and "))
    };
    let without = if model.test.is_none() { " This run has no test scores." } else { "" };
    let name = match model.kind {
        ModelKind::Member => format!("The model {}", model.name),
        ModelKind::Ensemble => format!("The ensemble {}", model.name),
        ModelKind::Stack => format!("The stack {}", model.name),
    };
    let answer = input.answer.as_ref().map_or_else(String::new, |sentence| format!(" Note: {sentence}."));
    let left_out = match input.left_out.as_slice() {
        [] => String::new(),
        names => format!(" The stack does without {}: no probabilities came from there.", names.join(", ")),
    };
    format!("{name}{chosen} {verb}.{without}{answer}{left_out}{}", diverged(input))
}

/// The fits that ended because their loss became NaN or infinite, in a sentence; empty if there are none.
fn diverged(input: &ReportInput) -> String {
    let fits = input.histories.iter().flat_map(|member| &member.fits);
    let ended: Vec<String> =
        fits.filter_map(|(label, history)| Some(format!("{label} (epoch {})", history.diverged?))).collect();
    match ended.as_slice() {
        [] => String::new(),
        _ => format!(
            " Fits that diverged and kept the net of the epoch before: {}; a lower learning rate may help.",
            ended.join(", ")
        ),
    }
}

/// Date, program and device in one line.
pub(in crate::report) fn byline(input: &ReportInput) -> String {
    let environment = &input.environment;
    let program = format!("{} {}", environment.program, environment.version);
    let day = environment.time.split('T').next().unwrap_or_default().to_owned();
    let parts = [day, program.trim().to_owned(), environment.device.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Facts about the data.
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

/// Facts needed to reproduce the run.
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
