//! From the input to files.

use std::path::PathBuf;

use askama::Template;

use super::{
    ReportError,
    figures::{self, Course, Metric},
    film::animation,
    input::{Film, Filters, ReportInput},
    page::{self, Errors, MemberCourses, Page, Shown},
    studio::{Studio, file_name},
    theme::Palette,
};
use crate::{
    data::CLASSES,
    evaluation::{ModelScores, Scores},
    storage::{REPORT, RunDirectory, StorageError},
};

/// The page's file.
pub(super) const PAGE: &str = "index.html";

/// What is made beside the page and the SVG files.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOptions {
    /// Every figure as PNG too.
    pub png: bool,
}

/// One file of a report.
#[derive(Clone, Debug)]
pub struct ReportFile {
    /// Name in the report's folder.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// A finished report.
#[derive(Clone, Debug)]
pub struct Report {
    /// `index.html`, then the figures in the order of the page.
    pub files: Vec<ReportFile>,
}

impl Report {
    /// Writes every file into the folder `report/` of a run, which replaces an earlier one as a whole; returns the
    /// page's path. The run may be complete: its manifest does not change.
    ///
    /// # Errors
    /// If a file cannot be written; the earlier report stays then.
    pub fn write(&self, run: &RunDirectory) -> Result<PathBuf, StorageError> {
        let folder = run.begin_derived(REPORT)?;
        for file in &self.files {
            folder.write(&file.name, &file.bytes)?;
        }
        Ok(folder.commit()?.folder().join(PAGE))
    }
}

/// Draws every figure and fills in the page. Equal inputs give equal bytes.
///
/// # Errors
/// [`ReportError::Input`] for figures that cannot be: digits above 9, filters of the wrong size, times below zero.
pub fn render(input: &ReportInput, options: &ReportOptions) -> Result<Report, ReportError> {
    check(input)?;
    let palette = Palette::new(input.models.iter().map(|model| model.name.as_str()));
    let models = ranked(&input.models);
    let featured = match &input.featured {
        Some(name) => Some(*models.iter().find(|model| model.name == *name).ok_or_else(|| {
            problem("the featured model", format!("`{name}` is none of the models that were scored"))
        })?),
        None => models.first().copied(),
    };
    let mut studio = Studio::default();
    let examples = (!input.examples.is_empty()).then(|| {
        let caption = format!("{} training digits as the models see them, with their labels.", input.examples.len());
        studio.half("examples", caption, |theme, width| figures::examples(&input.examples, theme, width))
    });
    let held_out = input.data.held_out();
    let leaderboard = if models.len() > 1 { leaderboard(&models, &palette, &mut studio) } else { None };
    let courses = courses(input, &palette, &mut studio);
    let errors = featured.and_then(|model| errors(model, held_out, &palette, &mut studio));
    if let (Some(errors), false) = (&errors, input.mistakes.is_empty()) {
        studio.file_only("worst-mistakes", |theme, width| {
            figures::mistakes(&input.mistakes, errors.model, &palette, theme, width)
        });
    }
    let mut filters = filters(input, &mut studio);
    for film in &input.films {
        filters.extend(filmed(film, &mut studio)?);
    }
    let stages = (!input.timings.is_empty()).then(|| {
        let caption = "Wall time of each stage, and how many images a second went through it.".to_owned();
        studio.half("time", caption, |theme, width| figures::stages(&input.timings, theme, width))
    });
    let mistakes = if errors.is_some() { page::mistake_cards(&input.mistakes, &palette) } else { Vec::new() };
    let (style, light, dark) = page::style();
    let page = Page {
        title: &input.title,
        byline: page::byline(input),
        summary: page::summary(input, featured),
        stats: page::stats(input, featured),
        style,
        light,
        dark,
        data_facts: page::data_facts(input),
        examples,
        leaderboard,
        models: page::model_rows(&models, held_out, &palette),
        courses,
        errors,
        mistakes,
        filters,
        held_out,
        stages,
        facts: page::facts(input),
        config: &input.config_toml,
        study: input.study.as_deref(),
    };
    studio.finish(page.render()?, options)
}

/// Every model's accuracy; none without a model.
pub(super) fn leaderboard(models: &[&ModelScores], palette: &Palette, studio: &mut Studio) -> Option<Shown> {
    (!models.is_empty()).then(|| {
        let caption = "Accuracy of every model, best out of fold first. Lines are 95\u{a0}% Wilson score intervals; the axis is spaced by \
                       the logarithm of the error, so that equal steps are equal factors in the number of mistakes. Arrows: beyond the axis.";
        studio.wide("leaderboard", caption.to_owned(), |theme, width| figures::leaderboard(models, palette, theme, width))
    })
}

/// The first-layer filters of each net that has some.
pub(super) fn filters(input: &ReportInput, studio: &mut Studio) -> Vec<Shown> {
    let mut shown = Vec::new();
    for filters in &input.filters {
        let caption = format!(
            "{} first-layer filters of {}, {} × {}; blue is positive, orange negative, each scaled to its largest weight.",
            figures::filters_shown(filters),
            filters.member,
            filters.side,
            filters.side
        );
        let name = format!("filters-{}", file_name(&filters.member));
        shown.push(studio.half(&name, caption, |theme, width| figures::filters(filters, theme, width)));
    }
    shown
}

/// The first layer before training, and how it changed.
fn filmed(film: &Film, studio: &mut Studio) -> Result<Vec<Shown>, ReportError> {
    let Some((_, before)) = film.pictures.first() else { return Ok(Vec::new()) };
    let before = Filters { member: film.member.clone(), side: film.side, weights: before.clone() };
    let name = file_name(&film.member);
    let caption = format!("The same filters of {} before training.", film.member);
    let first =
        studio.half(&format!("filters-before-{name}"), caption, |theme, width| figures::filters(&before, theme, width));
    let last = film.pictures.last().map_or(0, |(iteration, _)| *iteration);
    let caption = format!(
        "The filters of {} during {last} iterations in {} pictures, each filter scaled to its largest weight in any of them. The model may be \
         that of an earlier epoch, or an average.",
        film.member,
        film.pictures.len()
    );
    Ok(vec![first, studio.animation(&format!("filters-{name}"), caption, animation(film)?)])
}

/// Models by out-of-fold accuracy, best first; those without, by training accuracy, after them. The test set never
/// ranks.
pub(super) fn ranked(models: &[ModelScores]) -> Vec<&ModelScores> {
    let key = |model: &ModelScores| {
        let accuracy = |scores: &Option<Scores>| scores.as_ref().map_or(-1.0, |scores| scores.accuracy.value);
        (accuracy(&model.out_of_fold), accuracy(&model.train))
    };
    let mut ranked: Vec<_> = models.iter().collect();
    ranked.sort_by(|a, b| {
        let ((fold_a, train_a), (fold_b, train_b)) = (key(a), key(b));
        fold_b.total_cmp(&fold_a).then(train_b.total_cmp(&train_a))
    });
    ranked
}

/// How each member's fits went.
pub(super) fn courses<'a>(input: &'a ReportInput, palette: &Palette, studio: &mut Studio) -> Vec<MemberCourses<'a>> {
    let mut courses = Vec::new();
    for histories in &input.histories {
        let member = histories.member.as_str();
        let mut figures = Vec::new();
        for (metric, name) in [(Metric::Accuracy, "accuracy"), (Metric::Loss, "loss")] {
            let Some(course) = Course::of(&histories.fits, metric) else { continue };
            let fits = match histories.fits.len() {
                1 => "one fit".to_owned(),
                count => format!("{count} fits"),
            };
            let caption = format!("{member}: {name} by {}, {fits}.", course.unit());
            let draw = |theme, width| figures::curves(&course, metric, member, palette.of(member), theme, width);
            figures.push(studio.half(&format!("{name}-{}", file_name(member)), caption, draw));
        }
        if let [(_, history)] = &histories.fits[..] {
            for (metric, name) in [(Metric::Accuracy, "accuracy"), (Metric::Loss, "loss")] {
                let Some(course) = Course::by_iteration(history, metric) else { continue };
                let caption = format!("{member}: {name} by iteration, {} in all, a batch each.", course.last_step());
                let draw = |theme, width| figures::curves(&course, metric, member, palette.of(member), theme, width);
                figures.push(studio.half(&format!("{name}-by-iteration-{}", file_name(member)), caption, draw));
            }
        }
        if !figures.is_empty() {
            courses.push(MemberCourses { member, figures });
        }
    }
    courses
}

/// On test images if there are any, otherwise on those out of fold, otherwise on training images.
pub(super) fn errors<'a>(
    model: &'a ModelScores,
    held_out: &'static str,
    palette: &Palette,
    studio: &mut Studio,
) -> Option<Errors<'a>> {
    let (set, scores) = page::sets(model, held_out).into_iter().rev().find_map(|(set, scores)| Some((set, scores?)))?;
    let (name, paint) = (model.name.as_str(), palette.of(&model.name));
    let basis = match set {
        "test" => "On the test images, which nothing was chosen by.",
        "validation" => "On the images held out for validation; there are no test scores.",
        "out-of-fold" => {
            "On the training images, each predicted by models that did not see it; this run has no test scores."
        }
        _ => "On the training images themselves: this run has no scores on images that the model did not see.",
    };
    let confusion = studio.half(
        "confusion",
        format!("{name} on {set} images: rows are labels, columns predictions. Only mistakes are coloured."),
        |theme, width| figures::confusion(scores, name, set, paint, theme, width),
    );
    let calibration = studio.half(
        "calibration",
        format!(
            "Calibration of {name} on {set} images. Lines are 95\u{a0}% Wilson score intervals; ECE is the expected calibration error."
        ),
        |theme, width| figures::calibration(scores, name, set, paint, theme, width),
    );
    Some(Errors {
        model: name,
        set,
        basis: basis.to_owned(),
        confusion,
        calibration,
        classes: page::class_rows(scores),
    })
}

pub(super) fn problem(figure: impl Into<String>, problem: String) -> ReportError {
    ReportError::Input { figure: figure.into(), problem }
}

/// Refuses what cannot be drawn.
pub(super) fn check(input: &ReportInput) -> Result<(), ReportError> {
    for model in &input.models {
        for (set, scores) in page::sets(model, input.data.held_out()) {
            if let Some(scores) = scores.filter(|scores| scores.correct > scores.images) {
                let found = format!("{} right of {} images", scores.correct, scores.images);
                return Err(problem(format!("the {set} scores of {}", model.name), found));
            }
        }
    }
    for stage in &input.timings {
        if !(stage.seconds >= 0.0 && stage.seconds.is_finite()) {
            return Err(problem(
                format!("the time of stage {}", stage.name),
                format!("{} seconds, expected at least 0", stage.seconds),
            ));
        }
    }
    if let Some(study) = &input.study {
        let relative = !study.is_empty()
            && !study.starts_with(['/', '\\'])
            && !study.split('/').next().unwrap_or_default().contains(':');
        if !relative {
            return Err(problem("the link to the search", format!("`{study}`, expected a relative path")));
        }
    }
    let digit = |what: String, digit: u8| match usize::from(digit) < CLASSES {
        true => Ok(()),
        false => Err(problem(what, format!("digit {digit}, expected 0 to 9"))),
    };
    for mistake in &input.mistakes {
        digit(format!("mistake {}", mistake.index), mistake.label.max(mistake.predicted))?;
    }
    for (place, example) in input.examples.iter().enumerate() {
        digit(format!("example {place}"), example.label)?;
    }
    for filters in &input.filters {
        let wrong =
            filters.weights.iter().find(|weights| filters.side == 0 || weights.len() != filters.side * filters.side);
        if let Some(weights) = wrong {
            let found = format!("{} weights, expected {} × {}", weights.len(), filters.side, filters.side);
            return Err(problem(format!("a filter of {}", filters.member), found));
        }
    }
    Ok(())
}
