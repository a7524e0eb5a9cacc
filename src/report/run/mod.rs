//! The report of a run: one page and its figures.

mod check;
mod page;
mod sections;

use askama::Template;

pub(super) use check::check;
pub(super) use page::{byline, summary};
pub(super) use sections::{error_analysis, filters, leaderboard, learning_curves, ranked};

use super::{
    error::ReportError,
    figure_book::FigureBook,
    figures,
    files::{Report, ReportOptions},
    input::ReportInput,
    page::style,
    theme::Palette,
};

/// Draws every figure of a run and fills in its page. Equal inputs give equal bytes.
///
/// # Errors
/// [`ReportError::Input`] for values that cannot be drawn: digits above 9, filters of the wrong size, negative times.
pub fn render(input: &ReportInput, options: &ReportOptions) -> Result<Report, ReportError> {
    check(input)?;
    let palette = Palette::new(input.models.iter().map(|model| model.name.as_str()));
    let models = ranked(&input.models);
    let featured = match &input.featured {
        Some(name) => Some(*models.iter().find(|model| model.name == *name).ok_or_else(|| {
            let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
            let problem = format!("found `{name}`, expected one of the scored models: {}", names.join(", "));
            ReportError::input("the featured model", problem)
        })?),
        None => models.first().copied(),
    };
    let mut book = FigureBook::default();
    let examples = (!input.examples.is_empty()).then(|| {
        let caption =
            format!("{} training digits after preprocessing, each with its label below.", input.examples.len());
        book.half("examples", caption, |theme, width| figures::examples(&input.examples, theme, width))
    });
    let held_out = input.data.held_out();
    let leaderboard = if models.len() > 1 { leaderboard(&models, &palette, &mut book) } else { None };
    let curves = learning_curves(input, &palette, &mut book);
    let errors = featured.and_then(|model| error_analysis(model, held_out, &palette, &mut book));
    if let (Some(errors), false) = (&errors, input.mistakes.is_empty()) {
        book.file_only("worst-mistakes", |theme, width| {
            figures::mistakes(&input.mistakes, errors.model, &palette, theme, width)
        });
    }
    let risk = featured.and_then(|model| sections::risk_analysis(input, model, &palette, &mut book));
    let mut filters = filters(input, &mut book);
    for history in &input.filter_histories {
        filters.extend(sections::filter_history(history, &mut book)?);
    }
    let stages = (!input.timings.is_empty()).then(|| {
        let caption = "Wall time of each stage, and its throughput in images per second.".to_owned();
        book.half("time", caption, |theme, width| figures::stages(&input.timings, theme, width))
    });
    let mistakes = if errors.is_some() { page::mistake_cards(&input.mistakes, &palette) } else { Vec::new() };
    let (style, light, dark) = style();
    let page = page::RunPage {
        title: &input.title,
        byline: byline(input),
        summary: summary(input, featured),
        stats: page::stats(input, featured),
        style,
        light,
        dark,
        data_facts: page::data_facts(input),
        examples,
        leaderboard,
        models: page::model_rows(&models, held_out, &palette),
        curves,
        errors,
        mistakes,
        risk,
        sources: page::source_rows(input),
        label_errors: input.label_errors.as_ref(),
        doubts: page::doubt_cards(&input.doubts),
        filters,
        held_out,
        has_test: input.data.test_images.is_some(),
        stages,
        facts: page::facts(input),
        config: &input.config_toml,
        study: input.study.as_deref(),
    };
    book.finish(page.render()?, options)
}
