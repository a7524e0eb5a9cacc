//! Values for the template of a search's page.

use std::collections::BTreeMap;

use askama::Template;

use crate::{
    report::{
        figure_book::file_name,
        format,
        page::{self, PageFigure, Stat},
    },
    tuning::{ParameterOutcome, StageOutcome, StudyOutcome, TrialOutcome, TrialState},
};

/// Template `study.html`.
#[derive(Template)]
#[template(path = "study.html", config = "src/report/askama.toml")]
pub(super) struct StudyPage<'a> {
    title: &'a str,
    byline: String,
    summary: String,
    stats: Vec<Stat>,
    style: &'static str,
    light: String,
    dark: String,
    stages: Vec<StageSection<'a>>,
}

/// One stage of the search.
struct StageSection<'a> {
    anchor: String,
    title: &'a str,
    learner: &'a str,
    about: &'a str,
    running: bool,
    searched: String,
    chosen: Vec<String>,
    byline: String,
    score: String,
    trials: String,
    time: String,
    facts: Vec<(&'static str, String)>,
    figures: Vec<PageFigure>,
    parameters: &'a [ParameterOutcome],
    score_unit: &'static str,
    has: Columns,
    rows: Vec<TrialRow<'a>>,
}

/// Optional columns of the table of trials.
struct Columns {
    train: bool,
    problem: bool,
}

/// One row of the table of trials.
struct TrialRow<'a> {
    number: usize,
    values: Vec<String>,
    score: String,
    error: String,
    train: String,
    state: &'static str,
    chosen: bool,
    time: String,
    problem: &'a str,
}

/// Fills in the page; `figures` are `[stages][figures]`.
pub(super) fn page(outcome: &StudyOutcome, figures: Vec<Vec<PageFigure>>) -> StudyPage<'_> {
    let (style, light, dark) = page::style();
    let stages = outcome.stages.iter().zip(figures).map(|(stage, figures)| section(stage, figures)).collect();
    let parts = ["hyperparameter search".to_owned(), outcome.data.clone(), format!("seed {}", outcome.seed)];
    StudyPage {
        title: &outcome.name,
        byline: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        summary: summary(outcome),
        stats: stats(outcome),
        style,
        light,
        dark,
        stages,
    }
}

fn with_state(stage: &StageOutcome, state: TrialState) -> usize {
    stage.trials.iter().filter(|trial| trial.state == state).count()
}

/// Numbers of pruned and failed trials, such as "3 pruned, 1 failed"; empty if there are none.
fn unfinished<'a>(stages: impl Iterator<Item = &'a StageOutcome> + Clone) -> String {
    let words =
        [(TrialState::Pruned, "pruned"), (TrialState::Failed, "failed")].into_iter().filter_map(|(state, word)| {
            let count: usize = stages.clone().map(|stage| with_state(stage, state)).sum();
            (count > 0).then(|| format!("{} {word}", format::count(count as u64)))
        });
    words.collect::<Vec<_>>().join(", ")
}

/// For each unit (epoch, tree): how many were trained, and how many full fits of every trial would have needed.
fn steps(stages: &[StageOutcome]) -> BTreeMap<&str, (u64, u64)> {
    let mut units: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for stage in stages.iter().filter(|stage| !stage.unit.is_empty() && stage.steps_naive > 0) {
        let (run, naive) = units.entry(&stage.unit).or_default();
        *run = run.saturating_add(stage.steps_run);
        *naive = naive.saturating_add(stage.steps_naive);
    }
    units
}

/// Share of the steps that were trained, such as "120 of 400 epochs".
fn run_of(unit: &str, (run, naive): (u64, u64)) -> String {
    format!("{} of {}", format::count(run), format::counted(naive, unit))
}

fn summary(outcome: &StudyOutcome) -> String {
    let trials: usize = outcome.stages.iter().map(|stage| stage.trials.len()).sum();
    if outcome.stages.is_empty() {
        return "No stage of this search has started.".to_owned();
    }
    let stages = format::counted(outcome.stages.len() as u64, "stage");
    let mut text = String::new();
    if outcome.is_unfinished {
        text += "This search is unfinished: it is running, or it was interrupted, and the same command goes on with it. \
                 What it has chosen so far is provisional. ";
    }
    text += &format!("The search evaluated {} in {stages}.", format::counted(trials as u64, "trial"));
    let units: Vec<String> = steps(&outcome.stages).into_iter().map(|(unit, counts)| run_of(unit, counts)).collect();
    if !units.is_empty() {
        text += &format!(
            " It trained {} that full fits of every trial on every split would have needed.",
            units.join(" and ")
        );
    }
    for stage in outcome.stages.iter().filter(|stage| !stage.finished) {
        text += &format!(" The stage “{}” is still running.", stage.title);
    }
    text
}

fn stats(outcome: &StudyOutcome) -> Vec<Stat> {
    if outcome.stages.is_empty() {
        return Vec::new();
    }
    let trials: usize = outcome.stages.iter().map(|stage| stage.trials.len()).sum();
    let finished = outcome.stages.iter().filter(|stage| stage.finished).count();
    let all = format::counted(outcome.stages.len() as u64, "stage");
    let stages = if finished == outcome.stages.len() {
        all
    } else {
        format!("{all}, {} finished", format::count(finished as u64))
    };
    let stat = |label: &str, value: String, note: String| Stat { label: label.to_owned(), value, note };
    let mut stats = vec![
        stat("trials", format::count(trials as u64), unfinished(outcome.stages.iter())),
        stat("time", format::duration(outcome.stages.iter().map(|stage| stage.seconds).sum()), stages),
    ];
    for (unit, (run, naive)) in steps(&outcome.stages) {
        let share = format!("of {}, {}", format::count(naive), format::probability(run as f64 / naive as f64));
        stats.push(stat(&format!("{unit}s trained"), format::count(run), share));
    }
    stats
}

/// Inserts line-break opportunities after the dots of a dotted path.
fn breakable(label: &str) -> String {
    label.replace('.', ".\u{200b}")
}

/// Describes the searched values of a parameter.
fn searched(stage: &StageOutcome, index: usize, parameter: &ParameterOutcome) -> String {
    if !parameter.choices.is_empty() {
        return format!("{}: {}", parameter.label, parameter.choices.join(", "));
    }
    let values = || stage.trials.iter().map(|trial| trial.values[index]);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    match low.partial_cmp(&high) {
        Some(std::cmp::Ordering::Less) => {
            let log = if parameter.log { ", log scale" } else { "" };
            format!("{}: {} to {}{log}", parameter.label, format::number(low), format::number(high))
        }
        Some(std::cmp::Ordering::Equal) => format!("{}: {}", parameter.label, format::number(low)),
        _ => parameter.label.clone(),
    }
}

fn section<'a>(stage: &'a StageOutcome, figures: Vec<PageFigure>) -> StageSection<'a> {
    let chosen = stage.selected.and_then(|index| stage.trials.get(index));
    let set = |(parameter, value): (&ParameterOutcome, &f64)| {
        let value = format::setting(parameter, *value);
        if stage.parameters.len() == 1 { value } else { format!("{} {value}", breakable(&parameter.label)) }
    };
    let pairs: Vec<String> =
        chosen.map_or_else(Vec::new, |trial| stage.parameters.iter().zip(&trial.values).map(set).collect());
    let score = chosen
        .and_then(|trial| Some(format::score_and_error(stage.score, trial.score?, trial.standard_error)))
        .unwrap_or_default();
    let unfinished = unfinished(std::iter::once(stage));
    let trials = format!(
        "{}{}",
        format::count(stage.trials.len() as u64),
        if unfinished.is_empty() { String::new() } else { format!(" ({unfinished})") }
    );
    let all = stage.parameters.iter().enumerate().map(|(index, parameter)| searched(stage, index, parameter));
    let steps = match (stage.steps_run, stage.steps_naive) {
        (_, 0) => String::new(),
        _ if stage.unit.is_empty() => String::new(),
        (run, naive) if run == naive => format::counted(run, &stage.unit),
        (run, naive) => {
            format!("{}, {}", run_of(&stage.unit, (run, naive)), format::probability(run as f64 / naive as f64))
        }
    };
    let chosen: Vec<String> = [pairs.join(", "), score.clone()].into_iter().filter(|part| !part.is_empty()).collect();
    let facts = [
        ("Searched", all.collect::<Vec<_>>().join("; ")),
        ("Chosen", chosen.join(": ")),
        ("Trials", format!("{trials}, {}", format::duration(stage.seconds))),
        ("Trained", steps),
    ];
    let running = if stage.finished { "" } else { "still running" };
    let byline = [&stage.learner, &stage.sampler, &stage.scoring, running];
    StageSection {
        anchor: format!("stage-{}", file_name(&stage.name)),
        title: if stage.title.is_empty() { &stage.name } else { &stage.title },
        learner: &stage.learner,
        about: &stage.about,
        running: !stage.finished,
        searched: stage.parameters.iter().map(|parameter| breakable(&parameter.label)).collect::<Vec<_>>().join(", "),
        chosen: pairs,
        byline: byline.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        score,
        trials,
        time: format::duration(stage.seconds),
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        figures,
        parameters: &stage.parameters,
        score_unit: match stage.score {
            crate::tuning::Score::Accuracy => "accuracy, %",
            crate::tuning::Score::LogLoss => "log-loss",
        },
        has: Columns {
            train: stage.trials.iter().any(|trial| trial.train_score.is_some()),
            problem: stage.trials.iter().any(|trial| trial.error.as_ref().is_some_and(|error| !error.is_empty())),
        },
        rows: stage.trials.iter().enumerate().map(|(index, trial)| row(stage, index, trial)).collect(),
    }
}

fn row<'a>(stage: &StageOutcome, index: usize, trial: &'a TrialOutcome) -> TrialRow<'a> {
    let written = |score: Option<f64>| score.map_or_else(|| "–".to_owned(), |score| format::score(stage.score, score));
    TrialRow {
        number: index + 1,
        values: stage
            .parameters
            .iter()
            .zip(&trial.values)
            .map(|(parameter, value)| format::setting(parameter, *value))
            .collect(),
        score: written(trial.score),
        error: trial.standard_error.map_or_else(|| "–".to_owned(), |error| format::score_width(stage.score, error)),
        train: written(trial.train_score),
        state: match trial.state {
            TrialState::Complete => "complete",
            TrialState::Pruned => "pruned",
            TrialState::Failed => "failed",
        },
        chosen: stage.selected == Some(index),
        time: format::duration(trial.seconds),
        problem: trial.error.as_deref().unwrap_or_default(),
    }
}
